"""The milestones on a product's way out of its shop, each told three ways: a log line, an event, and a count a minute.

All three are of one batch or one list, never of one product, and of the transaction that passed the milestone: what is
rolled back was not told.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Now

from catalog.models import MilestoneMinute
from catalog.sources.source import Listing, ListPage
from jobs.batch import ClaimedJob, GivenUp
from jobs.events import publish, topic_of_tenant

logger = logging.getLogger(__name__)

WINDOW_MINUTES = 5
KEPT = timedelta(days=7)
AnyJob = TypeVar("AnyJob", ClaimedJob, GivenUp)

_COUNT = """
INSERT INTO catalog_milestoneminute AS known (minute, milestone, worker_id, times, items, problems)
VALUES (date_trunc('minute', clock_timestamp()), %s, %s, 1, %s, %s)
ON CONFLICT (minute, milestone, worker_id) DO UPDATE
   SET times = known.times + 1, items = known.items + excluded.items, problems = known.problems + excluded.problems
"""


class Milestone(StrEnum):
    """What a catalog's reading passes, in this order."""

    DISCOVERY = "discovery"  # what the site is, and which source reads it
    SELECTION = "selection"  # which of its categories and lists are read
    URL_DISCOVERY = "url_discovery"  # a list was read: products by their addresses
    QUEUING = "queuing"  # jobs were enqueued for them
    EXTRACTION = "extraction"  # pages were read
    PERSISTENCE = "persistence"  # what they say was stored


def tell(
    milestone: Milestone, *, tenant: str, worker_id: int = 0, items: int = 0, problems: int = 0, **facts: Any
) -> None:
    """Tell that a milestone was passed, in the caller's transaction.

    Args:
        milestone: which.
        tenant: whose catalog it is.
        worker_id: who passed it, so that workers do not wait for each other.
        items: how many things passed: sites, lists, products, jobs, pages.
        problems: how many did not.
        facts: what else the log line and the event say: ids, counts, addresses.
    """
    told = {"items": items, "problems": problems, **facts}
    logger.info("catalog milestone", extra={"milestone": str(milestone), "tenant": tenant, **told})
    if tenant:
        publish(topic_of_tenant(tenant), f"catalog.{milestone}", told)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [milestone.value, worker_id, items, problems])


def tell_of_list(job: ClaimedJob, page: ListPage, listing: Listing, *, fresh: int, unread: int) -> None:
    """Tell what a list showed and what was enqueued for it; of a sync's first page also what the site is.

    Args:
        job: the one that read it.
        page: the list.
        listing: what it shows.
        fresh: products that the sync had not seen before.
        unread: those of them whose pages are to be read.
    """
    to_whom: dict[str, Any] = {"tenant": job.tenant, "worker_id": job.worker_id}
    facts = {"sync": job.payload["sync"], "address": page.address}
    lists = len(listing.lists)
    if not page.source:  # nobody knew what reads the address
        tell(Milestone.DISCOVERY, **to_whom, **facts, items=1, source=_source_of(listing))
        tell(Milestone.SELECTION, **to_whom, **facts, items=max(1, lists))
    problems = sum(listing.skipped.values())
    tell(Milestone.URL_DISCOVERY, **to_whom, **facts, items=len(listing.products), problems=problems, fresh=fresh)
    tell(Milestone.QUEUING, **to_whom, **facts, items=fresh + lists, pages=unread, lists=lists)


def tell_of_pages(jobs: Sequence[ClaimedJob], *, stored: Collection[int]) -> None:
    """Tell that products' pages were read, and which of them said something that was stored."""
    for (tenant, sync), its in _by_sync(jobs).items():
        to_whom: dict[str, Any] = {"tenant": tenant, "worker_id": its[0].worker_id, "sync": sync}
        tell(Milestone.EXTRACTION, **to_whom, items=len(its))
        tell(Milestone.PERSISTENCE, **to_whom, items=sum(job.payload["product"] in stored for job in its))


def tell_of_lost_pages(given_up: Sequence[GivenUp]) -> None:
    """Tell of products' pages that could not be read, and why."""
    for (tenant, sync), its in _by_sync(given_up).items():
        codes = dict(Counter(job.error_code for job in its))
        tell(Milestone.EXTRACTION, tenant=tenant, problems=len(its), sync=sync, codes=codes)


def _by_sync(jobs: Sequence[AnyJob]) -> dict[tuple[str, int], list[AnyJob]]:
    found: dict[tuple[str, int], list[AnyJob]] = {}
    for job in jobs:
        found.setdefault((job.tenant, job.payload["sync"]), []).append(job)
    return found


def _source_of(listing: Listing) -> str:
    if listing.lists:
        return listing.lists[0].source
    return listing.products[0].external_id.partition(":")[0] if listing.products else ""


def recent_figures() -> dict[str, Any]:
    """Return what passed each milestone in the last five minutes; those that nothing passed are there as zeros."""
    recent = (
        MilestoneMinute.objects.filter(minute__gte=Now() - timedelta(minutes=WINDOW_MINUTES))
        .values_list("milestone")
        .annotate(times=Sum("times"), items=Sum("items"), problems=Sum("problems"))
        .order_by()
    )
    figures = {str(milestone): {"times": 0, "items": 0, "problems": 0} for milestone in Milestone}
    for name, times, items, problems in recent:
        figures[name] = {"times": times, "items": items, "problems": problems}
    return {
        "window_minutes": WINDOW_MINUTES,
        "milestones": {
            name: {**row, "items_per_min": round(row["items"] / WINDOW_MINUTES, 1)} for name, row in figures.items()
        },
    }


def sweep_minutes() -> int:
    """Delete the counts of minutes that are over for long; return how many rows that were."""
    return MilestoneMinute.objects.filter(minute__lt=Now() - KEPT).delete()[0]
