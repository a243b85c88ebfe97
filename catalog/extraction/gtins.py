"""Read GTINs in texts: the article numbers of GS1, told from other digits by their check digit (marketplace.gtins).

Decided: the digits are returned as they are labelled (8, 12, 13 or 14 of them, not padded to 14), for sellers and
buyers look for what stands on the package. ISBN-13 and ISSN-13 are GTIN-13s (978, 979, 977). An ISBN-10 is returned as
the ISBN-13 that it stands for, for GS1 knows no other form of it, and only where the text says ISBN: one in eleven
telephone numbers has its check digit. Numbers that a shop or a scale makes for itself
(restricted circulation) and coupons are refused: they name no product outside that shop.

Source: ISO 2108 (the check digit of an ISBN-10).
"""

import re

from catalog.extraction.numbers import fold
from marketplace.gtins import check_digit, is_gtin, is_restricted

MAX_TEXT = 200

_ADDRESS = re.compile(r"https?://[^/\s]+/(?:[^?#\s]*/)?01/(\d{8,14})(?=[/?#\s]|$)", re.IGNORECASE)  # GS1 Digital Link
_LABEL = re.compile(
    r"\b(?:global trade item number|gtin|ean|upc|jan|isbn|issn|barcode|bar code|code[- ]barres|strichcode|штрихкод|"
    r"código de barras|codice a barre)(?:[ -]?(?:8|10|12|13|14|a|e|code|nummer|number|no)\b)?[\s.:#°№=-]*",
    re.IGNORECASE,
)
_CANDIDATE = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){6,12}[ -]?[\dXx](?![\w]|[.,]\d)")
_AI = re.compile(r"^\(01\)\s*")
_SEPARATORS = re.compile(r"[ \-]")


def parse_gtin(text: str) -> str | None:
    """Return the one GTIN that a text states, digits only, or None.

    The text is the number itself, with spaces, hyphens or a label (`EAN: 4006381333931`), a GS1 Digital Link or an
    element string `(01)...`. Where several different numbers have a right check digit, it is None.
    """
    text = text[:MAX_TEXT]
    link = _ADDRESS.search(text)
    folded = _LABEL.sub(" ", _AI.sub("", link.group(1) if link else fold(text)))
    is_book = "isbn" in text.casefold()
    found = {gtin for match in _CANDIDATE.findall(folded) for gtin in _read(match, is_book=is_book)}
    return found.pop() if len(found) == 1 else None


def _read(digits: str, *, is_book: bool) -> list[str]:
    """Return the GTINs of digits in groups: the one of all together, else those of the groups."""
    for parts in ([_SEPARATORS.sub("", digits)], _SEPARATORS.split(digits)):
        found = [gtin for part in parts if (gtin := _valid(part.upper(), is_book=is_book))]
        if found:
            return found
    return []


def _valid(digits: str, *, is_book: bool) -> str | None:
    if len(digits) == 10 and is_book:
        return _from_isbn_10(digits)
    return digits if is_gtin(digits) and not is_restricted(digits) else None


def _from_isbn_10(digits: str) -> str | None:
    body, check = digits[:9], digits[9]
    if not body.isdigit() or len(set(body)) == 1:
        return None
    total = sum((10 - place) * int(digit) for place, digit in enumerate(body))
    if "0123456789X"[-total % 11] != check:
        return None
    return f"978{body}{check_digit(f'978{body}')}"
