"""The care of the search index: making it fast, building another, comparing it with PostgreSQL.

The batch sizes are those of the queues' other tasks: a claim ends before a job that its task has no more room for.
"""

from collections.abc import Sequence

from catalog.embedders.current import current_embedder
from catalog.indexes.flushing import make_fast
from catalog.indexes.identity import identity_of
from catalog.milvus import connect
from catalog.reindexing.building import SLICE_TIMEOUT_S, TASK, advance, fail, next_step_job
from catalog.reindexing.reconciling import reconcile
from catalog.reindexing.sweeping import drop_old_indexes
from jobs.batch import Batch, GivenUp
from jobs.registry import task


@task(queue="index-product", batch_size=256, attempts=5, keep_completed=10, warm_up=connect)
def flush_search_index(batch: Batch) -> None:
    """Make fast to search what was written since the last flush."""
    identity = identity_of(current_embedder())
    make_fast(identity["fingerprint"], identity["picture_fingerprint"])


def give_up_on_building(given_up: Sequence[GivenUp]) -> None:
    """Say of the index in the making why it cannot be made."""
    for job in given_up:
        fail(job.payload["index"], code=job.error_code, message=job.error_message)


@task(
    queue="generate-embedding",
    name=TASK,
    batch_size=64,
    attempts=8,
    timeout_s=SLICE_TIMEOUT_S,
    subject=["index"],
    keep_completed=10,
    on_give_up=give_up_on_building,
)
def build_search_index(batch: Batch) -> None:
    """Do one step of a new index, and enqueue the next until searches go to it; a second run repeats no step."""
    for job in batch:
        progress = advance(job.payload["index"], step=job.payload["step"])
        then = [next_step_job(progress)] if progress.next_step is not None else []
        batch.complete(job, result={"done": progress.done, "total": progress.total, "state": progress.state}, then=then)


@task(queue="index-product", batch_size=256, attempts=3, timeout_s=3600, warm_up=connect)
def reconcile_index(batch: Batch) -> None:
    """Compare the index with PostgreSQL, row by row, and mend what differs."""
    for job in batch:
        batch.complete(job, result=reconcile(current_embedder()).figures)


@task(queue="index-product", batch_size=256, attempts=3, warm_up=connect)
def sweep_search_indexes(batch: Batch) -> None:
    """Take away the collections of indexes that were retired, failed or cancelled more than an hour ago."""
    for job in batch:
        batch.complete(job, result={"dropped": drop_old_indexes()})
