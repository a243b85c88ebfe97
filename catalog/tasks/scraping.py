"""The stages that read: the seller's address, the catalog's lists, the products' pages."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from catalog import feed_imports
from catalog.browser import open_process_browser
from catalog.connections import connection_of
from catalog.discovery import read_list, recognise, start_reading
from catalog.duplicates import link_duplicates, lock_contents
from catalog.listings import TOO_MANY_LISTS, record_listing, within_cap
from catalog.milestones import tell_of_lost_pages, tell_of_pages
from catalog.occasions import is_recheck, occasion_of, payload_of_next
from catalog.politeness.domains import charge_extra, meet, set_paces, settle_manners
from catalog.politeness.gates import gate_of, list_gate_of
from catalog.politeness.outcomes import end_troubled
from catalog.product_pages import (
    PageRead,
    contents_of,
    kept_read,
    products_to_read,
    read_of,
    read_pages,
    store_pages,
)
from catalog.reading import SiteReader
from catalog.rechecks import LOST, lose_products, recheck_copies
from catalog.rereading import after_reading, bring_back, read_whole
from catalog.setbacks import bury_products
from catalog.site.intelligence import Intelligence, intelligence_on, store_intelligence
from catalog.sources.source import CategoryStep, Evidence, Listing, ListPage
from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task

REMEDIES = {
    "catalog.page_not_found": "Take the product out of the catalog, or put its page back; the next sync looks again.",
    "catalog.page_malformed": "Open the product's page: it shows no product data. The next sync looks again.",
}
SITE = "site"  # the kind of the page at the seller's own address, before it is known what reads it
REMEDY_AWAY = "See that the product's page opens in a browser that is not logged in; the next sync tries again."


@task(queue="sync-seller", attempts=3, subject=["seller"])
def sync_seller(batch: Batch) -> None:
    """See what the seller's address is, and start with looking at it."""
    addresses: list[str] = []
    for job in batch:
        given = feed_imports.given_list(job.payload)
        if given is not None:
            batch.complete(job, result={"source": given.source}, then=[list_reading(job, given)])
            continue
        try:
            evidence = recognise(job.payload["address"])
        except JobError as error:
            batch.fail(job, error)
            continue
        address = evidence.address if evidence else job.payload["address"]
        addresses.append(address)
        batch.complete(job, result=_told(evidence), then=[list_reading(job, ListPage("", address, kind=SITE))])
    batch.on_settle(lambda _: set_paces(addresses, with_lists=True))


