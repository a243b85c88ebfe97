"""Objects inside a row: the offers of schema.org, and the variants that some shops' JSON lists."""

from datetime import datetime
from typing import Any

from catalog import stock
from catalog.feeds.headers import PRIVATE, field_of
from catalog.feeds.prices import read_prices
from catalog.feeds.values import addresses_of, read_flag, text_of
from marketplace.models import Product

MAX_VARIANTS = 500
_OFFERED = ("price", "currency", "availability", "address", "sku", "gtin")
_KEPT = ("id", "sku", "gtin", "title")


def unfold(values: dict[str, Any], others: dict[str, Any]) -> None:
    """Give the row what its first offer says, and its variants the lowest price, where it says nothing itself."""
    offers = others.get("offers")
    offer = offers[0] if isinstance(offers, list) and offers else offers
    if isinstance(offer, dict):
        del others["offers"]
        for name, value in offer.items():
            known = field_of(str(name))
            if known in _OFFERED and value not in (None, "", [], {}):
                values.setdefault(known, value)
    variants = others.get("variants")
    if not isinstance(variants, list) or "price" in values or "price_minor" in values:
        return
    prices = [
        value for variant in variants[:MAX_VARIANTS] if isinstance(variant, dict) and (value := variant.get("price"))
    ]
    amounts = [(float(text), value) for value in prices if (text := text_of(value)).replace(".", "", 1).isdecimal()]
    if amounts and len(amounts) == len(prices):
        values["price"] = min(amounts, key=lambda amount: amount[0])[1]


def variants_of(value: Any, *, currency: Any, now: datetime) -> list[dict[str, str]]:
    """Return the variants that a row lists, as text by name."""
    found: list[dict[str, str]] = []
    for item in value[:MAX_VARIANTS] if isinstance(value, list) else []:
        if not isinstance(item, dict):
            continue
        values: dict[str, Any] = {"currency": currency}
        variant: dict[str, str] = {}
        for name, inner in item.items():
            known = field_of(str(name))
            if known and known != PRIVATE:
                values.setdefault(known, inner)
            elif not known and isinstance(inner, str) and inner:
                variant[str(name)[:100]] = text_of(inner)[:500]
        variant |= {name: text[:500] for name in _KEPT if (text := text_of(values.get(name)))}
        variant |= {name: text for name in ("color", "size", "material") if (text := text_of(values.get(name)))}
        price = read_prices(values, is_dotted=True, now=now).current
        if price is not None:
            variant["price"] = f"{price.amount.normalize():f}"
            variant["currency"] = price.currency
        if availability := availability_of(text_of(values.get("availability"))):
            variant["availability"] = availability.value
        if pictures := addresses_of(values.get("picture")):
            variant["picture"] = pictures[0][:2_000]
        found.append({name: text for name, text in variant.items() if text})
    return found


def availability_of(text: str) -> Product.Availability | None:
    """Return what a yes, a no or a phrase says of availability; None if it says nothing."""
    flag = read_flag(text)
    if flag is not None:
        return Product.Availability.IN_STOCK if flag else Product.Availability.OUT_OF_STOCK
    said = stock.availability_of(text)
    return None if said == Product.Availability.UNKNOWN else said
