"""Scraping jobs: one request to read something from a site, and what comes of it.

A scraping job is taken step by step, a page a step; each step is a job of the ledger that waits behind its site's
gates, so that a waiting site holds no worker. What was found so far, and what is left, stand in the row.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.category_paths import PATH_SEPARATOR
from catalog.hosts import host_of
from catalog.models import ScrapingJob, Site
from catalog.politeness.domains import set_paces
from catalog.scraping.contract import PRODUCT, START, WORKING, Found, Order, Step, Taken, merged
from catalog.scraping.frontier import Frontier, advance, begin, frontier_of, frontier_to_json
from catalog.scraping.known import SCRAPERS
from catalog.scraping_results import end, keep_result, raw_result_of
from catalog.site.intelligence import store_intelligence
from jobs import audit
from jobs.admission import admit
from jobs.batch import ClaimedJob, GivenUp, NewJob
from jobs.cancellation import AlreadyFinal, cancel_job
from jobs.errors import JobError
from jobs.events import publish, topic_of_tenant
from jobs.ledger import enqueue
from jobs.models import Job, Priority
from marketplace.egress import check_address
from marketplace.models import Category, Product, Seller
from marketplace.syncs import NoCatalogAddress, SellerSuspended, start_sync

TASK = "run-scraping"
MAX_PAGES = 200
Status = ScrapingJob.Status


@dataclass(frozen=True, slots=True)
class Plan:
    """What one job of the ledger is to do for a scraping job."""

    order: Order
    step: Step
    found: Found
    progress_pct: float
    is_first: bool


class HasEnded(Exception):
    """The scraping job has ended already."""


# --- begin ------------------------------------------------------------------------------------------
def start_scraping(
    order: Order, *, seller: Seller | None, priority: Priority = Priority.NORMAL, actor: str = ""
) -> ScrapingJob:
    """Accept an order and enqueue its first step.

    Args:
        order: what is asked for.
        seller: for whom; None for staff's own.
        priority: of all its steps.
        actor: the member of staff who asks, for the audit log; staff are not refused for lack of room.

    Raises:
        AddressRefused: the address cannot be one of the public web.
        TooManyJobs: the submission is refused for now.
    """
    check_address(order.target_url)
    if seller is not None and not actor:
        admit(tenant=seller.tenant, priority=priority)
    kind = PRODUCT if order.scraping_type == ScrapingJob.Type.PRODUCT else START
    frontier = begin(Step(kind, order.target_url))
    with transaction.atomic():
        row = ScrapingJob.objects.create(
            seller=seller,
            site=site_at(order.target_url),
            scraping_type=order.scraping_type,
            target_url=order.target_url,
            parameters=order.parameters,
            priority=priority,
            frontier=frontier_to_json(frontier),
        )
        _enqueue_next(row, order, frontier)
        row.save(update_fields=["job_id"])
        if actor:
            audit.record(actor=actor, action="scrape", subject=f"scraping job {row.pk}", reason=order.target_url)
    return row


def site_at(address: str) -> Site:
    """Return the record of the address's host; a new one knows nothing yet."""
    host = host_of(address)
    Site.objects.bulk_create([Site(host=host)], ignore_conflicts=True)
    return Site.objects.get(host=host)


def _enqueue_next(row: ScrapingJob, order: Order, frontier: Frontier, *, parent: ClaimedJob | None = None) -> None:
    """Enqueue the next step, no sooner than the order's own delay after the last one."""
    step = frontier.next_step
    if step is None:
        return
    set_paces([step.address], with_lists=True)
    new = NewJob(
        TASK,
        {"scraping_job": str(row.pk), "number": frontier.taken},
        tenant=row.seller.tenant if row.seller else "",
        priority=Priority(row.priority),
        key=f"{row.pk}:{frontier.taken}",
        gates=step.gates,
        delay_s=order.rate_limit_delay_ms / 1000 if frontier.taken else 0,
        parent=parent.id if parent else None,
    )
    row.job_id = enqueue(new).job_id


