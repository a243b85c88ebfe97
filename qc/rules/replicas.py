"""The rule on copies of brands."""

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import (
    Match,
    apart_from,
    between,
    first_match,
    in_clause,
    matches_in,
    of_kind,
    said,
    words_for_patterns,
)

_LIST = "replicas"
_BRAND_REACH = 6
_OF_REACH = 3
# A text that speaks of copies more often says nothing else by it.
_MOST_NAMED = 100
# What shows a brand's goods, fits them, or is licensed, is no copy.
_FITTING = frozenset(words_for_patterns("offers", "fitting"))


@rule(
    code="text.replica",
    severity=Severity.FLAG,
    looks_at=("title", "description", "brand"),
    remedy="Copies of brands may not be sold. If it is none, describe the product without naming the brand.",
)
def goods_are_copies(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a copy of a brand: “replica”, “1:1”, “dupe of”, beside the name of a brand that is copied."""
    for name, text in facts.texts:
        words = _words_of_copy(text) or (name == "description" and _confessed(text, title=facts.title)) or ""
        if words:
            return Finding(name, f"The {name} offers a copy of a brand: {quoted(words)}.")
    return None


def _words_of_copy(text: str) -> str:
    reading = read(text)
    certain = first_match(text, _LIST, "certain", unless="harmless")
    if certain is not None:
        return reading.original(certain.first, certain.last)
    found = matches_in(text)
    brands = found.get("brands", ())
    its = found.get(_LIST, ())
    denied = {it.last + 1 for it in found.get("negations", ()) if it.kind == "before"}  # "no copy"
    copying = [it for it in its if it.kind in ("of_brand", "beside_brand") and it.first not in denied] if brands else []
    for match in apart_from(copying, (it for it in its if it.kind == "harmless"))[:_MOST_NAMED]:
        if reading.tokens[match.first] > "\u3000" and any(it.first == match.first for it in brands):
            return reading.original(match.first, match.last)  # one token, where a script has no spaces
        beside = in_clause(match, brands, reading.tokens, reach=_BRAND_REACH)
        brand = next((it for it in beside if _is_copied(match, it, reading)), None)
        if brand is not None:
            return reading.original(min(match.first, brand.first), max(match.last, brand.last))
    return ""


def _confessed(text: str, *, title: str) -> str:
    """Return words that say of goods that they are copies, where the title names the brand; "" for none."""
    if not any(it.kind == "brand" for it in matches_in(title).get("brands", ())):
        return ""
    if "printed" in matches_in(title) or not _FITTING.isdisjoint(read(title).tokens):
        return ""
    negations = [it.last for it in matches_in(text).get("negations", ()) if it.kind == "before"]
    denied = {last + step for last in negations for step in (1, 2)}  # "not a replica"
    for match in of_kind(text, _LIST, "confessed", unless="harmless")[:_MOST_NAMED]:
        if match.first not in denied:
            return said(text, match)
    return ""


def _is_copied(match: Match, brand: Match, reading: Reading) -> bool:
    """Tell whether words of copying belong to a brand: after "dupe of" it follows, "replica" stands near it."""
    if match.kind == "of_brand" and not 0 < brand.first - match.last <= _OF_REACH:
        return False
    if match.kind == "beside_brand" and abs(brand.first - match.first) > _BRAND_REACH:
        return False
    return _FITTING.isdisjoint(between(match, brand, reading.tokens))


RULES = (goods_are_copies,)
