"""The markup shop, a source that reads it, and a worker that takes every step at once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.utils import timezone

from catalog.models import ScrapingJob
from catalog.robots import forget_rules
from catalog.sources import known
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.models import Job
from jobs.permits import batch_size_of
from jobs.session import Session
from marketplace.models import Seller
from tests.catalog.scraping.markup_shop import MarkupShop, markup_shop
from tests.catalog.scraping.pages_source import PagesSource

QUEUES = ("scraping", "preview")
Run = Callable[[], None]


@pytest.fixture
def shop(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MarkupShop]:
    """The shop, which may be read as fast as it answers, and whose pages Souk knows how to read."""
    others = [source for source in known.SOURCES if source.name != "shop"]  # which would read it too, more slowly
    monkeypatch.setattr(known, "SOURCES", (*others, PagesSource()))
    forget_rules()
    with markup_shop() as served:
        host = served.site.removeprefix("http://")
        settings.FETCH_PRIVATE_HOSTS = [host]
        settings.FETCH_RATES = {host: 10_000.0}
        settings.FETCH_RATE = settings.FETCH_LIST_RATE = 10_000.0
        yield served
    forget_rules()


@pytest.fixture
def seller(db: None, shop: MarkupShop) -> Seller:
    return Seller.objects.create(name="Lamp House", catalog_address=f"{shop.site}/")


@pytest.fixture
def step(session: Session) -> Callable[[], int]:
    """Run what is due of scraping and previews, once; return how many jobs that were."""

    def run() -> int:
        pass_gates()
        return sum(run_once(queue, session=session, limit=batch_size_of(queue)) for queue in QUEUES)

    return run


@pytest.fixture
def work(step: Callable[[], int]) -> Run:
    """Run all jobs of scraping and previews to their end, however long they are to wait."""

    def run() -> None:
        jobs = Job.objects.filter(queue__in=QUEUES)
        while jobs.filter(state__in=["gated", "pending", "scheduled"]).exists():
            jobs.filter(state="scheduled").update(state="pending", run_at=timezone.now())
            step()

    return run


@pytest.fixture(autouse=True)
def full_buckets() -> Iterator[None]:
    """Forget what earlier tests took out of the token buckets."""
    with redis.Redis.from_url(django_settings.CACHE_URL) as client:
        for key in client.scan_iter("souk:rate:*"):
            client.delete(key)
    yield


def fresh(row: ScrapingJob) -> ScrapingJob:
    """Return the row as it is now."""
    return ScrapingJob.objects.get(pk=row.pk)
