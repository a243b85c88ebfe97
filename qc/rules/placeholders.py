"""The rule on texts that were never written."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted, read, words_of
from qc.rules.wordlists import first_match, matches_in, said

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
        places = [at for at, it in enumerate(reading.tokens) if it[0].isalnum()]
        whole = (it for it in matches_in(text).get("placeholders", ()) if it.kind == "whole")
        if any((it.first, it.last) == (places[0], places[-1]) for it in whole):
            return text
        if _is_mashed(words) or _TODO.match(reading.text):
            return text
    match = first_match(text, "placeholders", "anywhere", unless="harmless")
    return said(text, match) if match is not None else ""


def _is_mashed(words: list[str]) -> bool:
    letters = [it for it in words if it.isalpha()]
    return bool(letters) and sum(map(len, letters)) >= 4 and all(_MASHED.fullmatch(it) for it in letters)


RULES = (text_is_placeholder,)
