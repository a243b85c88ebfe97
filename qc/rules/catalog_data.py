"""Rules on how a product is filed: its category and its brand."""

import re
from functools import cache
from pathlib import Path

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import cleaned, fold

_WORDS = Path(__file__).parent / "words" / "no_brand.txt"
_NOT_LETTERS = re.compile(r"[\W_]+")


@rule(
    code="catalog.category_missing",
    severity=Severity.ADVISE,
    looks_at=("category_path",),
    remedy="Put the product in a category, where buyers browse for it.",
)
def category_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a product in no category, where its source has categories."""
    if facts.category_path.strip() or "categories" in facts.not_carried:
        return None
    return Finding("category", "The product is in no category.")


@rule(
    code="catalog.brand_is_placeholder",
    severity=Severity.ADVISE,
    looks_at=("brand",),
    remedy="Name the maker, or leave the brand empty.",
)
def brand_is_placeholder(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a brand that says there is none."""
    if not facts.brand.strip() or _plain(facts.brand) not in _no_brands():
        return None
    return Finding("brand", f"The brand is given as “{facts.brand}”, which is no brand.")


def _plain(text: str) -> str:
    """Return the letters and digits of a text, folded, words apart by one space."""
    return _NOT_LETTERS.sub(" ", fold(cleaned(text))).strip()


@cache
def _no_brands() -> frozenset[str]:
    """Return what is written where there is no brand; what has neither letters nor digits is folded to nothing."""
    lines = _WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(_plain(line) for line in lines if line and not line.startswith("#")) | {""}


RULES = (category_is_missing, brand_is_placeholder)
