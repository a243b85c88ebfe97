"""Tasks that do nothing, or exactly the harm that a test asks for."""

import ctypes
import logging
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from redis import BlockingConnectionPool, Redis

from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.effects import bind, effect
from jobs.errors import PermanentError, RateLimitedError, RetryableError
from jobs.registry import task
from tests.workload.models import Effect, Execution


def noop(batch: Batch) -> None:
    """Complete each job."""


for size in (16, 64, 256):
    task(queue=f"noop-{size}", batch_size=size, name=f"noop-{size}")(noop)


@task(queue="nap", batch_size=256)
def nap(batch: Batch) -> None:
    """Wait 10 ms for each job, up to 50 at once: a job that asks another server."""
    batch.each(lambda _: time.sleep(0.01), concurrency=50)


@task(queue="crowd", batch_size=250)
def crowd(batch: Batch) -> None:
    """Stay inside until as many handlers as `of` are, or half a minute is over; note how many were at once."""
    pool = BlockingConnectionPool.from_url(settings.REDIS_URL, max_connections=20, timeout=30)
    redis = Redis(connection_pool=pool)

    def stay(job: ClaimedJob) -> None:
        redis.incr("crowd:inside")
        deadline = time.monotonic() + 30
        while int(redis.get("crowd:inside") or 0) < job.payload["of"] and time.monotonic() < deadline:
            time.sleep(0.1)  # the others come by themselves
        redis.set("crowd:most", redis.get("crowd:inside") or 0)

    batch.each(stay, concurrency=250)


@task(queue="lone", batch_size=16)
def lone(batch: Batch) -> None:
    """Note when the handler starts, in seconds of the machine's monotonic clock."""
    started_s = time.monotonic()
    for job in batch:
        batch.complete(job, result=started_s)


def _count_effects(jobs: Sequence[ClaimedJob]) -> None:
    Effect.objects.bulk_create([Effect(subject=str(job.payload.get("subject")), job_id=job.id) for job in jobs])


def _note_given_up(jobs: Sequence[GivenUp]) -> None:
    Effect.objects.bulk_create([Effect(subject=f"gave up {job.payload.get('subject')}", job_id=job.id) for job in jobs])


@effect
def note_effects(jobs: Sequence[ClaimedJob], data: str) -> None:
    """Leave one effect a job, named after what was bound."""
    Effect.objects.bulk_create([Effect(subject=f"{data} {job.payload.get('subject')}", job_id=job.id) for job in jobs])


@task(queue="workload", batch_size=8, timeout_s=20, backoff_s=0.05, on_give_up=_note_given_up)
def act(batch: Batch) -> None:
    """Do what each payload asks: `do` is ok, sleep, retry, wait, fail, bug, break, kill, hang or effect_bug."""
    Execution.objects.bulk_create([Execution(job_id=job.id, batch_size=len(batch)) for job in batch])
    for job in batch:
        _act(batch, job)
    batch.on_settle(_count_effects)
    batch.on_settle(_refuse_bad_effects)


task(queue="noop-64", batch_size=64, timeout_s=20, name="act-64")(act)
for size in (4, 64):
    task(queue="mixed", batch_size=size, timeout_s=20, name=f"mixed-{size}")(act)


def _act(batch: Batch, job: ClaimedJob) -> None:
    payload = job.payload
    match payload.get("do", "ok"):
        case "sleep":
            time.sleep(payload["s"])  # stands for work that takes time
            batch.complete(job)
        case "retry" if job.attempt < payload.get("until", 99):
            batch.fail(job, RetryableError("not yet"))
        case "wait" if job.waits < payload.get("until", 99):
            batch.fail(job, RateLimitedError("slow down", retry_after_s=0.01))
        case "fail":
            batch.fail(job, PermanentError("never"))
        case "bug":
            raise ZeroDivisionError("a bug in the handler")
        case "kill" if not Path(payload.get("unless", "/nonexistent")).exists():
            os.kill(os.getpid(), signal.SIGKILL)
        case "follow":
            batch.complete(job, result={"n": 1}, then=[NewJob("act", {"subject": f"after {payload['subject']}"})])
        case _:
            batch.complete(job)


def _refuse_bad_effects(jobs: Sequence[ClaimedJob]) -> None:
    if any(job.payload.get("do") == "effect_bug" for job in jobs):
        raise ValueError("a bug in an effect")


@task(queue="workload", batch_size=8, backoff_s=0.05)
def act_each(batch: Batch) -> None:
    """Divide 1 by `n`, each job in a thread of its own."""
    batch.each(lambda job: 1 / job.payload["n"])


@task(queue="noop-16", batch_size=16, timeout_s=60)
def act_long(batch: Batch) -> None:
    """Take `s` seconds for the whole batch, without looking whether anybody still wants it."""
    Execution.objects.bulk_create([Execution(job_id=job.id, batch_size=len(batch)) for job in batch])
    time.sleep(batch[0].payload["s"])
    batch.on_settle(_count_effects)


@task(queue="noop-16", batch_size=16, timeout_s=60)
def act_when_told(batch: Batch) -> None:
    """Wait for the files `told` of all payloads; the effects can be kept on disk."""
    Execution.objects.bulk_create([Execution(job_id=job.id, batch_size=len(batch)) for job in batch])
    while not all(Path(job.payload["told"]).exists() for job in batch):
        time.sleep(0.02)
    batch.on_settle(bind(note_effects, "told"))


@task(queue="noop-16", batch_size=16, timeout_s=60)
def act_hold(batch: Batch) -> None:
    """Stay `s` seconds in C code that keeps the GIL, so that no other thread of the process runs."""
    Execution.objects.bulk_create([Execution(job_id=job.id, batch_size=len(batch)) for job in batch])
    ctypes.PyDLL(None).sleep(batch[0].payload["s"])
    batch.on_settle(_count_effects)


@task(queue="workload", batch_size=8)
def act_tell(batch: Batch) -> None:
    """Say what the payload asks for: a line and a step of the batch's, and one of a library's logger."""
    for job in batch:
        batch.log(job, f"told {job.payload['text']}")
        batch.progress(job, job.payload["pct"], "half way")
        logging.getLogger("some.library").warning("noticed", extra={"shop": "shop.example"})


@task(queue="workload", batch_size=8, timeout_s=1)
def act_hang(batch: Batch) -> None:
    """Stay in C code that holds the GIL, where no signal handler and no thread of ours can run."""
    sum(range(10**12))


@task(queue="workload", batch_size=8, sensitive=True, pii=("guest",))
def keep_secret(batch: Batch) -> None:
    """Answer with the payload, or fail with what it says."""
    for job in batch:
        if "bug" in job.payload:
            raise ValueError(job.payload["bug"])
        if "fail" in job.payload:
            batch.fail(job, PermanentError(job.payload["fail"]))
        else:
            batch.log(job, f"keeping {job.payload['n']}")
            batch.complete(job, result=job.payload)
