"""The tasks of chaos: each completed job leaves one row in the ledger's database and one key in a second store."""

import os
import time
from collections.abc import Sequence
from functools import cache

import redis

from jobs.batch import Batch, ClaimedJob, Completed, GivenUp, NewJob
from jobs.errors import PermanentError, RateLimitedError, RetryableError
from jobs.registry import task
from tests.chaos.cells import CELLS
from tests.chaos.crash_points import reach
from tests.workload.models import Effect, Execution

STORE_TIMEOUT_S = 30  # no fault touches the store, but the machine may be busy
THINGS, RUNS = "things", "runs"  # the hashes of the store: subject -> job, and job -> runs of its handler


@cache
def store() -> "redis.Redis":
    """Return the connection to the store that no fault touches."""
    return redis.Redis.from_url(os.environ["CHAOS_STORE_URL"], socket_timeout=STORE_TIMEOUT_S)


def _act(batch: Batch) -> None:
    """Do what each payload asks: `do` is ok, retry, wait, fail or follow, after `s` seconds."""
    with store().pipeline(transaction=False) as pipeline:
        for job in batch:
            pipeline.hincrby(RUNS, str(job.id), 1)
        pipeline.execute()
    for job in batch:
        _attempt(batch, job)
    done = {job.payload["subject"]: job.id for job in batch if isinstance(batch.outcomes[job.id], Completed)}
    if done:
        store().hset(THINGS, mapping=done)
    batch.on_settle(_append_effects)


def _attempt(batch: Batch, job: ClaimedJob) -> None:
    payload = job.payload
    time.sleep(payload.get("s", 0))  # stands for work that takes time
    match payload.get("do", "ok"):
        case "retry" if job.attempt < payload["until"]:
            batch.fail(job, RetryableError("not yet"))
        case "wait" if job.waits < payload["until"]:
            batch.fail(job, RateLimitedError("slow down", retry_after_s=0.05))
        case "fail":
            batch.fail(job, PermanentError("never"))
        case "follow":
            batch.complete(job, then=[NewJob("chaos", {"subject": f"after {payload['subject']}"})])
        case _:
            batch.complete(job, result={"subject": payload["subject"]})


def _append_effects(jobs: Sequence[ClaimedJob]) -> None:
    Effect.objects.bulk_create([Effect(subject=job.payload["subject"], job_id=job.id) for job in jobs])


def _append_given_up(jobs: Sequence[GivenUp]) -> None:
    Effect.objects.bulk_create([Effect(subject=f"gave up {job.payload['subject']}", job_id=job.id) for job in jobs])


def _pass_points(batch: Batch) -> None:
    """Pass the crash points of the kill matrix that only a handler sees."""
    Execution.objects.bulk_create([Execution(job_id=job.id, batch_size=len(batch)) for job in batch])
    reach("handling")
    batch.on_settle(_append_effects)
    batch.on_settle(lambda _: reach("settling"))


for _queue, _size in (("chaos", 8), ("chaos-bulk", 64)):
    task(queue=_queue, batch_size=_size, timeout_s=60, backoff_s=0.1, on_give_up=_append_given_up, name=_queue)(_act)
for _queue in (cell.queue for cell in CELLS):
    task(queue=_queue, batch_size=8, timeout_s=60, name=_queue)(_pass_points)
