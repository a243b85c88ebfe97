"""A small feed of lamps, sent and read without the stages that follow."""

from collections import Counter
from typing import Any

from catalog.feed_imports import import_file
from catalog.feeds.models import FeedImport
from jobs.models import Job
from jobs.session import Session
from marketplace.models import Product, Seller, SyncRun
from tests.catalog.products import drain

HEADER = "id,title,description,price,category,link\n"
LAMPS = (
    HEADER
    + "1,Red lamp,A lamp,19.90 EUR,Home > Lamps,https://shop.example/1\n"
    + "2,Blue lamp,Another lamp,29.90 EUR,Home > Lamps,https://shop.example/2\n"
)


def read_all(session: Session) -> None:
    drain(session, "sync-seller")
    while Job.objects.filter(queue__startswith="scrape-", state__in=["gated", "pending"]).exists():
        Job.objects.filter(state="gated").update(state="pending")
        drain(session, "scrape-catalog", "scrape-product")


def following(sync: SyncRun) -> Counter[str]:
    """Count the jobs of a sync beyond its reading, by task."""
    jobs = Job.objects.filter(grp=sync.group).exclude(task__in=("sync-seller", "scrape-catalog", "scrape-product"))
    return Counter(jobs.values_list("task", flat=True))


def send(seller: Seller, content: str | bytes, *, name: str = "lamps.csv", **options: Any) -> FeedImport:
    body = content.encode() if isinstance(content, str) else content
    return import_file(seller=seller, name=name, chunks=[body], trigger="test", **options)


def statuses() -> dict[str, str]:
    return dict(Product.objects.order_by("pk").values_list("external_id", "status"))