# --- run --------------------------------------------------------------------------------------------
def plans_for(jobs: Sequence[ClaimedJob]) -> dict[int, Plan]:
    """Return what each job is to do, by its id; those whose scraping job has ended or gone on are left out."""
    rows = ScrapingJob.objects.in_bulk([UUID(job.payload["scraping_job"]) for job in jobs])
    plans = {}
    for job in jobs:
        row = rows.get(UUID(job.payload["scraping_job"]))
        frontier = _frontier_for(row, job.payload)
        if row and frontier and frontier.next_step:
            plans[job.id] = Plan(
                order=order_of(row),
                step=frontier.next_step,
                found=raw_result_of(row) or {},
                progress_pct=row.progress_pct,
                is_first=frontier.taken == 0,
            )
    return plans


def order_of(row: ScrapingJob) -> Order:
    """Return the order that a row was made of; what older or newer code put there is passed over."""
    known = {field.name for field in fields(Order)}
    parameters = {name: value for name, value in row.parameters.items() if name in known}
    return Order(**{**parameters, "target_url": row.target_url, "scraping_type": row.scraping_type})


def record_step(job: ClaimedJob, taken: Taken) -> None:
    """Store what a step found and enqueue the next one, in the caller's transaction; run twice it changes nothing."""
    row = _locked(job.payload)
    frontier = _frontier_for(row, job.payload)
    if row is None or frontier is None:
        return
    if taken.learned is not None:
        store_intelligence(taken.learned)
    order = order_of(row)
    after = advance(frontier, order, taken)
    found = merged(raw_result_of(row) or {}, taken.found)
    if after.left:
        found["left"] = after.left
    row.pages = after.pages
    row.message = taken.message[:300]
    row.progress_pct = max(row.progress_pct, min(99.0, after.progress_pct))
    row.status = Status.RUNNING
    row.error_code = row.error_message = ""
    row.finished_at = row.expires_at = None
    row.frontier = frontier_to_json(after)
    if after.next_step is None:
        _finish(row, order, found)
    else:
        keep_result(row, found)
        _enqueue_next(row, order, after, parent=job)
    row.save()
    _tell(row)


def give_up_on_step(given_up: GivenUp) -> None:
    """Note that a step could not be taken; the first one ends the scraping job, after others it goes on."""
    row = _locked(given_up.payload)
    frontier = _frontier_for(row, given_up.payload)
    if row is None or frontier is None or frontier.next_step is None:
        return
    if frontier.taken:
        problem = problem_of(frontier.next_step.address, given_up.error_code, given_up.error_message)
        order = order_of(row)
        after = advance(frontier, order, Taken({}, has_read_list=False))
        found = merged(raw_result_of(row) or {}, {"problems": [problem]})
        row.frontier = frontier_to_json(after)
        if after.next_step is None:
            _finish(row, order, found)
        else:
            keep_result(row, found)
            _enqueue_next(row, order, after)
    else:
        row.error_code, row.error_message = given_up.error_code, given_up.error_message
        end(row, Status.FAILED)
    row.save()
    _tell(row)


def problem_of(address: str, code: str, message: str) -> dict[str, str]:
    """Return a page that could not be read, and why, as the result keeps it."""
    return {"address": address, "code": code, "message": message[:500]}


def passed_over(step: Step, error: JobError) -> Taken:
    """Return what a step brought that failed for good after others had not: the reason."""
    return Taken(
        {"problems": [problem_of(step.address, error.code, str(error))]},
        message=f"could not read {step.address[:200]}",
        has_read_list=False,
    )


def _locked(payload: Mapping[str, Any]) -> ScrapingJob | None:
    locked = ScrapingJob.objects.select_for_update(of=("self",)).select_related("seller", "site")
    return locked.filter(pk=payload["scraping_job"]).first()


def _frontier_for(row: ScrapingJob | None, payload: Mapping[str, Any]) -> Frontier | None:
    """Return the row's frontier if the payload's step is still to be taken."""
    if row is None or row.frontier is None or row.frontier["taken"] != payload["number"]:
        return None
    has_ended = row.status in (Status.COMPLETED, Status.CANCELLED)  # one that failed goes on when staff retry its step
    return None if has_ended else frontier_of(row.frontier)


