"""What is between two texts, word by word."""

import re
from collections import Counter
from difflib import Match, SequenceMatcher
from enum import StrEnum
from itertools import accumulate, groupby
from typing import NamedTuple

# A word, or a sign, and the white space after it; what comes before the first stands with an empty word.
_TOKEN = re.compile(r"(\w+|[^\w\s]|\A)(\s*)")
# Looks at a word of the one text, or at a pair of the same word in both, that a comparison may take: SequenceMatcher
# looks at all of a stretch for each piece in common that it finds there, so text that repeats itself takes minutes.
MAX_STEPS = 2_000_000


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Piece(NamedTuple):
    """A stretch of text with one fate."""

    change: Change
    text: str


Token = tuple[str, str]


class _Matcher(SequenceMatcher[str]):
    """Finds what is in common as long as its steps last; what it did not look into has nothing in common.

    No junk: what counts as junk is left out of what is found, not out of the time that it takes.
    """

    def __init__(self, before: list[str], after: list[str], *, most_steps: int) -> None:
        super().__init__(None, before, after, autojunk=False)
        self.steps_left = most_steps
        counted = Counter(after)
        self.steps_until = list(accumulate((1 + counted[word] for word in before), initial=0))

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Find the longest stretch in common, or none where looking for it takes more steps than are left."""
        steps = self.steps_until[-1 if ahi is None else ahi] - self.steps_until[alo]
        if steps > self.steps_left:
            return Match(alo, blo, 0)
        self.steps_left -= steps
        return super().find_longest_match(alo, ahi, blo, bhi)


def compare_words(old: str, new: str, *, most_steps: int = MAX_STEPS) -> list[Piece]:
    """Return the way from one text to the other: all but the added pieces are `old`, all but the removed ones `new`.

    What there are no steps left for, in long texts or such as say the same over and over, is shown as replaced.
    """
    if old == new:
        return _joined([Piece(Change.SAME, old)])
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    matcher = _Matcher([word for word, _ in before], [word for word, _ in after], most_steps=most_steps)
    pieces = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            pieces += _same_words(before[i:j], after[k:m])
        else:
            pieces += _other_words(before[i:j], after[k:m])
    return _joined(pieces)


def _same_words(before: list[Token], after: list[Token]) -> list[Piece]:
    """Tell what became of the white space after words that are the same."""
    pieces = []
    for (word, space), (_, other_space) in zip(before, after, strict=True):
        pieces.append(Piece(Change.SAME, word))
        pieces += [Piece(Change.SAME, space)] if space == other_space else _replaced(space, other_space)
    return pieces


def _other_words(before: list[Token], after: list[Token]) -> list[Piece]:
    """Tell that words took the place of others; white space that both end with stays."""
    old, new = _text(before), _text(after)
    space = before[-1][1] if before and after and before[-1][1] == after[-1][1] else ""
    return [*_replaced(old.removesuffix(space), new.removesuffix(space)), Piece(Change.SAME, space)]


def _replaced(old: str, new: str) -> list[Piece]:
    return [Piece(Change.REMOVED, old), Piece(Change.ADDED, new)]


def _text(tokens: list[Token]) -> str:
    return "".join(word + space for word, space in tokens)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Leave out what is empty; pieces with one fate that touch become one."""
    told = (piece for piece in pieces if piece.text)
    return [Piece(change, "".join(it.text for it in run)) for change, run in groupby(told, key=lambda it: it.change)]
