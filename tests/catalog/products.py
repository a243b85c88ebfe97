"""Sellers and products as other stages leave them, for tests of the later stages."""

import io
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Count
from PIL import Image

from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.ledger import enqueue_many
from jobs.models import Job
from jobs.permits import batch_size_of
from jobs.session import Session
from jobs.workflows import open_group
from marketplace.models import Category, Picture, Product, ProductCategory, Seller, SyncRun


def make_seller(name: str = "Harbour Lane") -> Seller:
    return Seller.objects.create(name=name, catalog_address="https://shop.example/catalog")


def make_sync(seller: Seller) -> SyncRun:
    """Start a run with an open group and two discovery jobs that are done, as if the catalog had been read."""
    sync = SyncRun.objects.create(seller=seller, catalog_address=seller.catalog_address)
    Job.objects.bulk_create(
        Job(task=task, queue=task, state="completed", grp=sync.group) for task in ("sync-seller", "scrape-catalog")
    )
    open_group(sync.group, tenant=seller.tenant, then=NewJob("finish-sync", {"sync": sync.pk}, group=""))
    return sync


def make_product(sync: SyncRun, title: str, *, categories: Sequence[str] = (), **fields: Any) -> Product:
    number = Product.objects.count() + 1
    values: dict[str, Any] = {
        "external_id": f"whatsapp:{number}",
        "address": f"https://shop.example/p/{number}",
        "price": Decimal("20.00"),
        "currency": "EUR",
        "last_sync": sync,
        "content_hash": f"{number:064x}",
    }
    product = Product.objects.create(seller=sync.seller, title=title, **values | fields)
    for path in categories:
        name = path.rpartition(" > ")[2]
        category, _ = Category.objects.get_or_create(seller=sync.seller, path=path, defaults={"name": name})
        ProductCategory.objects.create(product=product, category=category)
    return product


def add_picture(product: Product, **fields: Any) -> Picture:
    values = {"status": "ready", "width_px": 1000, "height_px": 1000, "source_address": "https://shop.example/1.jpg"}
    return Picture.objects.create(product=product, **values | fields)


def enqueue_stage(task: str, products: Collection[Product], *, sync: SyncRun, occasion: str = "") -> None:
    enqueue_many(
        [
            NewJob(
                task,
                {"sync": sync.pk, "product": product.pk},
                tenant=sync.seller.tenant,
                key=f"{sync.pk}:{product.pk}{occasion}",
                group=sync.group,
            )
            for product in products
        ]
    )


def drain(session: Session, *queues: str) -> None:
    """Run the jobs that are due in these queues, one queue after the other."""
    for queue in queues:
        while run_once(queue, session=session, limit=batch_size_of(queue)):
            pass


def job_counts() -> dict[str, dict[str, int]]:
    """Count all jobs: {task: {state: jobs}}.

    But for flushes of the index, of which there is one in 10 s, and for what sellers are told, which waits a minute.
    """
    counts: dict[str, dict[str, int]] = {}
    for task, state, jobs in (
        Job.objects.exclude(task__in=["flush-search-index", "notify-seller"])
        .order_by()
        .values_list("task", "state")
        .annotate(jobs=Count("id"))
    ):
        counts.setdefault(task, {})[state] = jobs
    return counts


def picture_bytes(width: int = 600, height: int = 400, *, form: str = "JPEG", seed: int = 1, **options: Any) -> bytes:
    """Draw a picture that compresses like a photograph: coarse blotches."""
    blotches = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    image = Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
