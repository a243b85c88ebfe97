"""Folding: the rows of a group become one product with variants, and an id is taken once.

A group stays open until its rows have come, as far as that can be known: with Shopify until another handle comes, else
until WINDOW_ROWS rows are held; then the group that waited longest is closed. A row of a closed group is refused, never
lost in silence; the seller is told to sort the file.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.feeds.contract import FeedKind, FeedProduct, RowError, excerpt_of
from catalog.feeds.dialects import UNNAMED, Role
from catalog.feeds.mapping import MappedRow
from catalog.feeds.seen import SeenNames
from catalog.sources.source import MAX_PICTURES, ExtractedProduct
from marketplace.models import Product

WINDOW_ROWS = 10_000
Availability = Product.Availability


@dataclass(slots=True)
class _Group:
    key: str
    rows: list[MappedRow] = field(default_factory=list)


class Folder:
    """Takes mapped rows in order; gives products and refusals."""

    def __init__(self, kind: FeedKind, *, window_rows: int = WINDOW_ROWS) -> None:
        self._is_adjacent = kind == FeedKind.SHOPIFY_CSV
        self._kind = kind
        self._window_rows = window_rows
        self._open: OrderedDict[str, _Group] = OrderedDict()
        self._aliases: dict[str, str] = {}
        self._held = 0
        self._seen = SeenNames()

    def add(self, row: MappedRow) -> Iterator[FeedProduct | RowError]:
        """Yield what this row completes."""
        if refusal := self._refusal(row):
            yield refusal
            return
        key = self._key(row)
        if key is None:
            first = self._seen.first_row(f"p{row.external_id}", row.row.number)
            yield product_of([row], row.external_id) if first == row.row.number else _duplicate(row, first)
            return
        if self._is_adjacent and key not in self._open:
            yield from self._close_all()
        if key not in self._open:
            first = self._seen.first_row(f"p{key}", row.row.number)
            if first != row.row.number:
                yield _scattered(row, key, first)
                return
            self._open[key] = _Group(key)
        self._open[key].rows.append(row)
        self._open.move_to_end(key)
        self._held += 1
        while self._held > self._window_rows and len(self._open) > 1:
            yield self._close(next(iter(self._open)))

    def finish(self) -> Iterator[FeedProduct | RowError]:
        """Yield the products of the groups that are still open."""
        yield from self._close_all()

    def _refusal(self, row: MappedRow) -> RowError | None:
        if self._is_adjacent:  # the id is the group's
            return None
        first = self._seen.first_row(f"r{row.external_id}", row.row.number)
        return _duplicate(row, first) if first != row.row.number else None

    def _key(self, row: MappedRow) -> str | None:
        """Return the key of the row's group; None for a product by itself."""
        if row.role == Role.ALONE:
            return row.external_id if row.external_id in self._open else None
        key = self._aliases.get(row.group, row.group)
        if row.role == Role.PARENT and row.group_alias:
            if key not in self._open and row.group_alias in self._open:
                return row.group_alias
            self._aliases[row.group_alias] = key
        return key

    def _close_all(self) -> Iterator[FeedProduct | RowError]:
        while self._open:
            yield self._close(next(iter(self._open)))

    def _close(self, key: str) -> FeedProduct | RowError:
        group = self._open.pop(key)
        self._held -= len(group.rows)
        parent = next((row for row in group.rows if row.role == Role.PARENT), None)
        if self._kind != FeedKind.WOOCOMMERCE_CSV:
            return product_of(group.rows, key)
        if parent is not None:
            self._aliases.pop(parent.group_alias, None)
        return product_of(group.rows, parent.external_id if parent else key)


