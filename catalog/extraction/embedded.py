"""Products in the state that pages carry for their own scripts: JSON scripts, assigned literals, data attributes.

Nothing there says what is a product and which one is the page's, so an object counts only where it has a name and a
price or a code, and its name, code or address is the page's own.
"""

import html
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog.extraction.availability import parse_availability
from catalog.extraction.document import DATA_ATTRIBUTES, Document, clean
from catalog.extraction.gtins import parse_gtin
from catalog.extraction.json_text import Number, literals, read_json
from catalog.extraction.money_reading import Hints, currency_code, minor_units, read_money
from catalog.extraction.page_data import Availability, Candidate, Variant
from catalog.extraction.schema_org import MAX_VARIANTS, with_variants
from catalog.extraction.titles import best_similarity
from marketplace.money import Money

MAX_OBJECTS = 40_000
MAX_SCRIPTS = 200
MAX_SCRIPT_TOTAL = 4_000_000
MIN_MATCH = 0.8
# The look ahead is what lets the search run over all else.
_TELLING = re.compile(r"""(?=[psi])(?:price|sku|product_?(?:name|id)|item_name)["']?\s*:""", re.IGNORECASE)
_TELLING_WORDS = ("price", "Price", "PRICE", "sku", "Sku", "SKU", "item_name", "product")  # cheaper to look for
_PICTURE = re.compile(r"\.(?:jpe?g|png|webp|avif|gif)(?:[?#]|$)|/image", re.IGNORECASE)
_NAMES = ("name", "title", "productname", "producttitle", "displayname", "itemname")
_NAMED = frozenset(_NAMES)
_PRICES = (
    "saleprice", "currentprice", "finalprice", "specialprice", "discountedprice", "sellingprice", "pricewithdiscount",
    "actualprice", "price", "productprice", "priceamount", "displayprice", "itemprice", "prices", "lowprice", "pricing",
)  # fmt: skip
_LIST_PRICES = (
    "listprice", "oldprice", "regularprice", "originalprice", "compareatprice", "wasprice", "msrp", "rrp", "baseprice",
    "strikethroughprice", "displayregularprice", "fullprice",
)  # fmt: skip
_WITHIN = ("value", "amount", "current", "now", "sale", "final", "price", "selling", "min", "raw", "displayprice")
_MINOR = ("priceincents", "centamount", "pricecents", "priceminor", "salepriceincents")
_SKUS = (
    "sku",
    "productsku",
    "articlenumber",
    "itemnumber",
    "productcode",
    "articlecode",
    "partnumber",
    "skucode",
    "itemid",
)
_BRANDS = ("brand", "brandname", "vendor", "manufacturer", "itembrand", "manufacturername", "productbrand")
_GTINS = ("gtin13", "gtin", "ean", "ean13", "barcode", "upc", "gtin14", "gtin12", "eancode", "isbn")
_STATES = (
    "availability",
    "stockstatus",
    "availabilitystatus",
    "instock",
    "isinstock",
    "available",
    "isavailable",
    "soldout",
)
_CURRENCIES = ("currency", "currencycode", "pricecurrency", "currencyiso", "currencyisocode")
_IMAGES = ("images", "image", "media", "gallery", "pictures", "imageurl", "featuredimage", "imageurls", "photos")
_VARIANTS = ("variants", "variations", "skus", "children", "productvariants", "models")
_SOLD = frozenset({*_PRICES, *_SKUS, *_MINOR, *_VARIANTS})
_IDS = ("id", "productid", "variantid", "variationid", "itemid", "pid", "offerid")


def read_embedded(document: Document, hints: Hints, references: list[str]) -> list[Candidate]:
    """Return the page's own product as its embedded state describes it, the best match first."""
    found: list[Candidate] = []
    for value in _states(document):
        for item in _named_objects(value):
            candidate = _candidate(item, document, hints, references)
            if candidate is not None:
                found.append(candidate)
    found.extend(_woo_variations(document, hints))
    return sorted(found, key=lambda one: (-one.match, -_fullness(one)))[:30]


def _states(document: Document) -> Iterator[Any]:
    total = 0
    for script in document.scripts[:MAX_SCRIPTS]:
        if "ld+json" in script.kind or not any(word in script.text for word in _TELLING_WORDS):
            continue
        if not _TELLING.search(script.text):
            continue
        total += len(script.text)
        if total > MAX_SCRIPT_TOTAL:
            return
        if "json" in script.kind or script.text.lstrip()[:1] in "{[":
            value = read_json(script.text)
            if value is not None:
                yield value
                continue
        if not script.kind or "javascript" in script.kind or script.kind == "module":
            yield from literals(script.text)
    yield list(_data_attributes(document))


