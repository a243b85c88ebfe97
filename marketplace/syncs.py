"""Syncs: one reading of a seller's whole catalog, from its start to its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count

from jobs.admission import admit
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import FINAL_STATES, Audit, Priority, State
from jobs.stats import group_counts, group_retries
from jobs.workflows import open_group
from marketplace.models import Product, Seller, SyncRun


class NoCatalogAddress(Exception):
    """The seller has not said where their catalog is."""


class SellerSuspended(Exception):
    """The seller is suspended and starts nothing."""


class SyncRunning(Exception):
    """Another sync of the seller runs; what they give now has to wait for its end."""

    def __init__(self, sync: SyncRun) -> None:
        super().__init__(f"sync {sync.pk} runs")
        self.sync = sync


@dataclass(frozen=True, slots=True)
class Given:
    """Products that a seller gives, to be read instead of the catalog's address."""

    origin: SyncRun.Origin
    payload: Mapping[str, Any]  # what the first job is told beside sync and seller
    keeps_others: bool = False  # the rest of what the seller gave before stays


LISTS = "scrape-catalog"  # the stage that reads the catalog's lists, and the one that reads products' pages
PAGES = "scrape-product"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is: jobs by stage and state, products by status."""

    found: int
    products: dict[str, int]
    stages: dict[str, dict[str, int]]
    retries: int

    @property
    def coverage_pct(self) -> float | None:
        """How many of the catalog's lists that are known have been read; None while none is known."""
        return _share_final(self.stages.get(LISTS, {}))

    @property
    def success_rate(self) -> float | None:
        """How many of the pages that were read to an end gave a product; None while none was."""
        states = self.stages.get(PAGES, {})
        ended = sum(states.get(state, 0) for state in FINAL_STATES)
        return round(states.get(State.COMPLETED, 0) / ended, 4) if ended else None

    def products_per_min(self, *, elapsed_s: float) -> float:
        """Return how many products reached their end in a minute."""
        ended = sum(count for status, count in self.products.items() if status != Product.Status.PENDING)
        return round(ended * 60 / elapsed_s, 1) if elapsed_s > 0 else 0.0


def start_sync(*, seller: Seller, trigger: str, is_submission: bool = False) -> tuple[SyncRun, bool]:
    """Start reading the seller's catalog; return the sync, and whether it is new.

    A seller has one running sync at most: while one of the catalog runs, it is the answer.

    Args:
        seller: whose catalog it is.
        trigger: who started it: api, admin, command, schedule.
        is_submission: it comes from outside, and may be refused when there is too much work.

    Raises:
        NoCatalogAddress: there is nothing to read.
        SyncRunning: what the seller gave otherwise is just being read.
        SellerSuspended: the seller is suspended.
        TooManyJobs: the submission is refused for now.
    """
    if seller.status != Seller.Status.ACTIVE:
        raise SellerSuspended
    if not seller.catalog_address:
        raise NoCatalogAddress
    sync, is_new = _start(seller, trigger=trigger, is_submission=is_submission)
    if sync.origin != SyncRun.Origin.CATALOG:
        raise SyncRunning(sync)
    return sync, is_new


def start_import(*, seller: Seller, given: Given, trigger: str, is_submission: bool = False) -> SyncRun:
    """Start bringing in what the seller gives; return the sync.

    Raises:
        SyncRunning: another sync of the seller runs.
        SellerSuspended, TooManyJobs: as start_sync.
    """
    if seller.status != Seller.Status.ACTIVE:
        raise SellerSuspended
    sync, is_new = _start(seller, trigger=trigger, is_submission=is_submission, given=given)
    if not is_new:
        raise SyncRunning(sync)
    return sync


def _start(seller: Seller, *, trigger: str, is_submission: bool, given: Given | None = None) -> tuple[SyncRun, bool]:
    while True:
        running = SyncRun.objects.filter(seller=seller, status=SyncRun.Status.RUNNING).first()
        if running is not None:
            return running, False
        if is_submission:
            admit(tenant=seller.tenant, priority=sync_priority(seller=seller, trigger=trigger))
        try:
            with transaction.atomic():
                return _new_sync(seller, trigger=trigger, given=given), True
        except IntegrityError as error:
            # Somebody else's insert won, between our look and ours; it may even have ended since: look again.
            if "one_running_sync_a_seller" not in str(error):
                raise


def start_sync_for_staff(*, seller: Seller, actor: str, reason: str) -> tuple[SyncRun, bool]:
    """Start a sync on behalf of staff and leave an audit row."""
    with transaction.atomic():
        sync, is_new = start_sync(seller=seller, trigger="admin")
        Audit.objects.create(actor=actor, action="start sync", subject=f"seller {seller.pk}", reason=reason)
    return sync, is_new


def sync_priority(*, seller: Seller, trigger: str) -> Priority:
    """Decide how urgent a sync's jobs are: premium sellers first; what nobody waits for gives way to what was asked."""
    is_premium = seller.plan == Seller.Plan.PREMIUM
    if trigger == "schedule":
        return Priority.NORMAL if is_premium else Priority.LOW
    return Priority.HIGH if is_premium else Priority.NORMAL


def _new_sync(seller: Seller, *, trigger: str, given: Given | None) -> SyncRun:
    sync = SyncRun.objects.create(
        seller=seller,
        origin=given.origin if given else SyncRun.Origin.CATALOG,
        keeps_others=given is not None and given.keeps_others,
        catalog_address="" if given else seller.catalog_address,
        trigger=trigger,
    )
    priority = sync_priority(seller=seller, trigger=trigger)
    open_group(
        sync.group,
        tenant=seller.tenant,
        then=NewJob("finish-sync", {"sync": sync.pk}, tenant=seller.tenant, priority=priority, group=""),
    )
    enqueue(
        NewJob(
            "sync-seller",
            {
                "sync": sync.pk,
                "seller": seller.pk,
                "address": sync.catalog_address,
                **(given.payload if given else {}),
            },
            tenant=seller.tenant,
            priority=priority,
            key=f"{sync.pk}:{seller.pk}",
            group=sync.group,
            meta={"source": trigger},
        )
    )
    return sync


def _share_final(states: Mapping[str, int]) -> float | None:
    total = sum(states.values())
    return round(100 * sum(states.get(state, 0) for state in FINAL_STATES) / total, 1) if total else None


def progress(sync: SyncRun) -> Progress:
    """Tell how far a sync is: live figures while it runs, the stored ones after it ended."""
    products = dict.fromkeys(("live", "rejected", "flagged", "dead", "gone", "pending"), 0)
    if sync.status == SyncRun.Status.RUNNING:
        products |= dict(
            Product.objects.filter(last_sync=sync).order_by().values_list("status").annotate(count=Count("pk"))
        )
        return Progress(
            found=sum(products.values()),
            products=products,
            stages=group_counts(sync.group),
            retries=group_retries(sync.group),
        )
    products |= {status: sync.outcome[status] for status in products if status in sync.outcome}
    return Progress(
        found=sync.outcome.get("found", sync.found),
        products=products,
        stages=sync.stages,
        retries=sync.outcome["retries"] if "retries" in sync.outcome else group_retries(sync.group),
    )
