"""What is between two texts, word by word."""

import itertools
from difflib import SequenceMatcher
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.comparing import Change, Piece, compare_words

TEXTS = st.text(alphabet="ab c.\né", max_size=40)


@given(TEXTS, TEXTS)
@settings(max_examples=100)
def test_the_pieces_hold_both_texts(old: str, new: str) -> None:
    pieces = compare_words(old, new)

    assert "".join(it.text for it in pieces if it.change is not Change.ADDED) == old
    assert "".join(it.text for it in pieces if it.change is not Change.REMOVED) == new
    assert all(first.change is not second.change for first, second in itertools.pairwise(pieces))


def test_words_change_as_wholes() -> None:
    assert compare_words("Red lamp, 40 cm", "Red table lamp, 40 cm") == [
        Piece(Change.SAME, "Red "),
        Piece(Change.ADDED, "table "),
        Piece(Change.SAME, "lamp, 40 cm"),
    ]


def test_white_space_changes_apart_from_the_words() -> None:
    assert compare_words("  Red lamp", "Blue\nlamp big") == [
        Piece(Change.REMOVED, "  Red "),
        Piece(Change.ADDED, "Blue\n"),
        Piece(Change.SAME, "lamp"),
        Piece(Change.ADDED, " big"),
    ]


def test_texts_too_long_to_compare_are_shown_as_they_are() -> None:
    old, new = "a " * 50, "b"
    assert compare_words(old, new, most_steps=49) == [Piece(Change.REMOVED, old), Piece(Change.ADDED, new)]
    assert compare_words(old, old) == [Piece(Change.SAME, old)]


def test_text_that_repeats_itself_is_compared_as_far_as_the_steps_last() -> None:
    old, new = "a b " * 2_000, "a c " * 2_000
    assert compare_words(old, new) == [
        Piece(Change.REMOVED, old[:-1]),
        Piece(Change.ADDED, new[:-1]),
        Piece(Change.SAME, " "),
    ]
    # 4 words and 2 x 2 pairs are looked at for the first "a", then 3 words and 2 pairs for the second one.
    found = [
        sum(it.text.count("a") for it in compare_words("a b a b", "a c a c", most_steps=most) if it.change == "same")
        for most in (7, 8, 12, 13)
    ]
    assert found == [0, 1, 1, 2]


@given(TEXTS, TEXTS, st.integers(0, 30))
@settings(max_examples=50)
def test_whatever_the_steps_the_pieces_hold_both_texts(old: str, new: str, most_steps: int) -> None:
    pieces = compare_words(old, new, most_steps=most_steps)
    assert "".join(it.text for it in pieces if it.change is not Change.ADDED) == old
    assert "".join(it.text for it in pieces if it.change is not Change.REMOVED) == new


def test_no_more_is_looked_at_than_the_steps_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    find = SequenceMatcher.find_longest_match

    def counted(self: Any, alo: int, ahi: int, blo: int, bhi: int) -> Any:
        looked.append(sum(1 + len(self.b2j.get(word, ())) for word in self.a[alo:ahi]))
        return find(self, alo, ahi, blo, bhi)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", counted)
    compare_words("a b " * 200, "a c " * 200, most_steps=100_000)
    assert (sum(looked) <= 100_000, len(looked) > 1) == (True, True)
