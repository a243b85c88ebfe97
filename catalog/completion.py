"""The end of a sync: what vanished is taken down, what the index shows wrongly is repaired, figures are written."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from catalog.embedders.contract import Embedder
from catalog.feed_imports import end_imports
from catalog.indexes.flushing import make_fast
from catalog.indexes.identity import identity_of
from catalog.indexing import stale_products
from catalog.listings import file_by_breadcrumbs, is_cut_short
from catalog.milvus import patiently
from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.models import FINAL_STATES, Job, Priority, State
from jobs.stats import group_counts, group_retries
from marketplace.models import Category, Product, ProductCategory, SyncRun
from marketplace.notifications.telling import Kind, tell

DISCOVERY = ("sync-seller", "scrape-catalog")
NOT_DISCOVERED = "catalog.not_discovered"


@dataclass(frozen=True, slots=True)
class SyncEnd:
    """What was found out before a sync is ended, outside its transaction."""

    sync_id: int
    stale: Collection[int]


def prepare_end(sync_id: int, *, embedder: Embedder) -> SyncEnd:
    """Make what the sync wrote fast to search, and compare what the index shows with what is live.

    Raises:
        IndexUnavailable: the index is away for longer than 30 s.
    """
    seller_id = SyncRun.objects.values_list("seller_id", flat=True).get(pk=sync_id)
    identity = identity_of(embedder)

    def prepare() -> list[int]:
        make_fast(identity["fingerprint"], identity["picture_fingerprint"])
        return stale_products(seller_id, embedder=embedder)

    return SyncEnd(sync_id=sync_id, stale=patiently(prepare))


def end_sync(end: SyncEnd, *, priority: Priority) -> None:
    """Write the sync's end, once: a sync that has ended already stays as it is.

    Only a catalog that was read to its end says that a product is gone.
    """
    sync = SyncRun.objects.select_for_update().get(pk=end.sync_id)
    if sync.status != SyncRun.Status.RUNNING:
        return
    stages = group_counts(sync.group)
    gone: list[int] = []
    filed: list[int] = []
    if _is_discovered(stages):
        filed = file_by_breadcrumbs(sync)
        if not is_cut_short(sync):
            gone = _take_down(sync)
            _unlink(sync)
        sync.status = SyncRun.Status.FINISHED
    else:
        sync.status = SyncRun.Status.FAILED
        sync.error_code, sync.error_message = _discovery_error(sync)
    _repair({*gone, *filed, *end.stale}, sync=sync, priority=priority)
    sync.stages = stages
    sync.gone = len(gone)
    sync.outcome = {**_outcome(sync), "gone": len(gone), "retries": group_retries(sync.group)}
    sync.found = sync.outcome["found"]
    sync.finished_at = timezone.now()
    sync.save()
    end_imports(sync)
    _tell_seller(sync)


def _tell_seller(sync: SyncRun) -> None:
    """Tell the seller how the sync ended."""
    if sync.status == SyncRun.Status.FAILED:
        facts = {"sync": sync.pk, "error_code": sync.error_code, "error_message": sync.error_message}
        tell(Kind.SYNC_FAILED, seller_id=sync.seller_id, facts=facts)
    else:
        facts = {"sync": sync.pk, "origin": sync.origin, **sync.outcome}
        tell(Kind.SYNC_FINISHED, seller_id=sync.seller_id, facts=facts)


def _is_discovered(stages: dict[str, dict[str, int]]) -> bool:
    """Tell whether every job that reads the catalog's lists was completed."""
    read = {task: stages.get(task, {}) for task in DISCOVERY}
    return all(states and set(states) == {State.COMPLETED} for states in read.values())


def _of_same_origin(sync: SyncRun) -> Q:
    """Select products that a sync of this origin saw last; those that none is known to have seen are the catalog's."""
    seen = Q(last_sync__origin=sync.origin)
    return seen | Q(last_sync=None) if sync.origin == SyncRun.Origin.CATALOG else seen


def _take_down(sync: SyncRun) -> list[int]:
    """Set the seller's products gone that this sync did not find, and should have; return those."""
    if sync.keeps_others:
        return []
    known = Product.objects.filter(_of_same_origin(sync), seller=sync.seller_id)
    missed = known.exclude(status=Product.Status.GONE)
    locked = missed.exclude(last_sync=sync).order_by("pk").select_for_update(of=("self",))
    gone = list(locked.values_list("pk", flat=True))
    Product.objects.filter(pk__in=gone).update(status=Product.Status.GONE, reasons=[], updated_at=timezone.now())
    return gone


def _unlink(sync: SyncRun) -> None:
    """Take products out of the categories in which this sync did not find them, but should have."""
    read = Q(last_sync=sync) if sync.keeps_others else _of_same_origin(sync)
    products = Product.objects.filter(read, seller=sync.seller_id)
    links = ProductCategory.objects.filter(product__in=products.order_by().values("pk"))
    links.exclude(sync_id=sync.pk).delete()
    Category.objects.filter(seller=sync.seller_id, products=None, children=None).delete()


def _repair(product_ids: Collection[int], *, sync: SyncRun, priority: Priority) -> None:
    """Have the index brought in line. These jobs belong to no group: the sync has ended."""
    enqueue_many(
        [
            NewJob(
                "index-product",
                {"sync": sync.pk, "product": product_id, "repair": True},
                tenant=str(sync.seller_id),
                priority=priority,
                key=f"{sync.pk}:{product_id}:repair",
                group="",
            )
            for product_id in sorted(product_ids)
        ]
    )


def _outcome(sync: SyncRun) -> dict[str, int]:
    """Count the products that this sync found, by status."""
    counts = dict.fromkeys(("live", "rejected", "flagged", "dead", "pending"), 0)
    found = Product.objects.filter(last_sync=sync).order_by()
    counts |= dict(found.values_list("status").annotate(products=Count("pk")))
    return {"found": sum(counts.values()), **counts}


def _discovery_error(sync: SyncRun) -> tuple[str, str]:
    """Return code and message of the first job of the discovery that was not completed."""
    unfinished = Job.objects.filter(grp=sync.group, task__in=DISCOVERY, state__in=FINAL_STATES)
    first = unfinished.exclude(state=State.COMPLETED).order_by("pk").first()
    if first is None:
        return NOT_DISCOVERED, "The catalog's lists were never read."
    return (first.error_code or NOT_DISCOVERED, first.error_message or f"{first.task} was {first.state}.")
