"""Reading: what buyers see of a text, folded, each character in its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc.rules.reading import READ_CHARS, cleaned, fold, is_quoted, latin_apart, quoted, read


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café CRÈME", "cafe creme"),
        ("İSTANBUL ılık Şişe", "istanbul ilik sise"),
        ("Größe ŁÓDŹ Ørsted", "große lodz orsted"),
        ("ＷｈａｔｓＡｐｐ ０１７６", "whatsapp 0176"),
        ("مُسَدَّس أحمر", "مسدس احمر"),
        ("٠٥٠ १२", "050 12"),
        ("w\u200bh\u200ba\u200bt", "what"),
        ("snake_case", "snake case"),
    ],
)
def test_texts_are_folded(text: str, folded: str) -> None:
    assert read(text).folded == folded


def test_words_and_signs_are_cut() -> None:
    assert read("20 % off, 0.7 l of e-juice!").tokens == ("20", "%", "off", ",", "0.7", "l", "of", "e", "juice", "!")
    assert read("हाथी दांत, चाय।").tokens == ("हाथी", "दांत", ",", "चाय", "।")


def test_words_are_quoted_as_they_were_written() -> None:
    assert read("Ein ÉLÉPHANT, bitte").original(1, 1) == "ÉLÉPHANT"
    assert quoted("a\u202eb\n\u200bc" + "x" * 99) == "“a[U+202E]b [U+200B]c" + "x" * 39 + "…”"


def test_a_word_stands_where_it_was_found_and_not_where_it_stood_first() -> None:
    reading = read("ab, ÄB ab")

    assert [reading.text[reading.span(it, it)] for it in (0, 2, 3)] == ["ab", "ÄB", "ab"]
    assert reading.span(0, 3) == slice(0, 9)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ('A mug that says "pay me"', True),
        ("Tasse mit „pay me“ darauf", True),
        ('"pay me"', False),
        ("A mug: pay me", False),
        ('pay me, and a mug that says "no"', False),
    ],
)
def test_words_in_quotation_marks_are_told(text: str, is_so: bool) -> None:
    start = text.index("pay me")

    assert is_quoted(read(text), slice(start, start + len("pay me"))) is is_so


def test_other_words_stand_apart_from_scripts_without_spaces() -> None:
    assert latin_apart("请看shop.com。电话 123") == "  " + "shop.com" + "   " + " 123"


def test_what_nobody_reads_is_not_read() -> None:
    assert len(read("ä" * 10 * READ_CHARS).text) == READ_CHARS


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    shown = cleaned(text)

    assert len(fold(shown)) == len(shown)
