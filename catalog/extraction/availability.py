"""Availability: whether a product can be had, from markup's words or from what the page says to buyers.

Decided, after schema.org's definitions: limited, online only, in store only and made to order can be bought (InStock);
sold out, discontinued and reserved cannot (OutOfStock); a back order is accepted now and served later, like a pre-order
is (PreOrder). `Notify me` and `back soon` say that it is not there. Clauses that contradict each other say nothing,
unless one of them is of a branch of the shop, or offers a pre-order; of a branch alone it is believed that the product
is there, not that it is nowhere.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from catalog.extraction.availability_words import (
    ALONE_IN_STOCK,
    ALONE_OUT_OF_STOCK,
    BRANCHES,
    CONDITIONS,
    COUNTED,
    DATED,
    DENIALS,
    MACHINE_IN_STOCK,
    MACHINE_OUT_OF_STOCK,
    MACHINE_PREORDER,
    NEGATIONS,
    OTHER_THINGS,
    PHRASES,
    STILL_THERE,
)

Availability = Literal["InStock", "OutOfStock", "PreOrder"]

MAX_TEXT = 1_000

_MACHINE: dict[str, Availability] = {
    **dict.fromkeys(MACHINE_IN_STOCK, "InStock"),
    **dict.fromkeys(MACHINE_OUT_OF_STOCK, "OutOfStock"),
    **dict.fromkeys(MACHINE_PREORDER, "PreOrder"),
    **dict.fromkeys(ALONE_IN_STOCK, "InStock"),
    **dict.fromkeys(ALONE_OUT_OF_STOCK, "OutOfStock"),
}
_SCHEMA = re.compile(r"schema\.org/+([A-Za-z]{4,40})(?![A-Za-z])|^\s*schema:([A-Za-z]{4,40})\s*$", re.IGNORECASE)
_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "’": "'", "‘": "'", "_": " "})
_CLAUSES = re.compile(r"\.(?! \d)|[\n\r;|•·!✓✔✗✘✅❌]+|, | [–—] ")
_STILL_THERE = re.compile(STILL_THERE)
_CONDITIONS = re.compile(CONDITIONS)
_DATED = re.compile(DATED)
_COUNTED = re.compile(rf"(?<!\w)(?:{COUNTED})")
_OTHER_THINGS = re.compile(OTHER_THINGS)
_CHOICES = re.compile(
    r"\bavailable in (?!stock|store)|\bavailable (?:sizes|colou?rs|options|variants|models|formats)\b"
)
_QUESTIONS = re.compile(
    r"\b(?:check|see|view|show|find|select|choose|prufen|verifier|ver|проверить)(?: \w+){0,3} (?:availability|stock)\b"
)


def parse_availability(text: str) -> Availability | None:
    """Return what a text says of a product's availability; None where it says nothing, or both.

    The text is a word or an address of schema.org, a word of a platform or feed, or a phrase shown to buyers in one of
    the languages of `availability_words`; of a longer text the first 1,000 characters are read.
    """
    return _parsed(text[:MAX_TEXT])


@lru_cache(maxsize=8_192)
def _parsed(text: str) -> Availability | None:
    named = _of_markup(text)
    if named:
        return named
    said: list[tuple[Availability, bool]] = []
    for clause in _CLAUSES.split(_plain(text)[:MAX_TEXT]):
        meaning = _of_clause(clause.strip())
        if meaning:
            said.append((meaning, _is_of_branch(clause)))
    meanings = {meaning for meaning, is_branch in said if not is_branch}
    if not meanings:
        meanings = {meaning for meaning, _ in said} - {"OutOfStock"}
    if "PreOrder" in meanings:
        return "PreOrder"
    return meanings.pop() if len(meanings) == 1 else None


def _of_markup(text: str) -> Availability | None:
    address = _SCHEMA.search(text)
    word = (address.group(1) or address.group(2)) if address else text.strip()
    return _MACHINE.get(re.sub(r"[\s_-]", "", _plain(word))) if len(word) <= 40 else None


def _of_clause(clause: str) -> Availability | None:
    if not clause:
        return None
    in_stock, out_of_stock, preorder = _phrases()
    clause, still_there = _STILL_THERE.subn(" ", clause)
    for said_of_nothing in (_CHOICES, _OTHER_THINGS, _QUESTIONS, _CONDITIONS):
        clause = said_of_nothing.sub(" ", clause)
    if out_of_stock.search(clause):
        return "PreOrder" if preorder.search(clause) and not in_stock.search(clause) else "OutOfStock"
    if preorder.search(clause) or _DATED.search(clause):
        return "PreOrder"
    if still_there or in_stock.search(clause) or _COUNTED.search(clause):
        return "InStock"
    return None


def _is_of_branch(clause: str) -> bool:
    return not BRANCHES.isdisjoint(clause.split())


@lru_cache(maxsize=1)
def _phrases() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of the three meanings; the second one knows negations of the first."""
    columns = [{phrase for row in PHRASES.values() for phrase in _plain(row[column]).split("|")} for column in range(3)]
    there, gone, ahead = (_any_of(column) for column in columns)
    negations, denials = (_any_of([_plain(word) for word in words]) for words in (NEGATIONS, DENIALS))
    negated = rf"{negations}(?: [\w']+){{0,2}} {there}"
    none_left = rf"(?<![\d.,])0 (?:[\w']+ ){{0,2}}(?:{there}|left)|{there}(?:[ :(]+[\w'.]+)?[ :(]+0(?![\d.,])"
    denied = rf"{there} ?[:?] ?{denials}"
    return re.compile(there), re.compile(f"{gone}|{negated}|{none_left}|{denied}"), re.compile(ahead)


def _any_of(phrases: Iterable[str]) -> str:
    """Return a pattern of phrases: whole words, or with `*` their stems, where the script sets spaces between words."""
    longest_first = sorted(phrases, key=len, reverse=True)
    unspaced = [re.escape(phrase) for phrase in longest_first if phrase[0] >= "\u0e00"]
    words = [re.escape(phrase) for phrase in longest_first if phrase[0] < "\u0e00" and not phrase.endswith("*")]
    stems = [re.escape(phrase[:-1]) + r"\w*" for phrase in longest_first if phrase.endswith("*")]
    spaced = "|".join([f"(?:{'|'.join(words)})(?!\\w)", *stems])
    return f"(?:(?<!\\w)(?:{spaced})" + (f"|(?=[\u0e00-\U0010ffff])(?:{'|'.join(unspaced)}))" if unspaced else ")")


def _plain(text: str) -> str:
    """Return the text in lower case, without accents, hyphens as spaces, spaces single and line ends kept."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = unicodedata.normalize("NFC", _MARKS.sub("", folded)).translate(_LETTERS)
    return re.sub(r"[^\S\n]+", " ", re.sub(r"(?<=\w)[-‐‑](?=\w)", " ", folded))
