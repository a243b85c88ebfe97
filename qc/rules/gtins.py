"""Rules on GTINs, the article numbers of GS1.

Source: GS1 General Specifications 24, 1.4.2-1.4.5 (prefixes) and 7.9 (check digit).
"""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule

LENGTHS = (8, 12, 13, 14)
_SEPARATORS = re.compile(r"[\s\u00a0\-\u2010-\u2015.]+")
# Numbers that a shop or a scale makes for itself, and coupons; of a GTIN-8 those that begin with 0 or 2.
_RESTRICTED_13 = re.compile(r"02|04|05|2\d|98\d|99\d")
_RESTRICTED_8 = re.compile(r"[02]")


@rule(
    code="catalog.gtin_invalid",
    severity=Severity.ADVISE,
    looks_at=("gtin",),
    remedy="Copy the digits below the bar code again, or leave the GTIN out.",
)
def gtin_is_invalid(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a GTIN of a wrong length or with a wrong check digit."""
    digits = _digits(facts.gtin)
    if not digits or is_right(digits):
        return None
    if not _is_number(digits) or len(digits) not in LENGTHS:
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
    if not is_right(digits) or not is_restricted(digits):
        return None
    return Finding("gtin", f"“{facts.gtin}” is a number for use inside one shop, or for a coupon; it names no product.")


def is_right(digits: str) -> bool:
    """Tell whether digits have a GTIN's length and check digit."""
    if not _is_number(digits) or len(digits) not in LENGTHS:
        return False
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def is_restricted(digits: str) -> bool:
    """Tell whether a right GTIN is of a range that is not for trade."""
    if not digits.strip("0"):
        return True
    if len(digits) == 8:
        return _RESTRICTED_8.match(digits) is not None
    whole = digits.zfill(14)
    return _RESTRICTED_13.match(whole[1:]) is not None


def _digits(gtin: str) -> str:
    return _SEPARATORS.sub("", gtin)


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit()


RULES = (gtin_is_invalid, gtin_is_restricted)
