"""The stages that read: the seller's address, the catalog's lists, the products' pages."""

import hashlib
from collections.abc import Sequence
from typing import Any

from catalog.browser import open_process_browser
from catalog.discovery import gate_of, read_list, recognise
from catalog.duplicates import link_duplicates, lock_contents
from catalog.listings import open_gates, record_listing
from catalog.product_pages import (
    PageRead,
    contents_of,
    kept_read,
    products_to_read,
    read_of,
    read_pages,
    store_pages,
)
from catalog.rechecks import LOST, lose_products, recheck_copies
from catalog.setbacks import bury_products
from catalog.sources.source import ListedCollection, Listing
from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task

REMEDIES = {
    "catalog.page_not_found": "Take the product out of the catalog, or put its page back; the next sync looks again.",
    "catalog.page_malformed": "Open the product's page: it shows no product data. The next sync looks again.",
}
REMEDY_AWAY = "See that the product's page opens in a browser that is not logged in; the next sync tries again."


@task(queue="sync-seller", attempts=3, subject=["seller"])
def sync_seller(batch: Batch) -> None:
    """Find out what reads the seller's address, and start with the catalog's first page."""
    starts: list[str] = []
    for job in batch:
        try:
            evidence = recognise(job.payload["address"])
        except JobError as error:
            batch.fail(job, error)
            continue
        starts.append(evidence.address)
        batch.complete(
            job,
            result={"source": evidence.source, "reason": evidence.reason},
            then=[_list_reading(job, evidence.address, category=None)],
        )
    batch.on_settle(lambda _: open_gates(starts))


@task(queue="scrape-catalog", attempts=4, subject=["address"], warm_up=open_process_browser)
def scrape_catalog(batch: Batch) -> None:
    """Read a list of the catalog to its end: its products are enqueued, its collections are lists to read."""
    listings: dict[int, Listing] = {}
    for job in batch:
        if batch.is_stopping():
            batch.release(job)
            continue
        category = job.payload["category"]
        try:
            listing = read_list(job.payload["address"], is_start=category is None)
        except JobError as error:
            batch.fail(job, error)
            continue
        listings[job.id] = listing
        # Only the start page leads to collections; a collection's own links to others lead nowhere new.
        collections = listing.collections if category is None else ()
        batch.complete(
            job,
            result={"products": len(listing.products), "collections": len(collections)},
            then=[_collection_reading(job, collection) for collection in collections],
        )

    def record(jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            record_listing(job, listings[job.id].products, category=job.payload["category"])

    batch.on_settle(record)


def give_up_on_pages(given_up: Sequence[GivenUp]) -> None:
    """Say of the products that their pages could not be read."""
    lost = [job for job in given_up if job.error_code in LOST]
    lose_products(lost, remedies=REMEDIES)
    bury_products([job for job in given_up if job not in lost], field="address", remedy=REMEDY_AWAY)


@task(
    queue="scrape-product",
    batch_size=48,
    attempts=4,
    subject=["product"],
    keep_completed=10,
    keep_failed=5,
    on_give_up=give_up_on_pages,
)
def scrape_product(batch: Batch) -> None:
    """Store what each product's page says; a page that is as it was changes nothing and leads nowhere."""
    products = products_to_read([job.payload["product"] for job in batch])
    outcomes = read_pages(list(products.values()), is_stopping=batch.is_stopping)
    for job in batch:
        product_id = job.payload["product"]
        if product_id not in products:
            batch.complete(job, result={"page": "no longer in the catalog"})
            continue
        outcome = outcomes[product_id]
        if outcome is None:
            batch.release(job)
        elif isinstance(outcome, JobError):
            batch.fail(job, outcome)
        else:
            batch.complete(job, result={"page": _summary(outcome)}, then=_next_jobs(job, outcome))

    reads = {pk: kept_read(outcome) for pk, outcome in outcomes.items() if isinstance(outcome, PageRead)}
    batch.on_settle(bind(store_reads, {str(pk): read for pk, read in reads.items()}))


@effect
def store_reads(jobs: Sequence[ClaimedJob], data: Any) -> None:
    """Write what the pages said, mark copies, and have those judged anew that are no copies any more.

    The products are read again: what was read may have waited on disk for a while.
    """
    by_product = {job.payload["product"]: job for job in jobs if str(job.payload["product"]) in data}
    products = products_to_read(list(by_product))
    reads = [read_of(product, data[str(pk)]) for pk, product in products.items()]
    contents = contents_of(reads)
    lock_contents(contents)
    store_pages(reads)
    changed = link_duplicates(contents)
    on_their_way = {read.product.pk for read in reads if read.next_task}
    sellers = {product.seller_id: by_product[pk] for pk, product in products.items()}
    recheck_copies({pk: copied for pk, copied in changed.items() if pk not in on_their_way}, jobs=sellers)


def _list_reading(job: ClaimedJob, address: str, *, category: str | None) -> NewJob:
    sync = job.payload["sync"]
    digest = hashlib.sha256(address.encode()).hexdigest()[:32]  # an address may be longer than a key
    return NewJob(
        "scrape-catalog",
        {"sync": sync, "address": address, "category": category},
        key=f"{sync}:{digest}",
        gates=[gate_of(address)],
    )


def _collection_reading(job: ClaimedJob, collection: ListedCollection) -> NewJob:
    return _list_reading(job, collection.address, category=collection.name)


def _next_jobs(job: ClaimedJob, read: PageRead) -> list[NewJob]:
    if read.next_task is None:
        return []
    sync, product_id = job.payload["sync"], job.payload["product"]
    return [NewJob(read.next_task, {"sync": sync, "product": product_id}, key=f"{sync}:{product_id}")]


def _summary(read: PageRead) -> str:
    if read.content is None:
        return "not modified"
    return "changed" if read.is_changed else "same content"