# --- end --------------------------------------------------------------------------------------------
def _finish(row: ScrapingJob, order: Order, found: Found) -> None:
    """Write the result and its summary, and link what it is about."""
    found = {name: value for name, value in found.items() if name != WORKING}
    row.summary = SCRAPERS[order.scraping_type].summarise(order, found)
    if problems := found.get("problems"):
        row.summary["problems"] = len(problems)
    if order.scraping_type == ScrapingJob.Type.FULL_SITE:
        _remember_site(row, found)
        row.summary |= _sync_of(row)
    keep_result(row, found)
    _link(row, found)
    end(row, Status.COMPLETED)
    row.progress_pct = 100.0


def _link(row: ScrapingJob, found: Found) -> None:
    """Link the seller's products and categories that the result names, as far as the catalog has them."""
    if row.seller is None:
        return
    named = found.get("products", [])
    external_ids = [it["external_id"] for it in named if "external_id" in it]
    own = Product.objects.filter(seller=row.seller)
    products = set(own.filter(external_id__in=external_ids).values_list("pk", flat=True))
    products |= set(own.filter(address__in=[it["address"] for it in named]).values_list("pk", flat=True))
    row.products.add(*products)
    paths = {PATH_SEPARATOR.join(path)[:1000] for it in named for path in it["categories"]}
    row.categories.add(*Category.objects.filter(seller=row.seller, path__in=paths).values_list("pk", flat=True))


def _remember_site(row: ScrapingJob, found: Found) -> None:
    """Write down what the site is, unless a sync's fuller knowledge of it still counts.

    It sets no time for which this counts: a look at some pages must not stand for the site in a sync.
    """
    site = site_at(row.target_url)
    now = timezone.now()
    if site.expires_at is not None and site.expires_at > now:
        return
    site.source = found.get("source", "")[:20]
    site.evidence = found.get("evidence", [])
    site.robots = found.get("robots") or {}
    site.navigation = found.get("categories", [])
    site.read_at = now
    site.save(update_fields=["source", "evidence", "robots", "navigation", "read_at"])


def _sync_of(row: ScrapingJob) -> dict[str, Any]:
    """Start the sync that reads the whole catalog, or join the one that runs, where the site is the seller's own."""
    seller = row.seller
    if seller is None or not seller.catalog_address or host_of(seller.catalog_address) != host_of(row.target_url):
        return {"sync": None, "sync_note": "The site is not that of the seller's catalog address: no sync was started."}
    try:
        row.sync, is_new = start_sync(seller=seller, trigger="scraping")
    except (NoCatalogAddress, SellerSuspended):
        return {"sync": None, "sync_note": "The seller may start no sync now."}
    return {"sync": row.sync.pk, "sync_note": "started" if is_new else "was running already"}


def cancel_scraping(row: ScrapingJob, *, actor: str, reason: str) -> ScrapingJob:
    """End a scraping job now; what it found so far stays. A step that runs ends as cancelled.

    Raises:
        HasEnded: it has completed or failed.
    """
    with transaction.atomic():
        # The row alone is locked here: a step's settlement locks its job first, then this row.
        locked = ScrapingJob.objects.select_for_update(of=("self",)).select_related("seller", "site").get(pk=row.pk)
        if locked.status == Status.CANCELLED:
            return locked
        if locked.is_final:
            raise HasEnded(f"The scraping job is {locked.status} already.")
        end(locked, Status.CANCELLED)
        locked.save()
        _tell(locked)
    if locked.job_id is not None:
        with suppress(AlreadyFinal, Job.DoesNotExist):  # it ended meanwhile, and its settlement found the row ended
            cancel_job(locked.job_id, actor=actor, reason=reason)
    return locked


def _tell(row: ScrapingJob) -> None:
    """Tell those who watch how far the scraping job is."""
    body = {
        "scraping_job": str(row.pk),
        "status": row.status,
        "progress_pct": round(row.progress_pct, 1),
        "message": row.message,
        "pages": row.pages,
    }
    if row.seller is not None:
        publish(topic_of_tenant(row.seller.tenant), "scraping", body)
