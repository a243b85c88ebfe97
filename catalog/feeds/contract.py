"""What feeds are: files of products, one row each, that a seller or a shop's system writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from catalog.sources.source import ExtractedProduct
from jobs.errors import PermanentError
from marketplace.money import Money

EXCERPT_CHARS = 200


class FeedUnreadable(PermanentError):
    """The file is no product feed that Souk can read."""

    code = "feed.unreadable"

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy or "Save the products as CSV, JSON Lines, or a Google Merchant or Meta catalog feed."


class FeedColumnsMissing(FeedUnreadable):
    """The feed has no column for a product's id or title."""

    code = "feed.columns_missing"


class FeedTooLarge(FeedUnreadable):
    """The feed is larger than Souk takes."""

    code = "feed.too_large"


class FeedKind(StrEnum):
    """How a feed is written."""

    CSV = "csv"
    TSV = "tsv"
    SHOPIFY_CSV = "shopify_csv"
    WOOCOMMERCE_CSV = "woocommerce_csv"
    JSON_LINES = "json_lines"
    JSON = "json"
    XML = "xml"
    GOOGLE_XML = "google_xml"  # RSS or Atom with the namespace g:, which Meta takes too


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row as its source wrote it.

    Args:
        number: its place among the rows, from 1; a header is none, and neither is an empty line.
        data: values by the source's own names: text, and in JSON also numbers, lists and objects.
        line: the line of the file that it begins in; 0 where the file has none.
    """

    number: int
    data: Mapping[str, Any]
    line: int = 0


@dataclass(frozen=True, slots=True)
class RowError:
    """A row, or one of its fields, that was not taken over, and why."""

    number: int
    field: str
    code: str
    message: str
    excerpt: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """What is read of a feed."""

    max_bytes: int = 4 * 1024**3  # uncompressed
    max_line_bytes: int = 4 * 1024 * 1024  # of one row, too
    max_columns: int = 2_000


class FeedReader(Protocol):
    """One way to read rows. A new one is a module beside this one, and its kind in `opening.py`."""

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`, in the file's order; the earlier ones are passed over cheaply.

        Each call begins anew. A row that cannot be read is a RowError and costs no other row; so is the place where
        a damaged or too large file ends, as the last thing yielded.
        """


@dataclass(frozen=True, slots=True)
class FeedProduct:
    """A product as a feed describes it, folded from all rows of its group.

    Args:
        number: the first of its rows.
        external_id: the feed's own id of it, or of its group.
        gtin: the first GTIN with a right check digit; empty if there is none.
        gtins: all GTINs as the feed wrote them.
        list_price: the price before a reduction.
        categories: paths of names, the outermost first.
        attributes: what else the feed says, by its own names.
        notes: fields that were not taken over although the product was.
        rows: the numbers of all its rows.
    """

    number: int
    external_id: str
    address: str
    product: ExtractedProduct
    gtin: str = ""
    gtins: tuple[str, ...] = ()
    list_price: Money | None = None
    categories: list[list[str]] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    notes: tuple[RowError, ...] = ()
    rows: tuple[int, ...] = ()


def excerpt_of(value: object) -> str:
    """Return the beginning of a value, to show people what is meant; it can be stored and printed."""
    text = value if isinstance(value, str) else str(value)[: 4 * EXCERPT_CHARS]
    cut = text if len(text) <= EXCERPT_CHARS else f"{text[: EXCERPT_CHARS - 1]}…"
    return "".join(sign if sign.isprintable() else "\ufffd" if "\ud800" <= sign <= "\udfff" else " " for sign in cut)
