"""A shop with moods, products whose pages are to be read, and a clock that jumps to where something happens."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from catalog.browser import close_process_browser
from catalog.fetching import FetchSession
from catalog.politeness.domains import set_paces
from catalog.politeness.gates import gate_of, list_gate_of
from catalog.politeness.models import Domain
from catalog.robots import forget_rules
from catalog.sources.source import ListPage
from jobs.batch import NewJob
from jobs.dispatch import release_scheduled
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.ledger import enqueue_many
from jobs.models import Gate, Job
from jobs.permits import batch_size_of
from jobs.session import Session
from marketplace.models import Product, SyncRun
from tests.marketplace.factories import make_product, make_seller, make_sync
from tests.shops.fault_shop import SHOP_DIGITS, FaultShop, fault_shop, product_address

QUEUES = ("scrape-catalog", "scrape-product", "process-images")
LIVE = ("scheduled", "gated", "pending")


class Day:
    """A shop's day: jobs that read it, through the real gates and tasks, by a clock that jumps."""

    def __init__(self, shop: FaultShop, session: Session, sync: SyncRun) -> None:
        self.shop = shop
        self.sync = sync
        self._session = session

    @property
    def domain(self) -> Domain:
        return Domain.objects.get(host=self.shop.host)

    def story(self) -> list[str]:
        """The kinds of the domain's events, the oldest first."""
        return list(self.domain.events.order_by("id").values_list("kind", flat=True))

    def enqueue(self, count: int) -> list[Product]:
        """Enqueue the reading of so many products."""
        first = Product.objects.count()
        products = [
            make_product(
                self.sync.seller,
                external_id=f"whatsapp:{number}",
                address=product_address(self.shop, number),
                status=Product.Status.PENDING,
                last_sync=self.sync,
            )
            for number in range(first, first + count)
        ]
        set_paces(product.address for product in products)
        enqueue_many(
            [
                NewJob(
                    "scrape-product",
                    {"sync": self.sync.pk, "product": product.pk},
                    tenant=self.sync.seller.tenant,
                    gates=[gate_of(product.address)],
                )
                for product in products
            ]
        )
        return products

    def enqueue_list(self) -> None:
        """Enqueue the reading of the shop's only list, by the browser."""
        address = f"{self.shop.address}/c/{SHOP_DIGITS}"
        set_paces([address], with_lists=True)
        payload = {"sync": self.sync.pk, **asdict(ListPage("whatsapp", address))}
        gates = [gate_of(address), list_gate_of(address)]
        enqueue_many([NewJob("scrape-catalog", payload, tenant=self.sync.seller.tenant, gates=gates)])

    def skip(self, seconds: float) -> None:
        """Let so much time go by, for the shop, the gates and the jobs alike."""
        step = timedelta(seconds=seconds)
        self.shop.skipped_s += seconds
        Domain.objects.update(retry_at=F("retry_at") - step, updated_at=F("updated_at") - step)
        Gate.objects.update(closed_until=F("closed_until") - step, refilled_at=F("refilled_at") - step)
        Job.objects.filter(state__in=LIVE).update(run_at=F("run_at") - step)

    def run(self, *queues: str, until_s: float = float("inf")) -> None:
        """Run the queues dry, or up to a time of the shop's clock."""
        queues = queues or ("scrape-product",)
        while self.shop.now_s < until_s:
            release_scheduled()
            pass_gates()
            if sum(run_once(queue, session=self._session, limit=batch_size_of(queue)) for queue in queues):
                continue
            wait_s = self._next_s(queues)
            if wait_s is None:
                return
            self.skip(min(wait_s, max(0.0, until_s - self.shop.now_s)) + 0.001)

    def states(self, task: str = "scrape-product") -> dict[str, int]:
        """Count the task's jobs by state."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT state, count(*) FROM jobs_job WHERE task = %s GROUP BY state", [task])
            return dict(cursor.fetchall())

    def _next_s(self, queues: tuple[str, ...]) -> float | None:
        """Return the seconds until something can happen; None when nothing is left to do."""
        now = timezone.now()
        times = list(Job.objects.filter(queue__in=queues, state="scheduled").values_list("run_at", flat=True))
        gates = Job.objects.filter(queue__in=queues, state="gated").values_list("gate", flat=True).distinct()
        for keys in gates:
            found = list(Gate.objects.filter(key__in=keys.split()))
            waits = [(gate.closed_until - now).total_seconds() for gate in found if gate.closed_until]
            waits += [(1 - gate.tokens) / gate.rate_per_s for gate in found if gate.rate_per_s]
            times.append(now + timedelta(seconds=max(0.05, *waits)))
        return max(0.0, (min(times) - now).total_seconds()) if times else None


@pytest.fixture
def day(session: Session, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Day]]:
    """Return a function that opens a shop with a schedule of moods."""
    forget_rules()
    defaults = FetchSession.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout_s", 1.0)  # a busy machine may keep a shop that is well from answering sooner
    with ExitStack() as stack:

        def open_shop(**fields: Any) -> Day:
            shop = stack.enter_context(fault_shop(**fields))
            settings.FETCH_PRIVATE_HOSTS = settings.WHATSAPP_HOSTS = [shop.host]
            return Day(shop, session, make_sync(make_seller()))

        yield open_shop
    close_process_browser()
