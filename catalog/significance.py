"""Which changes of a text are worth a new vector.

A text has a head, which says what the thing is (title and brand; name, category and address), and a body after a blank
line, which describes it. Texts are compared by the stems of their words: case, accents, punctuation, white space and
stop words are no change at all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog.words import fold, stems

MAX_TEXT_CHARS = 4_000
# Of the letters of both bodies together. Measured on 2,000 descriptions of product-search with words replaced by those
# of other products: see docs/search.md.
INSIGNIFICANT_SHARE = 0.10


class Reason(StrEnum):
    """What decides whether a change is significant."""

    NONE = "no word changed"
    HEAD = "the head changed"
    NUMBER = "a number changed"
    BODY = "much of the body changed"
    LITTLE = "little of the body changed"


@dataclass(frozen=True, slots=True)
class Change:
    """What is between two texts; `share` is how much of the letters of both bodies the other one lacks, 0 to 1."""

    is_significant: bool
    reason: Reason
    share: float = 0.0


def compose_text(head: Iterable[str], body: str) -> str:
    """Write a text: a line for each part of the head that says something, a blank line, the body."""
    lines = [" ".join(part.split()) for part in head]
    return "\n\n".join(part for part in ("\n".join(line for line in lines if line), body.strip()) if part)[
        :MAX_TEXT_CHARS
    ]


def normal_form(text: str) -> str:
    """Return what is left of a text when only its words count; texts with equal forms need one vector."""
    head, body = _parts(text)
    return f"{' '.join(head)}\n{' '.join(body)}" if head or body else fold(text)


def compare(old: str, new: str) -> Change:
    """Decide whether `new` is worth a vector of its own where that of `old` is at hand.

    A change of the head or of a number always is: another size or model is another thing. Of the body, each word counts
    with its letters, wherever it stands, so that a language without spaces is measured as well.
    """
    if old == new:
        return Change(is_significant=False, reason=Reason.NONE)
    (old_head, old_body), (new_head, new_body) = _parts(old), _parts(new)
    if old_head != new_head:
        return Change(is_significant=True, reason=Reason.HEAD)
    if _numbers(old_body) != _numbers(new_body):
        return Change(is_significant=True, reason=Reason.NUMBER)
    before, after = Counter(old_body), Counter(new_body)
    changed = _letters(before - after) + _letters(after - before)
    if not changed:
        return Change(is_significant=False, reason=Reason.NONE)
    share = changed / (_letters(before) + _letters(after))
    is_significant = share > INSIGNIFICANT_SHARE
    return Change(is_significant=is_significant, reason=Reason.BODY if is_significant else Reason.LITTLE, share=share)


def is_significant_change(old: str, new: str) -> bool:
    """Tell whether `new` is worth a vector of its own where that of `old` is at hand."""
    return compare(old, new).is_significant


def _parts(text: str) -> tuple[list[str], list[str]]:
    head, _, body = text.partition("\n\n")
    return stems(head), stems(body)


def _numbers(words: Sequence[str]) -> list[str]:
    return [word for word in words if any(character.isdigit() for character in word)]


def _letters(words: Counter[str]) -> int:
    return sum(len(word) * count for word, count in words.items())
