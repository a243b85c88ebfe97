"""GTINs, the article numbers of GS1: their check digit, the form in which they are compared, those not for trade.

Source: GS1 General Specifications 24, 1.4.2-1.4.5 (prefixes), 2.1.7 (indicator digits) and 7.9 (check digit).
"""

import re

LENGTHS = (8, 12, 13, 14)
# Prefixes of GTIN-13s that a shop or a scale makes for itself, of refunds and coupons, of tag data standards (951) and
# of the lists from which GTIN-8s are given (960-969). ISSN (977), ISBN and ISMN (978, 979) are articles.
_RESTRICTED_13 = re.compile(r"02|04|05|2\d|951|96\d|98[0-4]|99\d")
_RESTRICTED_8 = re.compile(r"[02]")


def check_digit(body: str) -> str:
    """Return the check digit of all digits but the last of a GTIN."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_gtin(digits: str) -> bool:
    """Tell whether these are the digits of a GTIN: a right length and a right check digit."""
    return has_length(digits) and check_digit(digits[:-1]) == digits[-1]


def has_length(digits: str) -> bool:
    """Tell whether these are digits, and as many as a GTIN has."""
    return len(digits) in LENGTHS and digits.isascii() and digits.isdecimal()


def is_restricted(gtin: str) -> bool:
    """Tell whether a GTIN names no product outside one shop: its own numbers, coupons, one digit again and again."""
    if len(set(gtin)) == 1:
        return True
    whole = gtin.zfill(14)
    if whole.startswith("000000"):  # a GTIN-8, also where it is written longer
        return _RESTRICTED_8.match(whole[6:]) is not None
    return _RESTRICTED_13.match(whole[1:]) is not None


def plain_gtin(gtin: str) -> str:
    """Return the form in which GTINs are compared: no leading zeros, and of a case of an article the article's own.

    A GTIN-14 that begins with 1 to 8 names a packing of the article whose digits follow; only its check digit differs.
    """
    if len(gtin) == 14 and gtin[0] in "12345678":
        body = gtin[1:13]
        return (body + check_digit(body)).lstrip("0")
    return gtin.lstrip("0")
