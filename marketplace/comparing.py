"""What is between two texts, word by word."""

import re
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
MAX_TOKENS = 4_000  # two texts of so many that differ in all take a second


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Piece(NamedTuple):
    """A stretch of text with one fate."""

    change: Change
    text: str


def compare_words(old: str, new: str, *, most_tokens: int = MAX_TOKENS) -> list[Piece]:
    """Return the way from one text to the other: all but the added pieces are `old`, all but the removed ones `new`.

    A text of more tokens than the most, words and what is between them, is shown as wholly replaced.
    """
    if old == new:
        return _joined([Piece(Change.SAME, old)])
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(before), len(after)) > most_tokens:
        return _joined([Piece(Change.REMOVED, old), Piece(Change.ADDED, new)])
    pieces = []
    # No junk: with white space as junk, a text of one word repeated took minutes.
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece(Change.SAME, "".join(before[i:j])))
        else:
            pieces += [Piece(Change.REMOVED, "".join(before[i:j])), Piece(Change.ADDED, "".join(after[k:m]))]
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Leave out what is empty; pieces with one fate that touch become one."""
    told = (piece for piece in pieces if piece.text)
    return [Piece(change, "".join(it.text for it in run)) for change, run in groupby(told, key=lambda it: it.change)]
