"""The last stages: showing products to buyers, and ending a sync."""

from collections.abc import Sequence

from catalog.completion import SyncEnd, end_sync, prepare_end
from catalog.embedders.current import current_embedder
from catalog.indexing import Purpose, mark_live, write_products
from catalog.milvus import connect
from catalog.setbacks import bury_products
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.registry import task


def give_up_on_indexing(given_up: Sequence[GivenUp]) -> None:
    """Tell the sellers that their products could not be shown."""
    bury_products(given_up, field="", remedy="Nothing on your side; our staff is told, and the next sync tries again.")


@task(
    queue="index-product",
    batch_size=256,
    attempts=5,
    subject=["product"],
    on_give_up=give_up_on_indexing,
    warm_up=connect,
)
def index_product(batch: Batch) -> None:
    """Show approved products to buyers and take all others off the index; a second run changes nothing.

    A job with `repair` in its payload leaves products alone that are on their way.
    """
    shown: set[int] = set()
    for purpose in (Purpose.SHOW, Purpose.REPAIR):
        wanted = {job.payload["product"] for job in batch if _purpose(job) is purpose}
        if wanted:
            shown |= write_products(wanted, purpose=purpose, embedder=current_embedder()).shown
    for job in batch:
        batch.complete(job, result={"is_shown": job.payload["product"] in shown})

    def store(jobs: Sequence[ClaimedJob]) -> None:
        mark_live({job.payload["product"] for job in jobs} & shown)

    batch.on_settle(store)


def _purpose(job: ClaimedJob) -> Purpose:
    return Purpose.REPAIR if job.payload.get("repair") else Purpose.SHOW


@task(queue="index-product", batch_size=256, attempts=5, warm_up=connect)
def finish_sync(batch: Batch) -> None:
    """End a sync whose jobs are all final: take down what is gone, and write its figures; once only."""
    ends: dict[int, SyncEnd] = {}
    for job in batch:
        ends[job.id] = prepare_end(job.payload["sync"], embedder=current_embedder())
        batch.complete(job)

    def store(jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            end_sync(ends[job.id], priority=job.priority)

    batch.on_settle(store)
