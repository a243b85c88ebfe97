"""Rules on GTINs, the article numbers of GS1."""

import re

from marketplace.gtins import has_length, is_gtin, is_restricted
from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule

_SEPARATORS = re.compile(r"[\s\u00a0\-\u2010-\u2015.]+")


@rule(
    code="catalog.gtin_invalid",
    severity=Severity.ADVISE,
    looks_at=("gtin",),
    remedy="Copy the digits below the bar code again, or leave the GTIN out.",
)
def gtin_is_invalid(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a GTIN of a wrong length or with a wrong check digit."""
    digits = _digits(facts.gtin)
    if not digits or is_gtin(digits):
        return None
    if not has_length(digits):
        return Finding("gtin", f"“{facts.gtin}” is no GTIN: those have 8, 12, 13 or 14 digits.")
    return Finding("gtin", f"“{facts.gtin}” is no GTIN: its last digit does not fit the others.")


@rule(
    code="catalog.gtin_restricted",
    severity=Severity.ADVISE,
    looks_at=("gtin",),
    remedy="Use the GTIN that the maker gave the product, or leave it out.",
)
def gtin_is_restricted(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a GTIN that names no product outside one shop: in-store numbers, coupons, zeros."""
    digits = _digits(facts.gtin)
    if not is_gtin(digits) or not is_restricted(digits):
        return None
    return Finding("gtin", f"“{facts.gtin}” is a number for use inside one shop, or for a coupon; it names no product.")


def _digits(gtin: str) -> str:
    return _SEPARATORS.sub("", gtin)


RULES = (gtin_is_invalid, gtin_is_restricted)
