"""The stage of embeddings."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.embedders.contract import Embedder
from catalog.embedders.current import current_embedder
from catalog.embedders.current import warm_up as load_embedder
from catalog.embedding import embed_products, store_embeddings
from catalog.embedding_pace import at_pace
from catalog.milvus import connect
from catalog.occasions import occasion_of, payload_of_next
from catalog.setbacks import bury_products, revive_products
from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.registry import task
from jobs.retry import REMOTE_API, RetryPolicy
from marketplace.gemini.errors import GeminiBadRequest


def give_up_on_embedding(given_up: Sequence[GivenUp]) -> None:
    """Tell the sellers that their products could not be made searchable."""
    bury_products(given_up, field="", remedy="Nothing on your side; our staff is told, and the next sync tries again.")


def warm_up() -> None:
    """Connect to the index, and load the embedder's model where it has one."""
    connect()
    load_embedder()


@task(
    queue="generate-embedding",
    batch_size=64,
    attempts=5,
    retry=RetryPolicy(by_code={"gemini": replace(REMOTE_API.curve, attempts=3)}),
    subject=["product"],
    keep_failed=None,
    on_give_up=give_up_on_embedding,
    warm_up=warm_up,
)
def generate_embedding(batch: Batch) -> None:
    """Store one vector per product and prepare its row of the index; a second run changes nothing."""
    embedder = current_embedder()
    at_pace(batch, lambda: _embed(batch, embedder), embedder=embedder)


def _embed(batch: Batch, embedder: Embedder) -> None:
    try:
        embedded = embed_products({job.payload["product"] for job in batch}, embedder=embedder)
    except GeminiBadRequest:
        if len(batch) == 1:
            raise
        batch.isolate(batch.open_jobs)  # the one whose text is to blame fails alone
        return
    for job in batch:
        batch.complete(job, then=[_quality_control(job)])

    def store(jobs: Sequence[ClaimedJob]) -> None:
        wanted = {job.payload["product"] for job in jobs}
        revive_products(wanted)
        store_embeddings(embedded, only=wanted)

    batch.on_settle(store)


def _quality_control(job: ClaimedJob) -> NewJob:
    return NewJob("quality-control", payload_of_next(job.payload), key=occasion_of(job.payload))
