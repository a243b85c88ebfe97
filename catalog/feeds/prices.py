"""A feed's prices: what a buyer pays now, what is crossed out, and in which currency, which is never guessed."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.extraction.currencies import CODES, currency_of
from catalog.extraction.prices import MAX_AMOUNT, parse_number, parse_price
from catalog.feeds.values import is_between, is_within, text_of
from marketplace.money import Money

# Google and Meta: a dot before the decimals, and the code behind a space. Three decimals may be thousands elsewhere.
_PLAIN = re.compile(r"(\d{1,13}(?:\.\d{1,2}|\.\d{4})?)(?: ?([A-Z]{3}))?")
_PLAIN_DOT = re.compile(r"(\d{1,13}(?:\.\d{1,4})?)(?: ?([A-Z]{3}))?")
_STEP = Decimal("0.0001")
_AMOUNT_KEYS = ("amount", "value", "price", "amountvalue")
_CURRENCY_KEYS = ("currency", "currencycode", "currency_code", "pricecurrency")


@dataclass(frozen=True, slots=True)
class PriceFault:
    """A price that was not taken over."""

    field: str
    code: str
    message: str
    value: str


@dataclass(frozen=True, slots=True)
class Prices:
    """What a product costs now, what it cost before, the current price as written, and what could not be read."""

    current: Money | None
    former: Money | None
    raw: str
    faults: tuple[PriceFault, ...]


def read_prices(values: dict[str, Any], *, is_dotted: bool, now: datetime) -> Prices:
    """Return the prices of a row.

    A sale price counts where it is lower than the price and the moment lies within its window; a window that cannot
    be read counts as none that holds. A price in hundredths is the last that is asked for.

    Args:
        values: by our fields: price, price_minor, list_price, currency, sale_price, and its window, starts, ends.
        is_dotted: the feed's kind prescribes a dot before the decimals.
        now: the moment.
    """
    faults: list[PriceFault] = []
    hint = _currency(values.get("currency"), faults)

    def read(field: str) -> Money | None:
        return _read(values.get(field), field, hint, is_dotted, faults)

    price, regular, sale = read("price"), read("list_price"), read("sale_price")
    if price is None and values.get("price_minor") is not None:
        price = _read_minor(values["price_minor"], hint, faults)
    base = price or regular
    is_on_sale = sale is not None and (base is None or _is_less(sale, base)) and _is_now(values, faults, now=now)
    current = sale if is_on_sale else base
    former = next((money for money in (regular, price) if money and current and _is_less(current, money)), None)
    return Prices(current, former, current.raw if current else "", tuple(faults))


def _is_less(money: Money, other: Money) -> bool:
    return money.currency == other.currency and money.amount < other.amount


def _is_now(values: dict[str, Any], faults: list[PriceFault], *, now: datetime) -> bool:
    window = text_of(values.get("sale_window"))
    starts, ends = text_of(values.get("sale_starts")), text_of(values.get("sale_ends"))
    if not (window or starts or ends):
        return True
    is_inside = is_within(window, now=now) if window else is_between(starts, ends, now=now)
    if is_inside is None:
        faults.append(
            PriceFault("sale_window", "feed.bad_date", "the sale's dates cannot be read", window or f"{starts}/{ends}")
        )
    return bool(is_inside)


def _currency(value: Any, faults: list[PriceFault]) -> str:
    text = text_of(value)
    if not text:
        return ""
    code = text if text in CODES else currency_of(text)
    if not code:
        faults.append(PriceFault("currency", "feed.bad_currency", "this is not one currency of ISO 4217", text))
    return code


def _read(value: Any, field: str, hint: str, is_dotted: bool, faults: list[PriceFault]) -> Money | None:
    if isinstance(value, dict):
        by_name = {str(name).lower(): inner for name, inner in value.items()}
        own = next((by_name[key] for key in _CURRENCY_KEYS if key in by_name), None)
        hint = _currency(own, faults) or hint
        value = next((by_name[key] for key in _AMOUNT_KEYS if key in by_name), None)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    text = text_of(value)
    if not text:
        return None
    amount, currency = _amount_of(text, hint, is_dotted=is_dotted or is_number)
    if amount is None or not 0 <= amount < MAX_AMOUNT:
        faults.append(PriceFault(field, "feed.bad_price", "this is no price", text))
        return None
    if hint and currency and currency != hint:
        message = f"the price is in {currency}, the row's currency is {hint}; the price's own counts"
        faults.append(PriceFault(field, "feed.currency_conflict", message, text))
    code = currency or hint
    raw = text if not code or re.search(r"[^\d.,\s]", text) else f"{text} {code}"
    return Money(amount=amount.quantize(_STEP), currency=code, raw=raw[:200])


def _amount_of(text: str, hint: str, *, is_dotted: bool) -> tuple[Decimal | None, str]:
    plain = (_PLAIN_DOT if is_dotted else _PLAIN).fullmatch(text)
    if plain is not None and (plain[2] is None or plain[2] in CODES):
        return Decimal(plain[1]), plain[2] or ""
    decimal_hint = "." if is_dotted else None
    bare = parse_number(text, decimal_hint=decimal_hint, currency=hint)
    if bare is not None:
        return bare, ""
    parsed = parse_price(text, currency_hint=hint or None, decimal_hint=decimal_hint)
    return (parsed.amount, parsed.currency) if parsed is not None else (None, "")


def _read_minor(value: Any, hint: str, faults: list[PriceFault]) -> Money | None:
    """Return the price that hundredths are, in whichever currency."""
    text = text_of(value)
    if not re.fullmatch(r"\d{1,16}", text):
        faults.append(PriceFault("price_minor", "feed.bad_price", "this is no whole number of hundredths", text))
        return None
    return Money(amount=(Decimal(text) / 100).quantize(_STEP), currency=hint, raw=text)
