"""What a source is: a kind of catalog that Souk can read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from playwright.sync_api import Page

from catalog.extraction.document import PageMalformed as PageMalformed
from jobs.errors import PermanentError, RetryableError
from marketplace.models import Product
from marketplace.money import Money


class UnsupportedAddress(PermanentError):
    """Souk cannot read catalogs at this address."""

    code = "catalog.unsupported_address"


class CatalogNotPublic(PermanentError):
    """The catalog shows no products to the public."""

    code = "catalog.not_public"


class ListIncomplete(RetryableError):
    """The list showed fewer products than it says that it has."""

    code = "catalog.list_incomplete"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a source believes that it can read an address."""

    source: str
    address: str  # normalised: what is to be read
    reason: str


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product's address as a list shows it."""

    external_id: str
    address: str


@dataclass(frozen=True, slots=True)
class ListedCollection:
    """A collection (category) that a list leads to."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list page shows: products in its own order, each once, and collections."""

    address: str
    products: Sequence[ListedProduct]
    collections: Sequence[ListedCollection]
    total: int | None  # how many products the page itself says there are


@dataclass(frozen=True, slots=True)
class ExtractedProduct:
    """What a product's page says."""

    title: str
    description: str = ""
    price: Money | None = None
    price_raw: str = ""
    availability: str = Product.Availability.UNKNOWN
    brand: str = ""
    sku: str = ""
    variants: list[dict[str, str]] = field(default_factory=list)
    picture_addresses: list[str] = field(default_factory=list)


class Source(Protocol):
    """A kind of catalog. A new one is a module beside this one, and its name in `known.py`."""

    @property
    def name(self) -> str:
        """The name that stands before the colon of its products' external ids."""

    def probe(self, address: str) -> Evidence | None:
        """Tell whether, and as what, this source reads the address; None if it does not. Fetches nothing."""

    def discover(self, page: Page, address: str) -> Listing:
        """Read one list page with a browser; runs in the browser's thread and must not touch the database.

        Raises:
            ListIncomplete: fewer products than the page says that it has (retryable).
        """

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Return what a product's page says.

        Raises:
            PageMalformed: the page has no product data (permanent).
            PageNotFound: the page says that there is no such product (permanent).
        """
