"""Mapping: what a row of a feed says, in the words of the marketplace.

Only id and title are required; any other field that cannot be read leaves a note and costs no product. Nothing is made
up: no currency, no availability, no price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from catalog.extraction.gtins import parse_gtin
from catalog.feeds.contract import FeedKind, FeedRow, RowError, excerpt_of
from catalog.feeds.dialects import UNNAMED, Membership, Role, group_of, is_published
from catalog.feeds.headers import IDENTITY, PRIVATE, priced_field
from catalog.feeds.nested import availability_of, unfold, variants_of
from catalog.feeds.prices import PriceFault, Prices, read_prices
from catalog.feeds.values import addresses_of, clean, paths_of, plain_text, text_of, texts_of, unescaped
from catalog.sitemaps.locations import LocationRefused, resolve_location
from catalog.sources.source import MAX_DESCRIPTION, MAX_PICTURES
from marketplace.models import Product

MAX_ID = 180  # the column holds 200, with the source before it
MAX_TITLE = 500
MAX_SHORT = 200  # brand, sku
MAX_ATTRIBUTES = 1_000
MAX_ATTRIBUTE = 5_000
OPTIONS = ("color", "size", "material", "pattern")

_DOTTED = frozenset({FeedKind.GOOGLE_XML, FeedKind.SHOPIFY_CSV})


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow:
    """One row in our words. A row without a title is a part of a group: a variant, or a picture more."""

    row: FeedRow
    external_id: str
    group: str  # empty: a product by itself
    group_alias: str  # another name that rows call this row's group by
    role: Role
    title: str
    description: str
    address: str
    prices: Prices
    availability: Product.Availability
    brand: str
    sku: str
    gtin: str
    gtins: tuple[str, ...]
    pictures: list[str]
    categories: list[list[str]]
    options: dict[str, str]
    variants: list[dict[str, str]]
    attributes: dict[str, str]
    notes: list[RowError] = field(default_factory=list)


class Mapper:
    """Maps the rows of one feed; the first row decides which field is the id."""

    def __init__(self, kind: FeedKind, *, now: datetime) -> None:
        self._kind = kind
        self._now = now
        self._identity = ""
        self._unpublished: set[int] = set()  # hashes of groups whose describing row was refused

    def map_row(self, row: FeedRow) -> MappedRow | RowError:
        """Return the row in our words, or why it is none of ours."""
        values, others = sort_values(row.data)
        if not self._identity:
            found = next((name for name in IDENTITY if text_of(values.get(name))), "")
            self._identity = found or ("group" if self._kind == FeedKind.SHOPIFY_CSV else "id")
        unfold(values, others)
        mapping = _Mapping(row, values, others, kind=self._kind, now=self._now)
        refused = is_published(values, self._kind)
        membership = group_of(values, others, self._kind)
        names = {hash(name) for name in (membership.group, membership.alias) if name}
        if refused and membership.role in (Role.PARENT, Role.PART):
            self._unpublished |= names
        if refused or not self._unpublished.isdisjoint(names):
            message = refused or "the product that it belongs to is not published"
            return mapping.error("", "feed.not_published", message, text_of(values.get("title")) or membership.group)
        return mapping.mapped(self._identity, membership)


def sort_values(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values by our fields, and the others by the feed's own names.

    Of two names for one field the first that holds something counts, but pictures and categories are put together.
    """
    values: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in data.items():
        known, currency = priced_field(str(name))
        if value is None or value in ("", [], {}) or known == PRIVATE:
            continue
        if not known:
            others[str(name)] = value
        elif known not in values:
            values[known] = value
            if currency:
                values.setdefault("currency", currency)
        elif known in ("more_pictures", "product_type", "picture"):
            values[known] = [values[known], value]
        else:
            others.setdefault(str(name), value)
    return values, others


