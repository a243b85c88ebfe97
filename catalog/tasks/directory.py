"""The vectors of the business directory."""

from collections.abc import Sequence

from django.utils import timezone

from catalog.directory.embedder import directory_embedder
from catalog.directory.embedding import (
    BusinessNotFound,
    Embedded,
    Outcome,
    embed_wanted,
    mark_failed,
    store_embedded,
    wanted_vectors,
)
from catalog.directory.staleness import refresh_directory as refresh
from catalog.embedders.contract import DIMENSIONS, Embedder
from catalog.embedding_pace import at_pace
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.errors import JobError
from jobs.registry import task
from jobs.retry import REMOTE_API
from marketplace.directory import Occasion
from marketplace.gemini.errors import GeminiBadRequest

_LINES = {
    Outcome.EMBEDDED: "the business has the vector of its text",
    Outcome.DUPLICATE: "duplicate: the business had the vector of its text already",
    Outcome.NOT_NEEDED: "not needed: the text has changed too little since it was embedded",
}


def tell_businesses(given_up: Sequence[GivenUp]) -> None:
    """Show at the businesses why they have no vector."""
    mark_failed({job.payload["businessId"]: (job.error_code, job.error_message) for job in given_up})


@task(
    queue="generate-business-embedding",
    batch_size=64,
    timeout_s=240,
    attempts=3,
    retry=REMOTE_API,
    subject=["businessId"],
    keep_completed=1_000,
    keep_failed=1_000,
    on_give_up=tell_businesses,
)
def generate_business_embedding(batch: Batch) -> None:
    """Store one vector per business, of one call for all; a second run answers `duplicate` and changes nothing."""
    embedder = directory_embedder()
    embedded = wanted_vectors({job.payload["businessId"] for job in batch}, embedder=embedder)
    for job in batch:
        if job.payload["businessId"] not in embedded.wanted:
            batch.fail(job, BusinessNotFound(job.payload["businessId"]))
    has_vector = [job for job in batch.open_jobs if not embedded.wanted[job.payload["businessId"]].is_to_embed]
    _complete(batch, has_vector, embedded)
    if batch.open_jobs:
        try:
            at_pace(batch, lambda: _embed(batch, embedded, embedder), embedder=embedder)
        except JobError as error:  # it is not the fault of those that have their vector
            for job in batch.open_jobs:
                batch.fail(job, error)
    batch.on_settle(
        lambda jobs: store_embedded(embedded, jobs={job.payload["businessId"]: job.id for job in by_id(jobs)})
    )


def _embed(batch: Batch, embedded: Embedded, embedder: Embedder) -> None:
    jobs = batch.open_jobs
    try:
        embed_wanted(embedded, embedder=embedder)
    except GeminiBadRequest:
        if len(jobs) == 1:
            raise
        batch.isolate(jobs)  # the one whose text is to blame fails alone
        return
    _complete(batch, jobs, embedded)


def by_id(jobs: Sequence[ClaimedJob]) -> list[ClaimedJob]:
    """Return the jobs, the newest last."""
    return sorted(jobs, key=lambda job: job.id)


def _complete(batch: Batch, jobs: Sequence[ClaimedJob], embedded: Embedded) -> None:
    """Answer what became of each business; of two jobs for one business the second is a duplicate."""
    seen: set[int] = set()
    for job in by_id(jobs):
        business_id = job.payload["businessId"]
        wanted = embedded.wanted[business_id]
        outcome = Outcome.DUPLICATE if business_id in seen else wanted.outcome
        seen.add(business_id)
        batch.log(job, f"{_LINES[outcome]} ({embedded.fingerprint}, {DIMENSIONS} dimensions)")
        result = {"status": outcome, "fingerprint": embedded.fingerprint, "dimensions": DIMENSIONS}
        batch.complete(job, result=result)


@task(queue="generate-business-embedding", batch_size=64, attempts=3)
def refresh_directory(batch: Batch) -> None:
    """Ask for the vectors that businesses lack: of a change of the embedder, or of before there was a directory."""
    for job in batch:
        occasion = Occasion("bulk", by="schedule", source="cron")
        queued = refresh(fingerprint=directory_embedder().fingerprint, occasion=occasion, now=timezone.now())
        batch.complete(job, result={"queued": queued})
