"""The products of a feed: every row checked, counted, and what is wrong with it kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.utils import timezone

from catalog.feeds.contract import FeedProduct, FeedUnreadable, RowError
from catalog.feeds.headers import field_of
from catalog.feeds.opening import open_feed
from catalog.feeds.reading import read_products
from catalog.sources.source import CategoryStep, ListedProduct
from jobs.errors import PermanentError

MAX_ERRORS = 10_000  # kept of one feed; all are counted
# What a feed may have no place for, by our names.
FIELDS = ("address", "availability", "brand", "currency", "description", "gtin", "pictures", "price", "sku")

# What the feeds' own fields stand for; the others have our names.
FIELDS_OF_HEADERS = {
    "picture": "pictures",
    "more_pictures": "pictures",
    "price_minor": "price",
    "sale_price": "price",
    "short_description": "description",
    "stock": "availability",
}


class FeedHasNoProducts(PermanentError):
    """The feed has no product."""

    code = "feed.no_products"


@dataclass(frozen=True, slots=True)
class KeptError:
    """What is wrong with a row, and whether its product came in all the same."""

    error: RowError
    is_note: bool


@dataclass(slots=True)
class FeedCheck:
    """What the check of a feed's rows has found so far."""

    kind: str = ""
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    problems: int = 0
    errors: list[KeptError] = field(default_factory=list)
    carried: set[str] = field(default_factory=set)

    @property
    def not_carried(self) -> list[str]:
        """The fields that neither the header nor any row of the feed has."""
        return [name for name in FIELDS if name not in self.carried]

    def refuse(self, error: RowError) -> None:
        """Count a row that is none."""
        self.rows += 1
        self.refused += 1
        self._keep(error, is_note=False)

    def accept(self, found: FeedProduct) -> None:
        """Count a product with all its rows, and what was left out of it."""
        self.rows += len(found.rows)
        self.accepted += 1
        for note in found.notes:
            self._keep(note, is_note=True)
        self.carried.update(_carried_by(found))

    def _keep(self, error: RowError, *, is_note: bool) -> None:
        self.problems += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(KeptError(error, is_note))


def checked_products(path: Path, *, name: str, media_type: str, check: FeedCheck) -> Iterator[ListedProduct]:
    """Yield the products of a feed, in its order, while the check counts; it is complete with the last one.

    Raises:
        FeedUnreadable: it is no feed; says what the seller can do (permanent).
    """
    try:
        with open_feed(path, name_hint=name, media_type=media_type) as feed:
            check.kind = str(feed.kind)
            check.carried.update(FIELDS_OF_HEADERS.get(known := field_of(name), known) for name in feed.columns)
            for found in read_products(feed, now=timezone.now()):
                if isinstance(found, RowError):
                    check.refuse(found)
                    continue
                check.accept(found)
                yield _listed(found)
    except FeedUnreadable as error:
        raise type(error)(f"{str(error).rstrip('.')}. {error.remedy}") from error


def _listed(found: FeedProduct) -> ListedProduct:
    content = replace(found.product, gtin=found.gtin, list_price=found.list_price, attributes=found.attributes)
    paths = tuple(tuple(CategoryStep(name[:200]) for name in path) for path in found.categories)
    return ListedProduct(f"feed:{found.external_id}", found.address, content, paths=paths)


def _carried_by(found: FeedProduct) -> Iterator[str]:
    """Yield the fields that a product has, or had something unreadable in."""
    product = found.product
    has = {
        "address": found.address,
        "availability": product.availability != "unknown",
        "brand": product.brand,
        "currency": product.price is not None and product.price.currency,
        "description": product.description,
        "gtin": found.gtins,
        "pictures": product.picture_addresses,
        "price": product.price is not None or product.price_raw,
        "sku": product.sku,
    }
    yield from (name for name, value in has.items() if value)
    yield from (FIELDS_OF_HEADERS.get(note.field, note.field) for note in found.notes)
