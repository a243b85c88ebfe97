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
from catalog.embedders.contract import DIMENSIONS
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.errors import JobError
from jobs.gates import close_gate
from jobs.registry import task
from jobs.retry import REMOTE_API
from marketplace.directory import GEMINI_GATE, Occasion
from marketplace.gemini.errors import GeminiBadRequest, GeminiPaced

GATE_S = 60.0
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
    try:
        embedded = embed_wanted(embedded, embedder=embedder)
    except JobError as error:
        wanted = embedded.wanted
        _put_off(batch, [job for job in batch.open_jobs if wanted[job.payload["businessId"]].is_to_embed], error)
    _complete(batch, embedded)
    batch.on_settle(
        lambda jobs: store_embedded(embedded, jobs={job.payload["businessId"]: job.id for job in by_id(jobs)})
    )


def _put_off(batch: Batch, jobs: Sequence[ClaimedJob], error: JobError) -> None:
    """Fail the jobs, but for two cases that are not theirs.

    The minute's calls are made: they wait behind the gate, as long as it takes, and no attempt is spent. One text of
    several cannot be taken: they go back to run alone, and the guilty one fails alone.
    """
    if isinstance(error, GeminiBadRequest) and len(jobs) > 1:
        batch.isolate(jobs)
        return
    can_wait = isinstance(error, GeminiPaced)
    if isinstance(error, GeminiPaced):
        close_gate(GEMINI_GATE, for_s=error.retry_after_s or GATE_S)
    for job in jobs:
        if can_wait and job.gate:
            batch.hold(job)
        else:
            batch.fail(job, error)


def by_id(jobs: Sequence[ClaimedJob]) -> list[ClaimedJob]:
    """Return the jobs, the newest last."""
    return sorted(jobs, key=lambda job: job.id)


def _complete(batch: Batch, embedded: Embedded) -> None:
    """Answer what became of each business; of two jobs for one business the second is a duplicate."""
    seen: set[int] = set()
    for job in by_id(batch.open_jobs):
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