def product_of(rows: Sequence[MappedRow], external_id: str) -> FeedProduct | RowError:
    """Return the product that the rows of a group describe together.

    Title, description and brand are those of the row that describes the product, else of the first that has them. The
    price is the lowest of the variants that can be had; it is available if one is. What differs between the rows stands
    with the variants alone.
    """
    ordered = sorted(rows, key=lambda row: row.role != Role.PARENT)
    lead = next((row for row in ordered if row.title), None)
    if lead is None:
        first = rows[0].row
        return RowError(
            first.number, "title", "feed.title_missing", "no row of the product has a title", external_id, first.line
        )
    sold = [row for row in rows if row.role != Role.PARENT and _is_sold(row, lead)] or [lead]
    is_single = len(sold) == 1 and not (sold[0].options and len(rows) > 1)
    cheapest = _cheapest(lead, sold)
    pictures = list(dict.fromkeys(picture for row in ordered for picture in row.pictures))
    return FeedProduct(
        number=rows[0].row.number,
        external_id=external_id,
        address=next((row.address for row in ordered if row.address), ""),
        product=ExtractedProduct(
            title=lead.title,
            description=next((row.description for row in ordered if row.description), ""),
            price=cheapest.prices.current,
            price_raw=cheapest.prices.raw[:200],
            availability=_availability(lead, sold),
            brand=next((row.brand for row in ordered if row.brand), ""),
            sku=lead.sku or next((row.sku for row in ordered if row.sku), ""),
            variants=lead.variants or ([] if is_single else [variant_of(row, lead) for row in sold]),
            picture_addresses=pictures[:MAX_PICTURES],
        ),
        gtin=lead.gtin or (sold[0].gtin if is_single else ""),
        gtins=tuple(dict.fromkeys(gtin for row in rows for gtin in row.gtins)),
        list_price=cheapest.prices.former,
        categories=_distinct([path for row in ordered for path in row.categories]),
        attributes=_shared_attributes(ordered),
        notes=tuple(note for row in rows for note in row.notes),
        rows=tuple(row.row.number for row in rows),
    )


def variant_of(row: MappedRow, lead: MappedRow) -> dict[str, str]:
    """Return one variant as text by name: its options, and what tells it apart from the product."""
    current = row.prices.current
    said = {
        **_named(row.options, list(lead.options)),
        "id": row.external_id if row.external_id != row.group else "",
        "title": row.title if row.title != lead.title else "",
        "sku": row.sku,
        "gtin": row.gtin,
        "price": f"{current.amount.normalize():f}" if current else "",
        "currency": current.currency if current else "",
        "availability": row.availability if row.availability != Availability.UNKNOWN else "",
        "picture": row.pictures[0] if row.pictures else "",
        "address": row.address,
    }
    return {name: str(text) for name, text in said.items() if text}


def _named(options: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return options with the names that the group's leading row gives to those that have none."""
    named: dict[str, str] = {}
    for name, value in options.items():
        place = int(name[1:]) - 1 if name.startswith(UNNAMED) and name[1:].isdecimal() else -1
        named[names[place] if 0 <= place < len(names) else name.replace(UNNAMED, "option ")] = value
    return named


def _is_sold(row: MappedRow, lead: MappedRow) -> bool:
    """Tell whether a row is something to buy, and not only a picture more."""
    return row is lead or row.role == Role.VARIANT or bool(row.options or row.sku or row.prices.current)


def _cheapest(lead: MappedRow, sold: Sequence[MappedRow]) -> MappedRow:
    """Return the row with the lowest price among those that can be had, or among all if none can.

    The lead where prices are in several currencies, or there are none.
    """
    there = [row for row in sold if row.availability != Availability.OUT_OF_STOCK]
    priced = [(row.prices.current, row) for row in there or sold if row.prices.current is not None]
    if not priced or len({money.currency for money, _ in priced}) != 1:
        return lead if lead.prices.current is not None or not priced else priced[0][1]
    return min(priced, key=lambda pair: pair[0].amount)[1]


def _availability(lead: MappedRow, sold: Sequence[MappedRow]) -> Availability:
    said = {row.availability for row in sold}
    for availability in (Availability.IN_STOCK, Availability.PREORDER):
        if availability in said:
            return availability
    if said == {Availability.OUT_OF_STOCK}:
        return Availability.OUT_OF_STOCK
    return lead.availability


def _shared_attributes(rows: Sequence[MappedRow]) -> dict[str, str]:
    if len(rows) == 1:
        return rows[0].attributes
    shared: dict[str, str] = {}
    differing: set[str] = set()
    for row in rows:
        for name, text in row.attributes.items():
            if shared.setdefault(name, text) != text:
                differing.add(name)
    return {name: text for name, text in shared.items() if name not in differing}


def _distinct(paths: Sequence[list[str]]) -> list[list[str]]:
    return [list(path) for path in dict.fromkeys(tuple(path) for path in paths)]


def _duplicate(row: MappedRow, first: int) -> RowError:
    message = f"row {first} has this id already"
    return RowError(row.row.number, "id", "feed.duplicate_id", message, excerpt_of(row.external_id), row.row.line)


def _scattered(row: MappedRow, key: str, first: int) -> RowError:
    message = f"the group's rows from {first} on are far from this one; sort the file by its groups"
    return RowError(row.row.number, "group", "feed.group_scattered", message, excerpt_of(key), row.row.line)