def _data_attributes(document: Document) -> Iterator[dict[str, Any]]:
    """Yield what elements say in data attributes: data-product-name, data-price and their like."""
    telling = [one for one in document.told if not DATA_ATTRIBUTES.isdisjoint(one.attributes)]
    for one in telling[:300]:
        said: dict[str, Any] = {}
        for name, value in one.attributes.items():
            if not name.startswith("data-") or not value:
                continue
            if value.lstrip()[:1] == "{":
                inner = read_json(value)
                if isinstance(inner, dict):
                    yield inner
            key = name.removeprefix("data-").removeprefix("product-").removeprefix("item-")
            said[key] = value
        if len(said) >= 2:
            yield said


def _named_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a value that have a name, breadth first, their keys spelled alike."""
    waiting: deque[Any] = deque([value])
    count = 0
    while waiting and count < MAX_OBJECTS:
        count += 1
        one = waiting.popleft()
        if isinstance(one, dict):
            keys = [_key(name) for name in one]
            if not _NAMED.isdisjoint(keys):
                yield dict(zip(keys, one.values(), strict=True))
            waiting.extend([part for part in one.values() if isinstance(part, (dict, list))])
        elif isinstance(one, list):
            waiting.extend([part for part in one if isinstance(part, (dict, list))])


@lru_cache(maxsize=20_000)
def _key(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


@dataclass(frozen=True, slots=True)
class _Price:
    now: Money | None
    was: Money | None


def _candidate(item: dict[str, Any], document: Document, hints: Hints, references: list[str]) -> Candidate | None:
    title = "" if _SOLD.isdisjoint(item) else _text(item, _NAMES)
    if not 2 <= len(title) <= 400:
        return None
    match = best_similarity(title, references)
    if match < MIN_MATCH:
        return None
    currency = _text(item, _CURRENCIES)
    within = Hints(hints.locale, currency_code(currency) or hints.currency)
    in_minor = _counts_cents(item, document)
    price = _price(item, currency, within, in_minor=in_minor)
    candidate = Candidate(
        evidence="embedded-state",
        title=title,
        price=price.now,
        list_price=price.was,
        availability=_availability(item),
        sku=_text(item, _SKUS)[:100],
        mpn=_text(item, ("mpn", "manufacturerpartnumber"))[:100],
        identity=_text(item, _IDS)[:100],
        gtin=_gtin(item),
        brand=_text(item, _BRANDS)[:200],
        images=_images(item, document),
        match=match,
    )
    variants = tuple(_variants(item, document, within, currency, in_minor=in_minor))
    if variants:
        candidate = with_variants(candidate, variants)
    says_nothing = not (candidate.price or candidate.sku or candidate.gtin or candidate.variants)
    return None if says_nothing else candidate


def _counts_cents(item: dict[str, Any], document: Document) -> bool:
    """Return whether the object is Shopify's own, whose scripts count cents (its products.json does not)."""
    is_shopify = "variants" in item and ("handle" in item or "vendor" in item or "comparAtprice" in item)
    values = [item.get("price"), *(one.get("price") for one in _dicts(item.get("variants")))]
    given = [value for value in values if value is not None]
    return is_shopify and bool(given) and all(isinstance(value, Number) and value.isdigit() for value in given)


def _price(item: dict[str, Any], currency: str, hints: Hints, *, in_minor: bool) -> _Price:
    for name in _MINOR:
        if name in item and (money := minor_units(item[name], currency)):
            return _Price(money, None)
    now = _money(item, _PRICES, currency, hints, in_minor=in_minor)
    was = _money(item, _LIST_PRICES, currency, hints, in_minor=in_minor)
    return _Price(now, was if now and was and was.amount > now.amount else None)


def _money(
    item: dict[str, Any], names: tuple[str, ...], currency: str, hints: Hints, *, in_minor: bool
) -> Money | None:
    for name in names:
        value: Any = item.get(name)
        for _ in range(3):
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, dict):
                break
            inner = {_key(key): part for key, part in value.items() if isinstance(key, str)}
            currency = _text(inner, _CURRENCIES) or currency
            if "centamount" in inner:
                digits = str(inner.get("fractiondigits", "2"))
                return minor_units(
                    inner["centamount"], currency, int(digits) if digits.isdigit() and len(digits) == 1 else 2
                )
            value = next((inner[key] for key in _WITHIN if key in inner), None)
        if isinstance(value, str) and value:
            if in_minor:
                return minor_units(value, currency)
            if (money := read_money(_unentitied(value), currency, hints)) and money.amount:
                return money
    return None


