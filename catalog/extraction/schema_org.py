"""Products as schema.org describes them, whichever syntax carried the items."""

import re
from dataclasses import dataclass, replace
from typing import Any

from catalog.extraction.availability import parse_availability
from catalog.extraction.document import Document
from catalog.extraction.gtins import parse_gtin
from catalog.extraction.json_ld import Item, first, inner, texts, types, walk
from catalog.extraction.json_text import Number
from catalog.extraction.money_reading import Hints, currency_code, read_money
from catalog.extraction.page_data import Availability, Breadcrumb, Candidate, Evidence, Variant
from marketplace.money import Money

MAX_PRODUCTS = 400
MAX_VARIANTS = 500
MAX_IMAGES = 30
MAX_OFFER_DEPTH = 3
PRODUCT_TYPES = frozenset(
    {
        "product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle", "car", "motorcycle",
        "book", "hproduct", "productcollection",
    }
)  # fmt: skip
OFFER_TYPES = frozenset({"offer", "aggregateoffer", "demand"})
_GTINS = ("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "ean", "isbn", "productID")
_LIST_PRICES = ("strikethrough", "listprice", "regularprice", "msrp", "srp")
_OPTIONS = ("color", "size", "material", "pattern", "width", "height", "model")
_PLACEHOLDERS = frozenset(
    {"", "null", "none", "undefined", "n/a", "na", "-", "0", "false", "default", "unknown", "nan"}
)


@dataclass(frozen=True, slots=True)
class _Offer:
    price: Money | None
    list_price: Money | None
    availability: Availability | None
    sku: str
    gtin: str
    address: str
    name: str
    is_lowest: bool = False


def products(items: list[Item], document: Document, evidence: Evidence, hints: Hints) -> list[Candidate]:
    """Return the products among the items, those that contain others first, in the page's order."""
    found: list[Candidate] = []
    taken: set[int] = set()
    loose: list[_Offer] = []
    for item, _depth in walk(items):
        if id(item) in taken or len(found) >= MAX_PRODUCTS:
            continue
        kinds = types(item)
        if PRODUCT_TYPES & kinds or (not kinds and first(item, "name") and inner(item, "offers")):
            found.append(_product(item, document, evidence, hints))
            taken.update(id(variant) for variant in inner(item, "hasVariant", "model"))
            taken.update(id(offer) for offer, _ in walk(inner(item, "offers")))
        elif OFFER_TYPES & kinds:
            taken.update(id(deep) for deep, _ in walk([item]))
            loose.extend(_offers([item], document, hints))
    if loose and found and not any(product.price for product in found):
        found[0] = _with_offers(found[0], loose, document)
    elif loose and not found:
        found.append(_with_offers(Candidate(evidence), loose, document))
    return found


def breadcrumbs(items: list[Item], document: Document) -> list[list[Breadcrumb]]:
    """Return the trails that the items hold, each from the root on."""
    trails: list[list[Breadcrumb]] = []
    for item, _depth in walk(items):
        if "breadcrumblist" not in types(item):
            continue
        steps: list[tuple[int, Breadcrumb]] = []
        for order, step in enumerate(inner(item, "itemListElement", "itemlistelement")[:30]):
            target = next(iter(inner(step, "item")), {})
            name = first(step, "name") or first(target, "name", "title")
            address = first(target, "@id", "url", "id") or next(iter(texts(step, "item", "url")), "")
            position = first(step, "position")
            if name:
                crumb = Breadcrumb(name[:200], document.absolute(address) if address != name else "")
                steps.append((int(position) if re.fullmatch(r"\d{1,3}", position) else order, crumb))
        if steps:
            trails.append([crumb for _, crumb in sorted(steps, key=lambda step: step[0])])
    return trails


def _product(item: Item, document: Document, evidence: Evidence, hints: Hints) -> Candidate:
    offers = _offers(inner(item, "offers"), document, hints)
    own_price = _offers([item], document, hints) if first(item, "price", "lowPrice") else []
    variants = [_product(one, document, evidence, hints) for one in inner(item, "hasVariant", "model")[:MAX_VARIANTS]
                if one is not item and not inner(one, "hasVariant", "model")]  # fmt: skip
    candidate = Candidate(
        evidence=evidence,
        title=_said(item, "name", "title")[:500],
        description=_said(item, "description"),
        sku=_said(item, "sku")[:100],
        mpn=_said(item, "mpn", "model" if not inner(item, "model") else "mpn")[:100],
        identity=_said(item, "productID", "productid", "identifier", "@id")[:200],
        gtin=_gtin(item),
        brand=_brand(item),
        images=_images(item, document),
        address=document.absolute(first(item, "url", "@id") or ""),
        is_declared=bool(types(item)) and "@outside" not in item,
    )
    candidate = _with_offers(candidate, [*offers, *own_price], document)
    if variants:
        forms = tuple(_variant(inner_item, one) for inner_item, one in zip(inner(item, "hasVariant", "model"), variants,
                                                                           strict=False))  # fmt: skip
        candidate = with_variants(candidate, forms)
    return candidate


def with_variants(candidate: Candidate, variants: tuple[Variant, ...]) -> Candidate:
    """Return the product with its variants; a price that it lacks is the lowest of theirs."""
    prices = [variant.price for variant in variants if variant.price]
    return replace(
        candidate,
        variants=variants,
        price=candidate.price or min(prices, key=lambda price: price.amount, default=None),
        other_prices=(*candidate.other_prices, *dict.fromkeys(prices)),
        availability=candidate.availability or any_availability([variant.availability for variant in variants]),
        images=candidate.images or tuple(dict.fromkeys(variant.picture for variant in variants if variant.picture)),
    )


def any_availability(states: list[Availability | None]) -> Availability | None:
    """Return the best of the states: what one form of the product has, the product has."""
    order: tuple[Availability, ...] = ("InStock", "PreOrder", "OutOfStock")
    return next((state for state in order if state in states), None)


def _variant(item: Item, product: Candidate) -> Variant:
    options = {name: text for name in _OPTIONS if (text := first(item, name))}
    for extra in inner(item, "additionalProperty"):
        if (name := first(extra, "name")) and (value := first(extra, "value")):
            options.setdefault(name[:60], value[:200])
    return Variant(
        options=options,
        sku=product.sku,
        gtin=product.gtin,
        price=product.price,
        availability=product.availability,
        picture=product.images[0] if product.images else "",
        identity=product.identity,
        address=product.address,
    )


def _with_offers(candidate: Candidate, offers: list[_Offer], document: Document) -> Candidate:
    priced = [offer for offer in offers if offer.price]
    own = next((offer for offer in priced if offer.address and offer.address == document.address), None)
    chosen = own or next((offer for offer in priced if offer.price and offer.price.amount), None)
    chosen = chosen or next(iter(priced), None)
    states = [chosen.availability] if chosen and chosen is own else [offer.availability for offer in offers]
    skus = {offer.sku for offer in offers if offer.sku}
    forms: tuple[Variant, ...] = ()
    if len(skus) > 1:
        forms = tuple(
            Variant(
                options={"name": offer.name} if offer.name else {},
                sku=offer.sku,
                gtin=offer.gtin,
                price=offer.price,
                availability=offer.availability,
                address=offer.address,
            )
            for offer in offers[:MAX_VARIANTS]
        )
    return replace(
        candidate,
        price=chosen.price if chosen else None,
        is_lowest=bool(chosen and chosen.is_lowest),
        list_price=chosen.list_price if chosen else None,
        other_prices=tuple(dict.fromkeys(offer.price for offer in priced if offer.price and offer is not chosen)),
        availability=any_availability(states),
        sku=candidate.sku or (skus.pop() if len(skus) == 1 else ""),
        gtin=candidate.gtin or next((offer.gtin for offer in offers if offer.gtin), ""),
        variants=forms,
        address=candidate.address or next((offer.address for offer in offers if offer.address), ""),
    )


def _offers(items: list[Item], document: Document, hints: Hints, *, depth: int = 0) -> list[_Offer]:
    found: list[_Offer] = []
    if depth > MAX_OFFER_DEPTH:
        return found
    for item in items[:MAX_VARIANTS]:
        currency = first(item, "priceCurrency", "pricecurrency", "currency")
        specifications = inner(item, "priceSpecification")
        currency = currency or next((first(one, "priceCurrency") for one in specifications), "")
        within = Hints(hints.locale, currency_code(currency) or hints.currency)
        deeper = _offers(inner(item, "offers"), document, within, depth=depth + 1)
        value = first(item, "price", "lowPrice", "lowprice")
        lists = [one for one in specifications if _is_list_price(one)]
        plain = [one for one in specifications if one not in lists and not inner(one, "referenceQuantity")]
        value = value or next((first(one, "price", "minPrice") for one in plain or specifications), "")
        own = _Offer(
            price=read_money(value, currency, within),
            list_price=read_money(next((first(one, "price") for one in lists), ""), currency, within),
            availability=parse_availability(first(item, "availability") or ""),
            sku=_said(item, "sku")[:100],
            gtin=_gtin(item),
            address=document.absolute(first(item, "url") or ""),
            name=first(item, "name")[:200],
            is_lowest=not first(item, "price") and first(item, "highPrice") not in ("", value),
        )
        if own.price or own.availability or not deeper:
            found.append(own)
        found.extend(deeper)
    return found


def _is_list_price(item: Item) -> bool:
    kind = re.sub(r"[^a-z]", "", (first(item, "priceType") + "".join(types(item))).lower())
    return any(word in kind for word in _LIST_PRICES)


def _said(item: Item, *names: str) -> str:
    """Return the first value that is more than a placeholder."""
    for name in names:
        for text in texts(item, name):
            if text.lower() not in _PLACEHOLDERS:
                return str(text)
    return ""


def _brand(item: Item) -> str:
    for name in ("brand", "manufacturer"):
        brand = _said(item, name)
        if brand and not brand.startswith(("http://", "https://")):
            return brand[:200]
    return ""


def _gtin(item: Item) -> str:
    for name in _GTINS:
        for text in texts(item, name):
            if gtin := parse_gtin(str(text).removeprefix("isbn:").removeprefix("ean:").removeprefix("upc:")):
                return gtin
    return ""


def _images(item: Item, document: Document) -> tuple[str, ...]:
    found: list[str] = []
    for name in ("image", "images", "photo", "associatedMedia"):
        for value in _flat(item.get(name)):
            address = first(value, "contentUrl", "url", "@id", "src", "image") if isinstance(value, dict) else value
            if isinstance(address, str) and not isinstance(address, Number):
                found.append(document.absolute(address))
    return tuple(dict.fromkeys(address for address in found if address))[:MAX_IMAGES]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [part for one in value for part in (one if isinstance(one, list) else [one])]
    return [] if value is None else [value]
