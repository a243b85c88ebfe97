"""Product pages: read many at once, and write down what they say."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.discovery import picture_gate_of
from catalog.duplicates import Content
from catalog.extraction.open_graph import content_hash
from catalog.fetching import FetchSession, Request
from catalog.politeness.manners import Manners, place_of
from catalog.robots import Rules, origin_of, rules_for
from catalog.sources.known import source_of
from catalog.sources.source import ExtractedProduct
from jobs.errors import JobError
from marketplace.models import Product
from marketplace.money import Money

CONTENT_FIELDS = (
    "title",
    "description",
    "price",
    "currency",
    "price_raw",
    "availability",
    "brand",
    "sku",
    "gtin",
    "list_price",
    "canonical_address",
    "breadcrumbs",
    "evidence",
    "variants",
    "picture_addresses",
    "content_hash",
    "etag",
    "last_modified",
)
STAMPS = ("last_seen_at", "scraped_at", "updated_at")
MAX_PICTURE_GATES = 3  # nearly always one; a tick looks at each set of gates
_NEEDED = ("pk", "seller_id", "external_id", "status", "address", *CONTENT_FIELDS, "last_sync_id")


@dataclass(frozen=True, slots=True)
class PageRead:
    """What the reading of one product's page brought. No content: the page is as it was (304)."""

    product: Product
    content: ExtractedProduct | None = None
    content_hash: str = ""
    etag: str = ""
    last_modified: str = ""

    @property
    def is_changed(self) -> bool:
        """True when a buyer would see a difference."""
        return self.content is not None and self.content_hash != self.product.content_hash

    @property
    def next_task(self) -> str | None:
        """The stage that the product goes to; none when it has been through all and shows nothing new."""
        product, content = self.product, self.content
        if product.status == Product.Status.PENDING or not product.content_hash:
            return "process-images"
        if content is None or not self.is_changed:
            return None
        if content.picture_addresses != product.picture_addresses:
            return "process-images"
        if (content.title, content.description) != (product.title, product.description):
            return "generate-embedding"
        return "quality-control"

    @property
    def next_gates(self) -> list[str]:
        """What the next stage's job waits behind: pictures behind the gates of their hosts, the rest behind none."""
        if self.next_task != "process-images":
            return []
        addresses = self.product.picture_addresses if self.content is None else self.content.picture_addresses
        return picture_gates(addresses)


def picture_gates(addresses: Sequence[str]) -> list[str]:
    """Return the gates of the hosts of pictures, without those addresses that nobody will ask."""
    gates = {picture_gate_of(address) for address in addresses if place_of(address)}
    return sorted(gates)[:MAX_PICTURE_GATES]


def kept_read(read: PageRead) -> dict[str, Any]:
    """Return what a reading brought as JSON, so that it can wait on disk while PostgreSQL is away."""
    content = None if read.content is None else asdict(read.content)
    for field in ("price", "list_price"):
        if content and content[field]:
            content[field]["amount"] = str(content[field]["amount"])
    return {
        "content": content,
        "content_hash": read.content_hash,
        "etag": read.etag,
        "last_modified": read.last_modified,
    }


def read_of(product: Product, kept: Mapping[str, Any]) -> PageRead:
    """Return the reading that kept_read made JSON of."""
    content = kept["content"]
    if content is None:
        return PageRead(product, None, kept["content_hash"], kept["etag"], kept["last_modified"])
    extracted = ExtractedProduct(
        **{**content, "price": _money_of(content["price"]), "list_price": _money_of(content["list_price"])}
    )
    return PageRead(product, extracted, kept["content_hash"], kept["etag"], kept["last_modified"])


def _money_of(kept: Mapping[str, str] | None) -> Money | None:
    return Money(Decimal(kept["amount"]), kept["currency"], kept["raw"]) if kept else None


Outcome = PageRead | JobError | None  # None: not started, since the worker is asked to stop


def products_to_read(product_ids: Sequence[int]) -> dict[int, Product]:
    """Return the products that are still in their catalog, by id."""
    rows = Product.objects.filter(pk__in=product_ids).exclude(status=Product.Status.GONE).only(*_NEEDED)
    return {row.pk: row for row in rows}


def read_pages(
    products: Sequence[Product], *, is_stopping: Callable[[], bool], manners: Manners | None = None
) -> dict[int, Outcome]:
    """Read the pages of products, several at once; one outcome each, by the product's id."""
    return asyncio.run(_read_pages(products, is_stopping, Manners() if manners is None else manners))


