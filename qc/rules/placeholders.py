"""The rule on texts that were never written."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read, words_of
from qc.rules.wordlists import Match, first_match, matches_in, said

# Keys beside each other, and letters again and again: all words of such a text are of this kind.
_MASHED = re.compile(
    r"(?:asdf|sdfg|dfgh|fghj|ghjk|hjkl|asd|sdf|dfg|jkl|qwer|wert|erty|rtyu|qwerty|qwertz|azerty|zxcv|xcvb|uiop|qazwsx|poiu|lkjh)+[a-z]?"
    r"|x{2,}|([a-z])\1{2,}|(?:bla){2,}|[bcdfghjklmnpqrstvwxz]{7,}"
)
_TODO = re.compile(r"^\s*(?:TODO|FIXME|TBD)\s*(?:[:\-–]|$)")


@rule(
    code="text.placeholder",
    severity=Severity.REJECT,
    looks_at=("title", "description"),
    remedy="Put in the real text, and send the product when it is finished.",
)
def text_is_placeholder(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a title or description that only fills its place."""
    for name, text in facts.texts:
        words = _filling_words(text)
        if words:
            return Finding(name, f"The {name} is filling text: {quoted(words)}.")
    return None


def _filling_words(text: str) -> str:
    """Return what of a text only fills its place, "" for a real text."""
    reading = read(text)
    words = list(words_of(reading))
    if not words:
        return ""
    if len(words) <= 12:
        if any(_is_whole(it, reading) for it in matches_in(text).get("placeholders", ()) if it.kind == "whole"):
            return text
        if _is_mashed(words) or _TODO.match(reading.text):
            return text
    match = first_match(text, "placeholders", "anywhere", unless="harmless")
    return said(text, match) if match is not None else ""


def _is_whole(match: Match, reading: Reading) -> bool:
    """Tell whether a phrase is all of a text; to one of several words a number may be added ("New product (2)")."""
    others = [it for it in (*reading.tokens[: match.first], *reading.tokens[match.last + 1 :]) if it[0].isalnum()]
    return not others or (match.last > match.first and others[0].isdigit() and len(others) == 1)


def _is_mashed(words: list[str]) -> bool:
    letters = [it for it in words if it.isalpha()]
    return bool(letters) and sum(map(len, letters)) >= 4 and all(_MASHED.fullmatch(it) for it in letters)


RULES = (text_is_placeholder,)
