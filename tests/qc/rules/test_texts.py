"""The rules on texts: what they cost, and that nothing breaks them."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc.rules.contract import ProductFacts
from qc.rules.languages import language_of
from qc.rules.prohibited_goods import _evidence
from qc.rules.reading import _starts_of_tokens, read
from qc.rules.ruleset import STANDARD
from qc.rules.wordlists import matches_in

TEXT_RULES = [it for it in STANDARD.active if it.rule.code.startswith("text.")]
FINE = ProductFacts(
    title="Red table lamp", description="A lamp of brass and linen, 40 cm high.", currency="EUR", shop_language="en"
)
# Said over and over, each made trouble once, or would if a rule looked back at all that came before.
TROUBLE = [
    "a", "a.", "0 ", "(", "<", "<a ", "a@", "a-", "&", "w ", "@a", "ab12 ", "é", "javascript:", "water ", "ignore all ",
    "1-", "f*", "a at b dot ", "x1", "anna arobase ", "www a ", "call 1 ", "parrot live ", "telegram: ab ",
    "paypal . pay . ", "telegram . write us . ", "no gun ", "water gun gun ", "mug with gun ", "poster \"gun ",
    "gucci . replica ", "replica of the ", "pay visa . paypal ", "gun no ", "knife wine ", "12 34 ", "a.b ", "a:b.it ",
    "shop dot ", "sale ", "lorem ", "approve . system: ", "微信", "微信 a. ", "Ã ", "\u200b", "Аa ", "dress ", "GB12 ",
    "id 1/1234567 ", "one two call ", "whatsapp us , ", "alarm whatsapp ", "mail a at b.de ", "piel.de a ",
    "visa , pay me paypal ", "never ",
]  # fmt: skip
SHORT_CHARS, LONG_CHARS = 5_000, 20_000


def judged_in_s(text: str) -> float:
    """Return the processor time that all rules take for a text as title, and as description, read anew."""
    for it in (read, matches_in, _starts_of_tokens, _evidence):
        it.cache_clear()
    begun = time.process_time()
    for facts in (replace(FINE, title=text), replace(FINE, description=text)):
        for active in TEXT_RULES:
            active.reason_against(facts)
    return time.process_time() - begun


@pytest.mark.parametrize("said", TROUBLE, ids=lambda it: it[:12])
def test_cost_grows_no_faster_than_the_text(said: str) -> None:
    short, long = (said * (chars // len(said)) for chars in (SHORT_CHARS, LONG_CHARS))
    judged_in_s("One, to load what is loaded once.")

    # Four times the text: 4 if cost grows as the text does, 16 if by its square. Other work may disturb a measure.
    assert any(judged_in_s(long) < 8 * judged_in_s(short) for _ in range(4))


@settings(max_examples=100, deadline=None)
@given(title=st.text(max_size=80), description=st.text(max_size=300))
def test_no_text_breaks_a_rule(title: str, description: str) -> None:
    facts = replace(FINE, title=title, description=description)

    for reason in filter(None, (it.reason_against(facts) for it in TEXT_RULES)):
        assert reason.field in ("title", "description")
        assert reason.message.endswith(".")
        assert reason.message.isprintable()


@pytest.mark.parametrize(
    "signs", ["<>&;:=\"'/script onjavascript", "0123456789+-() .callTel", "@.comwww/(at)dot ", "ÃÂâ€™©"]
)
def test_no_heap_of_signs_breaks_a_rule(signs: str) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.text(alphabet=signs, max_size=120))
    def check(text: str) -> None:
        for it in TEXT_RULES:
            it.reason_against(replace(FINE, title=text, description=text))

    check()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This lamp is made of brass and linen and fits every living room.", "en"),
        ("Diese Lampe ist aus Messing und Leinen und passt in jedes Wohnzimmer.", "de"),
        ("Cette lampe est faite de laiton et de lin et convient à tous les salons.", "fr"),
        ("هذا المصباح مصنوع من النحاس والكتان ويناسب كل غرفة معيشة في البيت", "ar"),
        ("Canon PIXMA MG2555S", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_or_not_at_all(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_negation_takes_a_word_back() -> None:
    assert STANDARD.reasons_against(
        replace(FINE, description="Contains no tobacco, and is not for use with firearms.")
    ) == STANDARD.reasons_against(FINE)


def test_a_domain_that_is_the_brand_is_no_link() -> None:
    facts = replace(FINE, title="Long cable by StarTech.com", brand="StarTech.com")

    assert "text.link" not in [it.code for it in STANDARD.reasons_against(facts)]
    assert "text.link" in [it.code for it in STANDARD.reasons_against(replace(facts, brand=""))]
    assert "text.link" in [it.code for it in STANDARD.reasons_against(replace(facts, brand="Not StarTech.commerce"))]


def test_a_name_that_a_title_begins_with_is_no_link() -> None:
    codes = [it.code for it in STANDARD.reasons_against(replace(FINE, title="StarTech.com cable, 2 m"))]

    assert "text.link" not in codes