async def _read_pages(
    products: Sequence[Product], is_stopping: Callable[[], bool], manners: Manners
) -> dict[int, Outcome]:
    places = asyncio.Semaphore(settings.JOB_CONCURRENCY)
    refused = {product.pk: manners.refusal(product.address) for product in products}
    welcome = [product.address for product in products if refused[product.pk] is None]
    async with FetchSession(concurrency=settings.JOB_CONCURRENCY, manners=manners) as session:
        rules = await rules_for(session, welcome)
        manners.note_crawl_delays(
            {place_of(origin): it.crawl_delay_s or 0.0 for origin, it in rules.items() if isinstance(it, Rules)}
        )

        async def read(product: Product) -> Outcome:
            async with places:
                if is_stopping():
                    return None
                if (refusal := refused[product.pk]) is not None:
                    return refusal
                try:
                    return await _read_page(session, product, rules)
                except JobError as error:
                    return error

        outcomes = await asyncio.gather(*(read(product) for product in products))
    return {product.pk: outcome for product, outcome in zip(products, outcomes, strict=True)}


async def _read_page(session: FetchSession, product: Product, rules: Mapping[str, Rules | JobError]) -> PageRead:
    allowed = rules[origin_of(product.address)]
    if isinstance(allowed, JobError):
        raise allowed
    allowed.check(product.address)
    # Without stored content there is nothing that a 304 could stand for.
    is_known = bool(product.content_hash)
    reply = await session.send(
        Request(
            address=product.address,
            etag=product.etag if is_known else "",
            last_modified=product.last_modified if is_known else "",
        )
    )
    if reply.is_not_modified:
        return PageRead(product)
    content = source_of(product.external_id).extract(reply.text, reply.address)
    return PageRead(
        product,
        content=content,
        content_hash=content_hash(content),
        etag=reply.etag if len(reply.etag) <= 200 else "",
        last_modified=reply.last_modified if len(reply.last_modified) <= 100 else "",
    )


def contents_of(reads: Iterable[PageRead]) -> set[Content]:
    """Return the contents that these readings end or begin."""
    contents: set[Content] = set()
    for read in reads:
        if read.is_changed:
            seller_id = read.product.seller_id
            contents |= {Content(seller_id, read.product.content_hash), Content(seller_id, read.content_hash)}
    return {content for content in contents if content.sha256}


def store_pages(reads: Iterable[PageRead]) -> None:
    """Write what the pages say, in the caller's transaction; an unchanged page only moves the times."""
    now = timezone.now()
    by_id = {read.product.pk: read for read in reads}
    # The rows are locked in order of id, and a product deleted meanwhile is not brought back.
    locked = Product.objects.filter(pk__in=by_id).order_by("pk").select_for_update().values_list("pk", flat=True)
    unchanged: list[int] = []
    written: list[Product] = []
    for pk in locked:
        read = by_id[pk]
        if read.content is None:
            unchanged.append(pk)
        else:
            written.append(_row_of(read, read.content, now))
    if unchanged:
        Product.objects.filter(pk__in=unchanged).update(last_seen_at=now, scraped_at=now)
    # Every row exists, so this updates; bulk_update's CASE for 16 columns of 48 rows took 0.8 s.
    Product.objects.bulk_create(
        written, update_conflicts=True, unique_fields=["id"], update_fields=[*CONTENT_FIELDS, *STAMPS]
    )


def _row_of(read: PageRead, content: ExtractedProduct, now: datetime) -> Product:
    return Product(
        pk=read.product.pk,
        seller_id=read.product.seller_id,
        external_id=read.product.external_id,
        address=read.product.address,
        title=content.title,
        description=content.description,
        price=content.price.amount if content.price else None,
        currency=content.price.currency if content.price else "",
        price_raw=content.price_raw,
        availability=content.availability,
        brand=content.brand,
        sku=content.sku,
        gtin=content.gtin,
        list_price=content.list_price.amount if content.list_price else None,
        canonical_address=content.canonical_address or read.product.address,
        breadcrumbs=content.breadcrumbs,
        evidence=content.evidence,
        variants=content.variants,
        picture_addresses=content.picture_addresses,
        content_hash=read.content_hash,
        etag=read.etag,
        last_modified=read.last_modified,
        last_seen_at=now,
        scraped_at=now,
        updated_at=now,
    )
