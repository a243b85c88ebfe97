"""Product pages: read many at once, and write down what they say."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.contents import content_hash, content_of, kept_content
from catalog.duplicates import Content
from catalog.fetching import FetchSession
from catalog.generation.edits import covered, laid_over
from catalog.hosts import host_of
from catalog.politeness.gates import picture_gate_of
from catalog.politeness.manners import Manners
from catalog.reading import SiteReader
from catalog.replies import Request
from catalog.robots import Rules, origin_of, rules_for
from catalog.site.intelligence import hosts_that_need_browser
from catalog.site.rendering import render
from catalog.sources.known import source_of
from catalog.sources.source import ExtractedProduct
from jobs.errors import JobError
from marketplace.models import Product

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
    "attributes",
    "not_carried",
    "unedited",
    "content_hash",
    "etag",
    "last_modified",
)
RENDER_BUDGET_S = 120.0  # of one batch: well below its timeout, and what is left over goes back at no cost
STAMPS = ("last_seen_at", "scraped_at", "updated_at")
MAX_PICTURE_GATES = 3  # nearly always one; a tick looks at each set of gates
_NEEDED = ("pk", "seller_id", "external_id", "status", "address", *CONTENT_FIELDS, "edits", "last_sync_id")


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
        if content is not None and not self.is_changed and content.not_carried != product.not_carried:
            return "quality-control"
        if content is None or not self.is_changed:
            return None
        if content.picture_addresses != product.picture_addresses:
            return "process-images"
        shown = laid_over(content, product.edits)
        if (shown.title, shown.description) != (product.title, product.description):
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
    gates = {picture_gate_of(address) for address in addresses if host_of(address)}
    return sorted(gates)[:MAX_PICTURE_GATES]


def kept_read(read: PageRead) -> dict[str, Any]:
    """Return what a reading brought as JSON, so that it can wait on disk while PostgreSQL is away."""
    return {
        "content": None if read.content is None else kept_content(read.content),
        "content_hash": read.content_hash,
        "etag": read.etag,
        "last_modified": read.last_modified,
    }


def read_of(product: Product, kept: Mapping[str, Any]) -> PageRead:
    """Return the reading that kept_read made JSON of."""
    content = None if kept["content"] is None else content_of(kept["content"])
    return PageRead(product, content, kept["content_hash"], kept["etag"], kept["last_modified"])


Outcome = PageRead | JobError | None  # None: not started, since the worker is asked to stop


def products_to_read(product_ids: Sequence[int]) -> dict[int, Product]:
    """Return the products that are still in their catalog, by id."""
    rows = Product.objects.filter(pk__in=product_ids).exclude(status=Product.Status.GONE).only(*_NEEDED)
    return {row.pk: row for row in rows}


def read_pages(
    products: Sequence[Product], *, is_stopping: Callable[[], bool], manners: Manners | None = None
) -> dict[int, Outcome]:
    """Read the pages of products, several at once; one outcome each, by the product's id.

    Those of sites whose pages are empty without their scripts are rendered, one after the other.
    """
    manners = Manners() if manners is None else manners
    browsed = hosts_that_need_browser({product.address for product in products})
    rendered = [product for product in products if host_of(product.address) in browsed]
    fetched = [product for product in products if host_of(product.address) not in browsed]
    outcomes = read_pages_by_http(fetched, is_stopping=is_stopping, manners=manners) if fetched else {}
    return outcomes | _render_pages(rendered, is_stopping, manners)


def read_pages_by_http(
    products: Sequence[Product], *, is_stopping: Callable[[], bool], manners: Manners
) -> dict[int, Outcome]:
    """Read the pages as they are sent, several at once, without the database; one outcome each, by the product's id."""
    return asyncio.run(_read_pages(products, is_stopping, manners))