@task(queue="scrape-catalog", attempts=4, subject=["address"], warm_up=open_process_browser)
def scrape_catalog(batch: Batch) -> None:
    """Read a list of the catalog: its products are enqueued, and so are the lists that it leads to."""
    listings: dict[int, tuple[ListPage, Listing]] = {}
    learned: dict[int, Intelligence] = {}
    troubles: dict[int, JobError] = {}
    manners = meet(job.payload["address"] for job in batch)
    for job in batch:
        if batch.is_stopping():
            batch.release(job)
            continue
        page = page_of(job.payload)
        if (refusal := manners.refusal(page.address)) is not None:
            troubles[job.id] = refusal
            continue
        try:
            with SiteReader(knows=intelligence_on, manners=manners) as reader:
                reader.turn_to(page.address)
                listing = _look(reader, page, sync_id=job.payload["sync"])
        except JobError as error:
            troubles[job.id] = error
            continue
        listings[job.id] = page, listing
        if reader.learned is not None:
            learned[job.id] = reader.learned
        lists, beyond = within_cap(job, listing.lists)
        skipped = {**listing.skipped, **({TOO_MANY_LISTS: beyond} if beyond else {})}
        batch.complete(
            job,
            result={"products": len(listing.products), "lists": len(lists), "skipped": skipped},
            then=[list_reading(job, following) for following in lists],
        )
    standings = settle_manners(manners)
    charge_extra(manners, (job.payload["address"] for job in batch if job.id not in troubles))
    for job in batch:
        if job.id in troubles:
            end_troubled(batch, job, troubles[job.id], address=job.payload["address"], standings=standings)

    def record(jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            record_listing(job, *listings[job.id])
            if job.id in learned:
                store_intelligence(learned[job.id])

    batch.on_settle(record)


def _look(reader: SiteReader, page: ListPage, *, sync_id: int) -> Listing:
    """Read a list; at the site's own address, find out what reads it, and read its first list if there is only one."""
    is_start = page.kind == SITE
    if is_start:
        start = start_reading(reader, page.address, connection=connection_of(sync_id))
        evidence = tuple({"source": it.source, "weight": it.weight, "reason": it.reason} for it in start.evidence)
        reader.site = replace(reader.site, source=start.source, evidence=evidence)
        if len(start.lists) != 1:
            return Listing(page.address, products=(), lists=start.lists)
        page = start.lists[0]
    if feed_imports.is_whole_feed(page):
        return feed_imports.take_in(reader, page, sync_id=sync_id)
    return read_list(reader, page, is_start=is_start)


def give_up_on_pages(given_up: Sequence[GivenUp]) -> None:
    """Say of the products that their pages could not be read."""
    lost = [job for job in given_up if job.error_code in LOST]
    lose_products(lost, remedies=REMEDIES)
    bury_products([job for job in given_up if job not in lost], field="address", remedy=REMEDY_AWAY)
    tell_of_lost_pages(given_up)


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
    read_whole(products.values(), batch)
    manners = meet(product.address for product in products.values())
    outcomes = read_pages(list(products.values()), is_stopping=batch.is_stopping, manners=manners)
    standings = settle_manners(manners)
    for job in batch:
        product_id = job.payload["product"]
        if product_id not in products:
            batch.complete(job, result={"page": "no longer in the catalog"})
            continue
        outcome = outcomes[product_id]
        if outcome is None:
            batch.release(job)
        elif isinstance(outcome, JobError):
            end_troubled(batch, job, outcome, address=products[product_id].address, standings=standings)
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
    on_their_way = {read.product.pk for read in reads if read.next_task} | bring_back(list(by_product.values()))
    sellers = {product.seller_id: by_product[pk] for pk, product in products.items()}
    recheck_copies({pk: copied for pk, copied in changed.items() if pk not in on_their_way}, jobs=sellers)
    tell_of_pages(list(by_product.values()), stored={read.product.pk for read in reads if read.is_changed})


def list_reading(job: ClaimedJob, page: ListPage) -> NewJob:
    """Return the job that reads a list; a list that several lead to is read once a sync."""
    sync = job.payload["sync"]
    told = json.dumps([page.source, page.address, page.kind, page.cursor], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()[:32]  # an address may be longer than a key
    return NewJob(
        "scrape-catalog",
        {"sync": sync, **asdict(page)},
        key=f"{sync}:{digest}",
        gates=[gate_of(page.address), list_gate_of(page.address)] if is_at_the_site(page) else (),
    )


def is_at_the_site(page: ListPage) -> bool:
    """Tell whether reading the list costs a request: what the seller gave, or a feed that is here, needs none."""
    return bool(page.address) and "feed" not in page.cursor


def page_of(payload: Mapping[str, Any]) -> ListPage:
    """Return the list that a job's payload names."""
    return ListPage(
        source=payload["source"],
        address=payload["address"],
        kind=payload["kind"],
        paths=tuple(tuple(CategoryStep(**step) for step in path) for path in payload["paths"]),
        cursor=payload["cursor"],
    )


def _told(evidence: Evidence | None) -> dict[str, str]:
    if evidence is None:
        return {"source": "", "reason": "the page itself must show what it is"}
    return {"source": evidence.source, "reason": evidence.reason}


def _next_jobs(job: ClaimedJob, read: PageRead) -> list[NewJob]:
    if is_recheck(job.payload):
        return [after_reading(job, read)]
    if read.next_task is None:
        return []
    payload = payload_of_next(job.payload)
    return [NewJob(read.next_task, payload, key=occasion_of(job.payload), gates=read.next_gates)]


def _summary(read: PageRead) -> str:
    if read.content is None:
        return "not modified"
    return "changed" if read.is_changed else "same content"
