"""Numbers as people write them: which separator groups digits, and which begins the decimals."""

import re
import unicodedata
from decimal import Decimal

from catalog.extraction.currencies import home_separator, minor_digits
from catalog.extraction.locales import decimal_separator

MAX_DIGITS = 30

# U+066B begins decimals and U+066C groups, wherever they stand; so do spaces and apostrophes group.
ARABIC_DECIMAL, ARABIC_GROUP = "\u066b", "\u066c"
NUMBER = r"(?:\d{1,3}(?: \d{3}(?!\d))+|\d+)(?:[.,'’´`_·\u066b\u066c]\d+)*"
_GROUPING = str.maketrans("", "", " '’´`_\u066c")
_WHOLE = re.compile(rf"\s*(?P<sign>[+-]?)\s*(?P<number>{NUMBER}|[.,]\d+)\s*")
_SCIENTIFIC = re.compile(r"\s*\d{1,20}(?:\.\d{1,20})?[eE][+-]?\d{1,2}\s*")
_DROPPED = dict.fromkeys(
    [0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED_CENTS = re.compile(r"(?<=\d)[⁰¹²³⁴⁵⁶⁷⁸⁹]{2}(?![⁰¹²³⁴⁵⁶⁷⁸⁹\d])")
_SPACES = re.compile(r"\s+")
_NOT_ASCII_DIGIT = re.compile(r"[^\W0-9_a-zA-Z]")


def fold(text: str) -> str:
    """Return the text in plain signs: ASCII digits, single spaces, no invisible marks, raised cents after a dot."""
    if text.isascii():
        return _SPACES.sub(" ", text.replace("\x00", " ")).strip()
    text = _RAISED_CENTS.sub(lambda match: "." + match.group().translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).translate(_DROPPED).replace("\u060c", ",").replace("\u2212", "-")
    text = _NOT_ASCII_DIGIT.sub(_ascii_digit, text)
    return _SPACES.sub(" ", text.replace("\x00", " ")).strip()


def parse_number(
    text: str, *, decimal_hint: str | None = None, currency: str = "", locale_hint: str | None = None
) -> Decimal | None:
    """Return the number that the whole text is, or None.

    `1.234` and `1,234` can be read in two ways. In this order: decimal_hint (`.` or `,`) decides; a currency
    without decimals groups; one of three decimals (KWD, TND) takes a dot, or its own sign, for the decimals;
    else the sign groups, unless both the locale and the currency's home begin their decimals with it: a price
    in a currency of two decimals is hardly ever shown to three.
    """
    if len(text) > 4 * MAX_DIGITS:
        return None
    text = fold(text)
    if _SCIENTIFIC.fullmatch(text):
        return Decimal(text.strip())
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        return None
    number = read_number(whole.group("number"), decimal_hint=decimal_hint, currency=currency, locale_hint=locale_hint)
    return -number if number is not None and whole.group("sign") == "-" else number


def read_number(
    number: str, *, decimal_hint: str | None = None, currency: str = "", locale_hint: str | None = None
) -> Decimal | None:
    """Return the value of a folded text that matches NUMBER (or begins with its decimal sign); see `parse_number`."""
    if len(number) > 2 * MAX_DIGITS:
        return None
    is_grouped = number.translate(_GROUPING) != number
    plain = number.translate(_GROUPING).replace("·", ".")
    if ARABIC_DECIMAL in plain:
        whole, _, decimals = plain.partition(ARABIC_DECIMAL)
        return _decimal(re.sub(r"[.,]", "", whole), decimals)
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return _decimal(plain, "")
    sign, whole, decimals = plain[last], plain[:last], plain[last + 1 :]
    other = "," if sign == "." else "."
    if sign in whole:  # 1.234.567
        groups = plain.split(sign)
        return _decimal("".join(groups), "") if other not in plain and _are_groups(groups) else None
    if other in whole:  # 1.234,56
        groups = whole.split(other)
        return _decimal("".join(groups), decimals) if _are_groups(groups) else None
    if len(decimals) != 3 or is_grouped or not _begins_group(whole):
        if decimal_hint == other and len(decimals) == 3 and whole:
            return _decimal(whole + decimals, "")
        return _decimal(whole or "0", decimals)
    if _groups(sign, decimal_hint, currency, locale_hint):
        return _decimal(whole + decimals, "")
    return _decimal(whole, decimals)


def _groups(sign: str, decimal_hint: str | None, currency: str, locale_hint: str | None) -> bool:
    """Tell whether a sign with three digits behind it groups them."""
    if decimal_hint in (".", ","):
        return sign != decimal_hint
    digits = minor_digits(currency)
    if digits == 0:
        return True
    home = home_separator(currency)
    if digits == 3:
        return sign != "." and sign != home
    return not (home == sign == decimal_separator(locale_hint))


def _begins_group(whole: str) -> bool:
    return 1 <= len(whole) <= 3 and whole[0] != "0"


def _are_groups(groups: list[str]) -> bool:
    """Tell whether digits are grouped as people group them: by three, or in India by two before the last three."""
    first, *middle, last = groups
    return (
        1 <= len(first) <= 3
        and len(last) == 3
        and len({len(group) for group in middle} | {3}) <= 2
        and all(len(group) in (2, 3) for group in middle)
    )


def _decimal(whole: str, decimals: str) -> Decimal | None:
    if not f"{whole}{decimals}".isdecimal() or not whole or len(whole) + len(decimals) > MAX_DIGITS:
        return None
    return Decimal(f"{whole}.{decimals}" if decimals else whole)


def _ascii_digit(match: re.Match[str]) -> str:
    digit = unicodedata.decimal(match.group(), None)
    return match.group() if digit is None else str(digit)