def _variants(
    item: dict[str, Any], document: Document, hints: Hints, currency: str, *, in_minor: bool
) -> Iterator[Variant]:
    for name in _VARIANTS:
        rows = _dicts(item.get(name))
        if not rows:
            continue
        for raw in rows[:MAX_VARIANTS]:
            row = {_key(key): value for key, value in raw.items() if isinstance(key, str)}
            price = _price(row, _text(row, _CURRENCIES) or currency, hints, in_minor=in_minor)
            variant = Variant(
                options=_options(row, item),
                sku=_text(row, _SKUS)[:100],
                gtin=_gtin(row),
                price=price.now,
                availability=_availability(row),
                picture=next(iter(_images(row, document)), ""),
                identity=_text(row, _IDS)[:100],
            )
            if variant.sku or variant.price or variant.gtin:
                yield variant
        return


def _options(row: dict[str, Any], product: dict[str, Any]) -> dict[str, str]:
    attributes = row.get("attributes") or row.get("options")
    if isinstance(attributes, dict):
        return {str(name).removeprefix("attribute_").removeprefix("pa_")[:60]: str(value)[:200]
                for name, value in attributes.items() if isinstance(value, str)}  # fmt: skip
    names = [one if isinstance(one, str) else str(one.get("name", "")) if isinstance(one, dict) else ""
             for one in product.get("options") or []] if isinstance(product.get("options"), list) else []  # fmt: skip
    values = [row.get(f"option{number}") for number in (1, 2, 3)]
    if isinstance(attributes, list) and not any(values):
        values = attributes[:3]
    options = {(names[order] if order < len(names) and names[order] else f"option{order + 1}"): value[:200]
               for order, value in enumerate(values) if isinstance(value, str)}  # fmt: skip
    for name in ("color", "colour", "size"):
        if isinstance(row.get(name), str):
            options.setdefault(name, row[name][:200])
    return options


def _woo_variations(document: Document, hints: Hints) -> Iterator[Candidate]:
    """Yield the variations that WooCommerce writes into the form's attribute (false when there are too many)."""
    forms = [one.attributes for one in document.told if one.tag == "form"]
    for attributes in [form for form in forms if "data-product_variations" in form][:1]:
        rows = _dicts(read_json(attributes["data-product_variations"] or ""))
        item = {"variations": rows}
        variants = tuple(_variants(item, document, hints, "", in_minor=False))
        if variants:
            identity = attributes.get("data-product_id") or ""
            yield with_variants(Candidate("embedded-state", identity=identity, match=0.95), variants)


def _availability(item: dict[str, Any]) -> Availability | None:
    for name in _STATES:
        value = item.get(name)
        if isinstance(value, bool):
            return "InStock" if value != (name == "soldout") else "OutOfStock"
        if isinstance(value, str) and not isinstance(value, Number) and (state := parse_availability(value)):
            return state
    return None


def _gtin(item: dict[str, Any]) -> str:
    values = [item[name] for name in _GTINS if isinstance(item.get(name), str)]
    return next((gtin for value in values if (gtin := parse_gtin(value))), "")


def _images(item: dict[str, Any], document: Document) -> tuple[str, ...]:
    found: list[str] = []
    for name in _IMAGES:
        value = item.get(name)
        for one in (value if isinstance(value, list) else [value])[:30]:
            raw = one
            if isinstance(one, dict):
                raw = next(
                    (one[key] for key in ("src", "url", "full_src", "large", "original", "href") if one.get(key)), ""
                )
            if isinstance(raw, str) and _PICTURE.search(raw):
                found.append(document.absolute(raw))
    return tuple(dict.fromkeys(address for address in found if address))


def _text(item: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = item.get(name)
        if isinstance(value, dict):
            value = next(
                (value[key] for key in ("name", "title", "value", "label") if isinstance(value.get(key), str)), ""
            )
        if isinstance(value, str) and value.strip() and value.strip().lower() not in ("null", "undefined", "none"):
            return clean(_unentitied(value))
    return ""


def _unentitied(text: str) -> str:
    if isinstance(text, Number):
        return text
    return html.unescape(text) if "&" in text else text


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _fullness(candidate: Candidate) -> int:
    said = (candidate.price, candidate.sku, candidate.gtin, candidate.brand, candidate.availability, candidate.variants)
    return sum(bool(one) for one in said)