class _Mapping:
    """The mapping of one row; collects notes on the way."""

    def __init__(
        self, row: FeedRow, values: dict[str, Any], others: dict[str, Any], *, kind: FeedKind, now: datetime
    ) -> None:
        self._row = row
        self._values = values
        self._others = others
        self._kind = kind
        self._now = now
        self._notes: list[RowError] = []
        self._attributes: dict[str, str] = {}

    def mapped(self, identity: str, membership: Membership) -> MappedRow | RowError:
        values = self._values
        external_id = membership.row_id or text_of(values.get(identity))
        title = unescaped(text_of(values.get("title")))
        if not external_id:
            return self.error(identity, "feed.id_missing", f"the row has no {identity}", title)
        if len(external_id) > MAX_ID:
            return self.error(identity, "feed.id_too_long", f"the id has more than {MAX_ID} characters", external_id)
        if not title and membership.role != Role.PART:
            return self.error("title", "feed.title_missing", "the row has no title", external_id)
        prices = read_prices(values, is_dotted=self._kind in _DOTTED, now=self._now)
        self._note_faults(prices.faults)
        variants = variants_of(self._others.pop("variants", None), currency=values.get("currency"), now=self._now)
        gtin, gtins = self._gtins()
        options = membership.options | {name: text for name in OPTIONS if (text := text_of(values.get(name)))}
        return MappedRow(
            row=self._row,
            external_id=external_id,
            group=membership.group[:MAX_ID],
            group_alias=membership.alias,
            role=membership.role,
            title=self._cut("title", title, MAX_TITLE),
            description=self._description(),
            address=self._address(),
            prices=prices,
            availability=self._availability(),
            brand=self._cut("brand", unescaped(text_of(values.get("brand"))), MAX_SHORT),
            sku=self._cut("sku", text_of(values.get("sku")), MAX_SHORT),
            gtin=gtin,
            gtins=gtins,
            pictures=self._pictures(),
            categories=self._categories(),
            options=options,
            variants=variants,
            attributes=self._collected(options),
            notes=self._notes,
        )

    def error(self, name: str, code: str, message: str, value: object) -> RowError:
        return RowError(self._row.number, name, code, message, excerpt_of(value), self._row.line)

    def _note(self, name: str, code: str, message: str, value: object) -> None:
        self._notes.append(self.error(name, code, message, value))

    def _note_faults(self, faults: tuple[PriceFault, ...]) -> None:
        for fault in faults:
            self._note(fault.field, fault.code, fault.message, fault.value)

    def _cut(self, name: str, text: str, size: int) -> str:
        """Return what the field holds; the whole of a longer text is kept among the attributes."""
        if len(text) <= size:
            return text
        self._attributes[name] = text[:MAX_ATTRIBUTE]
        self._note(name, "feed.too_long", f"cut to {size} characters", text)
        return text[: size - 1].rstrip() + "…"

    def _description(self) -> str:
        long, short = (text_of(self._values.get(name)) for name in ("description", "short_description"))
        return plain_text(long or short)[:MAX_DESCRIPTION]

    def _address(self) -> str:
        text = text_of(self._values.get("address"))
        if not text:
            return ""
        try:
            return resolve_location(text, base="")
        except LocationRefused as refused:
            self._note("address", "feed.bad_address", str(refused), text)
            return ""

    def _pictures(self) -> list[str]:
        pictures: dict[str, None] = {}
        for name in ("picture", "more_pictures"):
            for text in addresses_of(self._values.get(name)):
                if len(pictures) == MAX_PICTURES:
                    break
                try:
                    pictures[resolve_location(text, base="https:")] = None
                except LocationRefused as refused:
                    self._note(name, "feed.bad_picture", str(refused), text)
        return list(pictures)

    def _availability(self) -> Product.Availability:
        for text in texts_of(self._values.get("availability")):
            said = _availability_of(text[:MAX_SHORT])
            if said is not None:
                return said
            self._note("availability", "feed.bad_availability", "this says neither in stock nor out of stock", text)
        return self._availability_by_stock()

    def _availability_by_stock(self) -> Product.Availability:
        text = text_of(self._values.get("stock"))
        try:
            quantity = float(text)
        except ValueError:
            return Product.Availability.UNKNOWN
        sells_on = text_of(self._values.get("stock_policy")).lower() in ("continue", "true", "yes", "1")
        return Product.Availability.IN_STOCK if quantity > 0 or sells_on else Product.Availability.OUT_OF_STOCK

    def _gtins(self) -> tuple[str, tuple[str, ...]]:
        gtins = tuple(dict.fromkeys(texts_of(self._values.get("gtin"))))
        right = next((gtin for text in gtins if (gtin := parse_gtin(text)) is not None), "")
        if gtins and not right:
            self._note("gtin", "feed.bad_gtin", "no GTIN has a right check digit", ", ".join(gtins[:5]))
        return right, gtins

    def _categories(self) -> list[list[str]]:
        paths = paths_of(self._values.get("product_type"), is_comma_list=self._kind == FeedKind.WOOCOMMERCE_CSV)
        google = paths_of(self._values.get("google_category"))
        return paths + [path for path in google if path not in paths and not (len(path) == 1 and path[0].isdigit())]

    def _collected(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return what no field of ours holds, by the feed's own names."""
        collected = {name: text for name, text in options.items() if not name.startswith(UNNAMED)} | self._attributes
        for name, value in self._others.items():
            if isinstance(value, dict):
                inner = {str(key): text_of(item) for key, item in value.items()}
                collected.update((key, text) for key, text in inner.items() if text and key not in collected)
            elif text := ", ".join(texts_of(value)):
                collected.setdefault(name, text)
        return {
            clean(name)[:MAX_SHORT]: text[:MAX_ATTRIBUTE] for name, text in list(collected.items())[:MAX_ATTRIBUTES]
        }


@lru_cache(maxsize=4_096)
def _availability_of(text: str) -> Product.Availability | None:
    return availability_of(text)
