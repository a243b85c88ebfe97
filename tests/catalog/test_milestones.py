"""The milestones of a sync: a log line, an event and a count each."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.listings import record_listing
from catalog.milestones import Milestone, recent_figures, sweep_minutes, tell, tell_of_lost_pages, tell_of_pages
from catalog.models import MilestoneMinute
from catalog.sources.source import ListedProduct, Listing, ListPage
from catalog.tasks.scraping import SITE
from jobs.batch import ClaimedJob, GivenUp
from jobs.models import JobEvent, Priority
from jobs.stats import queue_stats
from tests.catalog.products import make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db


def claimed(payload: dict[str, Any], tenant: str) -> ClaimedJob:
    return ClaimedJob(
        id=1, task="scrape-catalog", tenant=tenant, priority=Priority.NORMAL, attempt=1, max_attempts=3, waits=0,
        lease=1, group=None, gate=None, key=None, payload=payload, meta={}, claimed_at=timezone.now(), wait_s=0,
        is_suspect=False, worker_id=7,
    )  # fmt: skip


def figures() -> dict[str, tuple[int, int]]:
    return {name: (it["items"], it["problems"]) for name, it in recent_figures()["milestones"].items()}


def test_a_milestone_is_a_log_line_an_event_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "catalog.milestones")
    for items in (3, 4):
        tell(Milestone.EXTRACTION, tenant="7", worker_id=2, items=items, problems=1, sync=5)

    assert [(it.milestone, it.tenant, it.items, it.sync) for it in caplog.records] == [
        ("extraction", "7", 3, 5),
        ("extraction", "7", 4, 5),
    ]
    events = JobEvent.objects.order_by("pk").values_list("topic", "kind", "body")
    assert events[0] == ("tenant:7", "catalog.extraction", {"items": 3, "problems": 1, "sync": 5})
    assert MilestoneMinute.objects.get().times == 2
    assert figures()["extraction"] == (7, 2)
    assert queue_stats()["catalog"]["milestones"]["extraction"] == {
        "times": 2, "items": 7, "problems": 2, "items_per_min": 1.4,
    }  # fmt: skip


def test_reading_a_site_s_first_list_passes_the_first_four() -> None:
    sync = make_sync(make_seller())
    page = ListPage("", sync.catalog_address, kind=SITE)
    products = [ListedProduct(f"shop:{n}", f"https://shop.example/p/{n}") for n in range(3)]
    lists = [ListPage("shop", "https://shop.example/lamps")]
    job = claimed({"sync": sync.pk}, sync.seller.tenant)
    record_listing(job, page, Listing(page.address, products, lists, skipped={"foreign": 2}))

    assert figures() == {
        "discovery": (1, 0),
        "selection": (1, 0),
        "url_discovery": (3, 2),
        "queuing": (4, 0),
        "extraction": (0, 0),
        "persistence": (0, 0),
    }
    rows = JobEvent.objects.filter(topic=f"tenant:{sync.seller_id}")
    told: dict[str, Any] = dict(rows.values_list("kind", "body"))
    assert told["catalog.discovery"]["source"] == "shop"
    assert (told["catalog.queuing"]["pages"], told["catalog.queuing"]["lists"]) == (3, 1)


def test_pages_are_told_by_seller_and_sync() -> None:
    one, other = (make_sync(make_seller(name)) for name in ("One", "Other"))
    jobs = [
        claimed({"sync": sync.pk, "product": make_product(sync, "Lamp").pk}, sync.seller.tenant)
        for sync in (one, one, other)
    ]
    tell_of_pages(jobs, stored={jobs[0].payload["product"], jobs[2].payload["product"]})
    lost = GivenUp(
        9, "scrape-product", one.seller.tenant, None, jobs[0].payload, "dead", "catalog.site_timeout", "slow"
    )
    tell_of_lost_pages([lost, lost])

    assert (figures()["extraction"], figures()["persistence"]) == ((3, 2), (2, 0))
    bodies: list[Any] = list(
        JobEvent.objects.filter(kind="catalog.extraction").order_by("pk").values_list("topic", "body")
    )
    assert [(topic, body["items"]) for topic, body in bodies] == [
        (f"tenant:{one.seller_id}", 2),
        (f"tenant:{other.seller_id}", 1),
        (f"tenant:{one.seller_id}", 0),
    ]
    assert bodies[-1][1]["codes"] == {"catalog.site_timeout": 2}


def test_old_minutes_are_swept() -> None:
    now = timezone.now()
    for age_days in (1, 8):
        MilestoneMinute.objects.create(minute=now - timedelta(days=age_days), milestone="queuing")
    assert sweep_minutes() == 1
    assert sweep_minutes() == 0
