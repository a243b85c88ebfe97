"""What is between two texts, word by word."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.comparing import MAX_TOKENS, Change, Piece, compare_words

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
        Piece(Change.SAME, "Red"),
        Piece(Change.ADDED, " table"),
        Piece(Change.SAME, " lamp, 40 cm"),
    ]


def test_texts_too_long_to_compare_are_shown_as_they_are() -> None:
    old, new = "a " * MAX_TOKENS, "b"
    assert compare_words(old, new) == [Piece(Change.REMOVED, old), Piece(Change.ADDED, new)]
    assert compare_words("a b", "a c", most_tokens=2) == [Piece(Change.REMOVED, "a b"), Piece(Change.ADDED, "a c")]
    assert compare_words(old, old) == [Piece(Change.SAME, old)]
