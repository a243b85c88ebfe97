"""Quality control with the loopback Gemini as its reviewer."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.ledger import enqueue_many
from jobs.models import Gate, Job, Worker
from jobs.session import Session
from marketplace.models import Picture, Product, Seller
from tests.fakes.gemini import GeminiApi
from tests.qc.reviewer.reading import careful, mind

QUEUE = "quality-control"
Make = Callable[..., Product]
Control = Callable[..., None]


@pytest.fixture
def seller(db: None) -> Seller:
    return Seller.objects.create(name="Harbour Lane")


@pytest.fixture
def reviewer(gemini_api: GeminiApi, settings: Any) -> GeminiApi:
    """Gemini as the reviewer, who knows a few words, and has seen nothing yet."""
    settings.QC_REVIEWER = "gemini"
    cache.clear()
    gemini_api.think = mind(careful)
    return gemini_api


@pytest.fixture
def make(seller: Seller) -> Make:
    def product(title: str, *, of: Seller = seller, **fields: Any) -> Product:
        values = {"price": Decimal(20), "currency": "EUR", "external_id": f"x:{Product.objects.count()}"}
        made = Product.objects.create(seller=of, title=title, **values | fields)
        Picture.objects.create(product=made, status="ready", width_px=500, height_px=500, sha256=f"{made.pk:064x}")
        return made

    return product


@pytest.fixture
def worker(db: None) -> Session:
    opened = Session(name="test-worker", queues=[])
    opened.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=[]).pk
    return opened


@pytest.fixture
def control(worker: Session) -> Control:
    def run(*products: Product, occasion: str = "1") -> None:
        """Send products through quality control, with all that waits for anything being due at once."""
        enqueue(products, occasion=occasion)
        finish(worker)

    return run


def enqueue(products: Sequence[Product], *, occasion: str = "1") -> None:
    """Have products judged; equal occasions are one."""
    enqueue_many(
        [
            NewJob(QUEUE, {"sync": 7, "product": it.pk}, tenant=str(it.seller_id), key=f"{it.pk}:{occasion}")
            for it in products
        ]
    )


def finish(worker: Session) -> None:
    """Run the queue until nothing is left of it, whatever it waits for."""
    for _ in range(60):
        while run_once(QUEUE, session=worker, limit=64):
            pass
        waiting = Job.objects.filter(queue=QUEUE, state__in=("scheduled", "gated"))
        if not waiting.exists():
            return
        Gate.objects.update(closed_until=None, tokens=64)
        waiting.filter(state="scheduled").update(state="pending")
        pass_gates()
    raise AssertionError("quality control does not come to an end")


def state(product: Product) -> tuple[str, list[str]]:
    """Return a product's status, and the codes of its reasons, the rules' advice left out."""
    product.refresh_from_db()
    codes = [it["code"] for it in product.reasons if it["severity"] != "advise" or it["code"].startswith("review.")]
    return product.status, codes
