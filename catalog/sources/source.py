"""What a source is: a kind of catalog that Souk can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from catalog.extraction.document import PageMalformed as PageMalformed
from catalog.reading import SiteReader
from jobs.errors import PermanentError, RetryableError
from marketplace.models import Product
from marketplace.money import Money

MAX_PICTURES = 10  # of a product
MAX_DESCRIPTION = 20_000  # characters


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
class Connection:
    """A seller's own access to a platform's interface; what it says stands in the database."""

    id: int
    kind: str  # the name of the source that uses it


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of an address before anything is decided: the address alone, or also the page that it shows."""

    address: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()  # names only
    is_fetched: bool = False
    connection: Connection | None = None  # the seller's own, if there is one


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a source believes that it can read an address."""

    source: str
    address: str  # normalised: what is to be read
    reason: str
    weight: int = 100  # 100 and more: certain


@dataclass(frozen=True, slots=True)
class CategoryStep:
    """One category on the way from the root to a product."""

    name: str
    address: str = ""


CategoryPath = tuple[CategoryStep, ...]  # from the root


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list that is to be read: one page of products, of categories, of a sitemap or of an interface."""

    source: str
    address: str
    kind: str = ""  # the source's own word for what stands there
    paths: tuple[CategoryPath, ...] = ()  # the categories that its products are in
    cursor: Mapping[str, Any] = field(default_factory=dict)  # JSON: where in the list it goes on


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product's address as a list shows it."""

    external_id: str
    address: str
    content: "ExtractedProduct | None" = None  # the list says all: no page need be read
    paths: tuple[CategoryPath, ...] = ()  # the categories that it is in, beside those of the list
    # The id by which the source's lists know it that show addresses only; in such a list it is the external id too.
    # A product that was stored by its alias gets its own id as soon as a list tells it.
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list page shows: products in its own order, each once, and the lists that it leads to."""

    address: str
    products: Sequence[ListedProduct]
    lists: Sequence[ListPage] = ()
    total: int | None = None  # how many products the page itself says there are
    skipped: Mapping[str, int] = field(default_factory=dict)  # what was left out, by reason
    paths: tuple[CategoryPath, ...] | None = None  # where its products stand, if not where the list was looked for
    same_as_sync: int | None = None  # nothing has changed since that sync: all that it found stands


@dataclass(frozen=True, slots=True)
class ExtractedProduct:
    """What a product's page says."""

    title: str
    description: str = ""
    price: Money | None = None
    price_raw: str = ""
    list_price: Money | None = None  # before a reduction
    availability: str = Product.Availability.UNKNOWN
    brand: str = ""
    sku: str = ""
    gtin: str = ""
    variants: list[dict[str, Any]] = field(default_factory=list)
    picture_addresses: list[str] = field(default_factory=list)
    breadcrumbs: list[str] = field(default_factory=list)  # names, from the root
    canonical_address: str = ""
    attributes: dict[str, str] = field(default_factory=dict)  # what else is said, by the source's own names
    not_carried: list[str] = field(default_factory=list)  # fields for which the source has no place: price, pictures
    evidence: dict[str, Any] = field(default_factory=dict)  # by field: where it was found, and how sure that is


@runtime_checkable
class ProductAddresses(Protocol):
    """A source that can tell a product's page by its address alone."""

    def product_at(self, address: str) -> ListedProduct | None:
        """Return the product whose page stands at this address; None if the address is another's. Fetches nothing."""


class Source(Protocol):
    """A kind of catalog. A new one is a module beside this one, and its name in `known.py`."""

    @property
    def name(self) -> str:
        """The name that stands before the colon of its products' external ids."""

    @property
    def reads_pages(self) -> bool:
        """Whether a product can be read by itself, on a page of its own."""

    def probe(self, clues: Clues) -> Evidence | None:
        """Tell whether, and as what, this source reads the address; None if it does not. Fetches nothing."""

    def start(self, reader: SiteReader, clues: Clues) -> Sequence[ListPage] | None:
        """Return the lists to begin with; None when one request has shown that the site is something else.

        Raises: what `reader` raises.
        """

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one list page.

        Raises:
            ListIncomplete: fewer products than the page says that it has (retryable).
            What `reader` raises.
        """

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Return what a product's page says.

        Raises:
            PageMalformed: the page has no product data (permanent).
            PageNotFound: the page says that there is no such product (permanent).
        """
