"""Amounts and currencies of markup and of visible text, read with what the page says about its place."""

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from catalog.extraction.document import Document
from catalog.extraction.json_text import Number
from catalog.extraction.prices import MAX_AMOUNT, ParsedPrice, currency_of, parse_price
from marketplace.money import Money

MAX_RAW = 200
MAX_PRICE_TEXT = 200
# ISO 3166 codes that are no country's, as domains: a shop at .io or .co says nothing about its place.
_WORLDWIDE = frozenset({"ai", "cc", "co", "fm", "gg", "im", "io", "me", "nu", "sh", "so", "to", "tv", "ws", "eu"})


@dataclass(frozen=True, slots=True)
class Hints:
    """What the page says about how it writes numbers: a language tag, and the currency that its data names."""

    locale: str = ""
    currency: str = ""


def locale_of(document: Document) -> str:
    """Return the page's language tag with a region: its own, else that of its country's domain; may be empty."""
    language = document.language
    host = (urlsplit(document.address).hostname or "").rpartition(".")[2].lower()
    country = "" if host in _WORLDWIDE or len(host) != 2 else {"uk": "GB"}.get(host, host.upper())
    if re.search(r"-[A-Z]{2}\b", language) or not country:
        return language
    return f"{language.partition('-')[0]}-{country}".lstrip("-")


def currency_code(text: str, locale: str = "") -> str:
    """Return the ISO 4217 code that a text of markup names, or empty when it names none for sure."""
    word = text.strip()
    if not word or len(word) > 20:
        return ""
    return currency_of(word, locale_hint=locale or None)


def read_money(value: str, currency: str, hints: Hints) -> Money | None:
    """Return the money of a property's value and of its currency's; None when it is no amount."""
    if not value or len(value) > MAX_PRICE_TEXT:
        return None
    code = currency_code(currency, hints.locale)
    parsed = _parsed(value, code or hints.currency, hints.locale, "." if isinstance(value, Number) else None)
    if parsed is None or not 0 <= parsed.amount < MAX_AMOUNT:
        return None
    return Money(parsed.amount, code or parsed.currency, f"{value} {currency}".strip()[:MAX_RAW])


def read_visible_money(text: str, hints: Hints) -> ParsedPrice | None:
    """Return the price that a short visible text shows; None when it shows none."""
    parsed = _parsed(text, hints.currency, hints.locale, None) if len(text) <= MAX_PRICE_TEXT else None
    return parsed if parsed and 0 <= parsed.amount < MAX_AMOUNT else None


def minor_units(value: object, currency: str, digits: int = 2) -> Money | None:
    """Return the money of an integer that counts the currency's smallest unit; None when it is no integer."""
    text = str(value)
    if not re.fullmatch(r"\d{1,16}", text):
        return None
    return Money(Decimal(text).scaleb(-digits), currency_code(currency), text)


def _parsed(text: str, currency: str, locale: str, decimal: str | None) -> ParsedPrice | None:
    return parse_price(text, currency_hint=currency or None, locale_hint=locale or None, decimal_hint=decimal)
