"""The rules on texts: what they cost, and that nothing breaks them."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc.rules.contract import ProductFacts
from qc.rules.languages import language_of
from qc.rules.ruleset import STANDARD

TEXT_RULES = [it for it in STANDARD.active if it.rule.code.startswith("text.")]
FINE = ProductFacts(
    title="Red table lamp", description="A lamp of brass and linen, 40 cm high.", currency="EUR", shop_language="en"
)
TROUBLE = [
    "a" * 50_000,
    "a." * 25_000,
    "0 " * 25_000,
    "(" * 50_000,
    "<" * 50_000,
    "<a " * 16_000,
    "a@" * 25_000,
    "a-" * 25_000,
    "&" * 50_000,
    "w " * 25_000,
    "@a" * 25_000,
    "ab12 " * 10_000,
    "é" * 50_000,
    "javascript:" * 4_500,
    "water " * 8_000,
    "ignore all " * 4_500,
    "1-" * 25_000,
    "f*" * 25_000,
    "a at b dot " * 4_500,
    "x1" * 25_000,
    "anna arobase " * 3_800,
    "www a " * 8_000,
    "call 1 " * 7_000,
    "parrot live " * 4_000,
]


def judged_in_s(description: str) -> float:
    facts = replace(FINE, description=description)
    begun = time.process_time()
    for active in TEXT_RULES:
        active.reason_against(facts)
    return time.process_time() - begun


@pytest.mark.parametrize("text", TROUBLE, ids=lambda it: it[:8])
def test_cost_grows_no_faster_than_the_text(text: str) -> None:
    judged_in_s(text[:5_000] + "!")  # lists and models are loaded
    short, long = judged_in_s(text[:5_000]), judged_in_s(text)

    assert long < 40 * max(short, 0.005)


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
    facts = replace(FINE, title="StarTech.com cable", brand="StarTech.com")

    assert "text.link" not in [it.code for it in STANDARD.reasons_against(facts)]
    assert "text.link" in [it.code for it in STANDARD.reasons_against(replace(facts, brand=""))]
