"""Durable throughput of the engine: no-op jobs, from enqueue to their final state in PostgreSQL.

Run by `make bench-engine`. Needs PostgreSQL and Redis; makes its tables, empties the ledger first.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from jobs.batch import NewJob
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Job, Worker
from jobs.permits import transport

PAYLOAD = {"text": "x" * 180}
CHUNK = 5_000


def main() -> None:
    """Print one row a setting and, last, one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--pickups", type=int, default=200)
    options = parser.parse_args()
    call_command("migrate", run_syncdb=True, verbosity=0)
    figures = []
    with _process("manage.py", "dispatcher"):
        for workers in (1, 2):
            for batch in (16, 64, 256):
                figures.append(_throughput(batch=batch, workers=workers, jobs=options.jobs))
                print("batch {batch:4} workers {workers}: {jobs_per_s:8,.0f} jobs/s".format(**figures[-1]), flush=True)
        pickup = _pickup(options.pickups)
        print("pickup of a lone job: p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms".format(**pickup), flush=True)
    print(json.dumps({"throughput": figures, "pickup": pickup}))


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen([sys.executable, *arguments], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _workers(queue: str, count: int) -> Iterator[None]:
    if count == 0:
        yield
        return
    with _process("manage.py", "rqworker", queue), _workers(queue, count - 1):
        yield


def _until(is_done, what: str, deadline_s: float = 120) -> None:  # type: ignore[no-untyped-def]
    stop_at = time.monotonic() + deadline_s
    while not is_done():
        if time.monotonic() > stop_at:
            raise TimeoutError(f"{what} took more than {deadline_s} s")
        time.sleep(0.005)


def _reset() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_job, jobs_jobkey, jobs_taskminute, jobs_worker CASCADE")
    transport().flushdb()


def _alive() -> int:
    return Worker.objects.filter(ended_at=None).count()


def _throughput(*, batch: int, workers: int, jobs: int) -> dict[str, float]:
    _reset()
    queue = f"noop-{batch}"
    with _workers(queue, workers):
        _until(lambda: _alive() == workers, "starting the workers")
        enqueue_many([NewJob(queue, PAYLOAD) for _ in range(500)])
        _until(lambda: not _left(queue), "warming up")
        started = time.perf_counter()
        for _ in range(0, jobs, CHUNK):
            enqueue_many([NewJob(queue, PAYLOAD) for _ in range(CHUNK)])
        _until(lambda: not _left(queue), "the run")
        return {"batch": batch, "workers": workers, "jobs": jobs, "jobs_per_s": jobs / (time.perf_counter() - started)}


def _left(queue: str) -> bool:
    return Job.objects.filter(queue=queue, state__in=["pending", "running", "scheduled"]).exists()


def _pickup(count: int) -> dict[str, float]:
    _reset()
    with _workers("noop-16", 1):
        _until(lambda: _alive() == 1, "starting the worker")
        for _ in range(count):
            job_id = enqueue(NewJob("noop-16", PAYLOAD)).job_id
            _until(Job.objects.filter(pk=job_id, state="completed").exists, "one job")
        rows = Job.objects.filter(state="completed").values_list("run_at", "started_at")
        waits_ms = sorted((started - due).total_seconds() * 1000 for due, started in rows)
    return {"jobs": count, "p50_ms": statistics.median(waits_ms), "p99_ms": waits_ms[int(len(waits_ms) * 0.99) - 1]}


if __name__ == "__main__":
    main()
