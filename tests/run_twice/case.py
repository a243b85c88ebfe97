"""How a task is run twice: what is arranged for it, and what its first run changes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.embedders.hashing import HashingEmbedder
from catalog.indexing import Purpose, mark_live, write_products
from jobs.batch import NewJob
from marketplace.demo.sample_catalog.products import make_edition
from marketplace.models import Product, SyncRun
from qc.models import Verdict

FINGERPRINT = HashingEmbedder.fingerprint
PRODUCTS = 16
EDITION = make_edition(count=PRODUCTS, seed=1, number=1)
COLLECTIONS = Counter(slug for product in EDITION.products for slug in product.collections)
FIRST = EDITION.products[0].collections[0]


@dataclass(frozen=True, slots=True)
class Shop:
    """The sample catalog, served; and a sync of its seller whose lists have been read."""

    address: str
    sync: SyncRun
    receiver: str  # of webhooks

    @property
    def site(self) -> str:
        return self.address.partition("/c/")[0]

    def job(self, task: str, product: Product, **payload: Any) -> NewJob:
        """Return the job by which a product comes to a stage."""
        payload = {"sync": self.sync.pk, "product": product.pk, **payload}
        key = f"{self.sync.pk}:{product.pk}"
        return NewJob(task, payload, tenant=self.sync.seller.tenant, key=key, group=self.sync.group)


Arrange = Callable[[Shop], Sequence[NewJob]]


@dataclass(frozen=True, slots=True)
class Case:
    """How a task is run twice, and what its first run changes: parts of the snapshot, jobs by task."""

    arrange: Arrange
    changes: frozenset[str]
    follow_ups: Mapping[str, int]


def declare(
    cases: dict[str, Case], task: str, *, changes: set[str], follow_ups: Mapping[str, int] | None = None
) -> Callable[[Arrange], Arrange]:
    """Enter what the decorated function arranges as the case of that task."""

    def enter(arrange: Arrange) -> Arrange:
        cases[task] = Case(arrange, frozenset(changes), follow_ups or {})
        return arrange

    return enter


def show(*products: Product) -> None:
    """Judge the products fit and put them on the index."""
    for product in products:
        judge(product, "approved")
    shown = write_products([it.pk for it in products], purpose=Purpose.SHOW, embedder=HashingEmbedder()).shown
    assert mark_live(shown) == len(products)


def judge(product: Product, decision: str) -> None:
    """Give the product a verdict."""
    Verdict.objects.create(product=product, decision=decision, rule_version="1", input_hash="x")
