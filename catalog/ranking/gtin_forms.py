"""GTINs in one form: 8, 12, 13 and 14 digits of the same article are equal."""

from catalog.extraction.gtins import check_digit

LENGTHS = (8, 12, 13, 14)


def plain_gtin(digits: str) -> str:
    """Return the form in which GTINs are compared: no leading zeros, and of a case of an article the article's own.

    A GTIN-14 that begins with 1 to 8 names a packing of the article whose digits follow; only its check digit differs.
    Source: GS1 General Specifications 24, 2.1.7 (indicator digits).
    """
    if len(digits) == 14 and digits[0] in "12345678":
        body = digits[1:13]
        return (body + check_digit(body)).lstrip("0")
    return digits.lstrip("0")


def is_gtin(digits: str) -> bool:
    """Tell whether these are the digits of a GTIN: a right length and a right check digit."""
    return len(digits) in LENGTHS and digits.isascii() and digits.isdecimal() and check_digit(digits[:-1]) == digits[-1]
