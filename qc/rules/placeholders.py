"""The rule on texts that were never written."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, is_quoted, quoted, read, words_of
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
    is_motif = any(it.kind == "harmless" for it in matches_in(facts.title).get("placeholders", ()))
    for name, text in facts.texts:
        words = _filling_words(text)
        if words and not (is_motif and name == "description" and words != text):
            return Finding(name, f"The {name} is filling text: {quoted(words)}.")
    return None


def _filling_words(text: str) -> str:
    """Return what of a text only fills its place, "" for a real text."""
    reading = read(text)
    words = list(words_of(reading))
    if not words:
        return ""
    if len(words) <= 12:
        if _is_made_of([it for it in matches_in(text).get("placeholders", ()) if it.kind != "harmless"], reading):
            return text
        if _is_mashed(words) or _TODO.match(reading.text):
            return text
    match = first_match(text, "placeholders", "anywhere", unless="harmless")
    if match is None or is_quoted(reading, reading.span(match.first, match.last)):
        return ""
    return said(text, match)


def _is_made_of(matches: list[Match], reading: Reading) -> bool:
    """Tell whether phrases are all of a text; to one of several words a number may be added ("New product (2)")."""
    told = {place for it in matches for place in range(it.first, it.last + 1)}
    others = [it for place, it in enumerate(reading.tokens) if place not in told and it[0].isalnum()]
    return bool(told) and (not others or (len(told) > 1 and len(others) == 1 and others[0].isdigit()))


def _is_mashed(words: list[str]) -> bool:
    letters = [it for it in words if it.isalpha()]
    return bool(letters) and sum(map(len, letters)) >= 4 and all(_MASHED.fullmatch(it) for it in letters)


RULES = (text_is_placeholder,)