def _render_pages(products: Sequence[Product], is_stopping: Callable[[], bool], manners: Manners) -> dict[int, Outcome]:
    """Read pages in this process's browser; those for which the time does not suffice are not started."""
    outcomes: dict[int, Outcome] = dict.fromkeys((product.pk for product in products), None)
    if not products:
        return outcomes
    ends_at = time.monotonic() + RENDER_BUDGET_S
    with SiteReader(max_requests=len(products), manners=manners) as reader:
        for product in products:
            if is_stopping() or time.monotonic() > ends_at:
                break
            if (refusal := manners.refusal(product.address)) is not None:
                outcomes[product.pk] = refusal
                continue
            try:
                outcomes[product.pk] = _render_page(reader, product)
            except JobError as error:
                outcomes[product.pk] = error
    return outcomes


def _render_page(reader: SiteReader, product: Product) -> PageRead:
    address, html = reader.browse(product.address, lambda tab: render(tab, product.address))
    content = source_of(product.external_id).extract(html, address)
    return PageRead(product, content=content, content_hash=content_hash(content))


async def _read_pages(
    products: Sequence[Product], is_stopping: Callable[[], bool], manners: Manners
) -> dict[int, Outcome]:
    places = asyncio.Semaphore(settings.JOB_CONCURRENCY)
    refused = {product.pk: manners.refusal(product.address) for product in products}
    welcome = [product.address for product in products if refused[product.pk] is None]
    async with FetchSession(concurrency=settings.JOB_CONCURRENCY, manners=manners) as session:
        rules = await rules_for(session, welcome)
        manners.note_crawl_delays(
            {host_of(origin): it.crawl_delay_s or 0.0 for origin, it in rules.items() if isinstance(it, Rules)}
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


def read_in_a_list(product: Product, content: ExtractedProduct) -> PageRead:
    """Return what a list says of a product as if its page had been read; as not modified where all is as it was."""
    read = PageRead(product, content=content, content_hash=content_hash(content))
    row = _row_of(read, content, timezone.now(), edits=product.edits)
    is_same = all(getattr(row, name) == getattr(product, name) for name in CONTENT_FIELDS)
    return PageRead(product) if is_same else read


def contents_of(reads: Iterable[PageRead]) -> set[Content]:
    """Return the contents and the canonical addresses that these readings end or begin."""
    contents: set[Content] = set()
    for read in reads:
        has_new_gtin = read.content is not None and read.content.gtin != read.product.gtin
        if read.is_changed or has_new_gtin:
            seller_id = read.product.seller_id
            contents |= {Content(seller_id, read.product.content_hash), Content(seller_id, read.content_hash)}
            addresses = (read.product.canonical_address, read.content.canonical_address if read.content else "")
            contents |= {Content(seller_id, address, kind="address") for address in addresses}
    return {content for content in contents if content.sha256}


def store_pages(reads: Iterable[PageRead]) -> None:
    """Write what the pages say, in the caller's transaction; an unchanged page only moves the times."""
    now = timezone.now()
    by_id = {read.product.pk: read for read in reads}
    # The rows are locked in order of id, and a product deleted meanwhile is not brought back.
    locked = Product.objects.filter(pk__in=by_id).order_by("pk").select_for_update().values_list("pk", "edits")
    unchanged: list[int] = []
    written: list[Product] = []
    for pk, edits in locked:  # as they are now: the seller may have accepted one since the page was read
        read = by_id[pk]
        if read.content is None:
            unchanged.append(pk)
        else:
            written.append(_row_of(read, read.content, now, edits=edits))
    if unchanged:
        Product.objects.filter(pk__in=unchanged).update(last_seen_at=now, scraped_at=now)
    # Every row exists, so this updates; bulk_update's CASE for 16 columns of 48 rows took 0.8 s.
    Product.objects.bulk_create(
        written, update_conflicts=True, unique_fields=["id"], update_fields=[*CONTENT_FIELDS, *STAMPS]
    )


def _row_of(read: PageRead, said: ExtractedProduct, now: datetime, *, edits: Mapping[str, Any]) -> Product:
    content = laid_over(said, edits)
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
        attributes=content.attributes,
        not_carried=content.not_carried,
        unedited=covered(said, edits),
        content_hash=read.content_hash,
        etag=read.etag,
        last_modified=read.last_modified,
        last_seen_at=now,
        scraped_at=now,
        updated_at=now,
    )
