"""Which changes of a text are worth a new vector."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.significance import INSIGNIFICANT_SHARE, Reason, compare, compose_text, is_significant_change, normal_form

BODY = (
    "A lamp of brushed brass for the table beside your favourite armchair, with a linen shade, a dimmer in the cord "
    "and a heavy foot that keeps it standing where children play. It takes bulbs of up to 60 watts."
)
HEAD = ["Brass table lamp", "Harbour Lane"]
LAMP = compose_text(HEAD, BODY)


def changed(*pairs: tuple[str, str]) -> str:
    text = LAMP
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (LAMP, Reason.NONE),
        (LAMP.upper().replace(".", " !  "), Reason.NONE),
        (changed(("favourite", "fàvourite"), ("a heavy foot", "the heavy foot")), Reason.NONE),
        (changed(("lamp of", "lamps of"), ("children play", "children are playing")), Reason.NONE),
        (compose_text(HEAD, "It takes bulbs of up to 60 watts. " + BODY[:-34]), Reason.NONE),
        (changed(("favourite", "beloved")), Reason.LITTLE),
        (changed((", with a linen shade", "")), Reason.LITTLE),
        (LAMP + " Made with care.", Reason.LITTLE),
        (changed((", with a linen shade, a dimmer in the cord and a heavy foot", "")), Reason.BODY),
        (LAMP + " A set of four matching candlesticks and a velvet cushion come with every single order.", Reason.BODY),
        (compose_text(HEAD, ""), Reason.NUMBER),
        (changed(("60 watts", "40 watts")), Reason.NUMBER),
        (LAMP + " Height 35cm.", Reason.NUMBER),
        (changed(("Brass table", "Steel table")), Reason.HEAD),
        (changed(("Harbour Lane", "Harbor & Sons")), Reason.HEAD),
        (compose_text(["Brass table lamp"], BODY), Reason.HEAD),
    ],
)  # fmt: skip
def test_what_is_a_significant_change(new: str, reason: Reason) -> None:
    change = compare(LAMP, new)

    assert (change.reason, change.is_significant) == (reason, reason in (Reason.HEAD, Reason.NUMBER, Reason.BODY))
    assert is_significant_change(new, LAMP) == change.is_significant
    assert (change.share > INSIGNIFICANT_SHARE) == (reason is Reason.BODY)


def test_a_language_without_spaces_is_measured_as_well() -> None:
    old = compose_text(
        ["真鍮ランプ"], "居間に似合う真鍮のランプです。布の傘と調光器が付いています。子供がいても倒れません。"
    )

    assert compare(old, old.replace("です。", "です! ")).reason is Reason.NONE
    assert compare(old, old.replace("子供がいても倒れません", "陶器の花瓶と机も付属します")).reason is Reason.BODY


@hypothesis.settings(max_examples=50)
@given(st.text(max_size=80), st.text(max_size=80))
def test_equal_forms_are_no_change_and_a_change_is_one_both_ways(one: str, other: str) -> None:
    old, new = compose_text(["Lamp"], one), compose_text(["Lamp"], other)

    assert is_significant_change(old, new) == is_significant_change(new, old)
    assert not is_significant_change(old, old)
    if normal_form(old) == normal_form(new):
        assert not is_significant_change(old, new)


def test_a_text_is_its_head_a_blank_line_and_its_body() -> None:
    assert (
        compose_text([" Red\n\nlamp ", "", "Harbour"], " Of brass.\n\nHeavy. ")
        == "Red lamp\nHarbour\n\nOf brass.\n\nHeavy."
    )
    assert compose_text(["Red lamp"], "") == "Red lamp"
    assert compose_text([], "") == ""
    assert len(compose_text(["Lamp"], "x" * 5_000)) == 4_000


def test_texts_without_words_are_told_apart() -> None:
    assert normal_form("★") != normal_form("☆")
    assert normal_form("The lamp!") == normal_form("a LAMP")
    assert normal_form("red\n\nlamp") != normal_form("red lamp")
