"""The engine under load: a million waiting jobs, a thousand handlers at once, more workers, a day of bloat.

Run by `make bench-load`. Needs PostgreSQL and Redis; makes its tables, empties the ledger first. Prints a table and,
last, one JSON object with every figure; it judges none: what is fast enough is said in docs/engine/tuning.md.
"""

import json
import os
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from rich.console import Console
from rich.table import Table

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.execution import run_claimed
from jobs.fairness import make_lanes
from jobs.gates import pause, resume
from jobs.ledger import enqueue_many
from jobs.models import Job, Worker
from jobs.permits import transport, wake
from jobs.retention import Retention
from jobs.session import Session, set_current_session
from jobs.stats import queue_stats
from tests.benchmarks.ours import empty as empty_all
from tests.benchmarks.ours import until, worker_processes

HOT_TABLES = ("jobs_job", "jobs_jobevent", "jobs_lane")
FILL = """
INSERT INTO jobs_job (task, queue, tenant, priority, vtime, state, attempt, max_attempts, waits, crashes, is_suspect,
                      lease, payload, meta, error_code, error_message, created_at, run_at)
SELECT 'noop-256', 'noop-256', (n %% 1000)::text, 2, n / 1000, 'pending', 0, 3, 0, 0, false, 0,
       jsonb_build_object('text', repeat('x', 180)), '{}', '', '', now(), now()
  FROM generate_series(1, %s) AS n
"""


def main() -> None:
    """Run the parts that were asked for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="jobs that wait in the first part")
    parser.add_argument("--cycles", type=int, default=20, help="rounds of 20,000 jobs in the part on bloat")
    parser.add_argument("--only", choices=["depth", "handlers", "workers", "bloat"], action="append")
    options = parser.parse_args()
    call_command("migrate", run_syncdb=True, verbosity=0)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "depth": lambda: deep_queue(options.rows),
        "handlers": thousand_handlers,
        "workers": more_workers,
        "bloat": lambda: bloat(options.cycles),
    }
    figures = {name: part() for name, part in parts.items() if not options.only or name in options.only}
    table = Table("part", "figure", "value")
    for name, found in figures.items():
        for key, value in found.items():
            table.add_row(name, key, str(value))
    Console().print(table)
    print(json.dumps(figures))


def deep_queue(rows: int) -> dict[str, Any]:
    """Claim, settle, look and tidy while so many jobs wait."""
    empty()
    execute(FILL, [rows])
    execute("ANALYZE jobs_job")
    session = own_session()
    claims, settles = [], []
    for _ in range(100):
        started = time.perf_counter()
        jobs = claim("noop-256", worker_id=session.worker_id, limit=256)
        claims.append(ms_since(started))
        started = time.perf_counter()
        run_claimed(jobs, session=session)
        settles.append(ms_since(started))
    page = Job.objects.order_by("-id").filter(state="pending")
    retention = Retention()
    return {
        "rows": rows,
        **spread("claim_256_ms", claims),
        **spread("settle_256_ms", settles),
        **spread("queue_stats_ms", timed(queue_stats, 5)),
        **spread("list_page_ms", timed(lambda: list(page[:50]), 5)),
        **spread("list_of_tenant_ms", timed(lambda: list(page.filter(tenant="7")[:50]), 5)),
        **spread("enqueue_256_ms", timed(lambda: enqueue_many([NewJob("noop-256", {}, tenant="7")] * 256), 20)),
        **spread("retention_step_ms", timed(lambda: retention.step(0.02), 50)),
    }


def thousand_handlers() -> dict[str, Any]:
    """Have a thousand handlers inside their bodies at once; they count themselves."""
    empty()
    with worker_processes("crowd", 4):
        until(partial(_are_idle, 4), "four workers")
        enqueue_many([NewJob("crowd", {"of": 1000}) for _ in range(1000)])
        until(lambda: not Job.objects.exclude(state="completed").exists(), "a thousand handlers")
    return {"inside_at_once": int(transport().get("crowd:most") or 0)}


def more_workers(jobs: int = 40_000) -> dict[str, Any]:
    """Drain with 1, 2, 4 and 8 worker processes."""
    found: dict[str, Any] = {}
    for count in (1, 2, 4, 8):
        empty()
        with worker_processes("noop-256", count):
            until(partial(_are_idle, count), "workers")
            pause("queue:noop-256")
            for _ in range(0, jobs, 5_000):
                enqueue_many([NewJob("noop-256", {"text": "x" * 180}) for _ in range(5_000)])
            started = time.perf_counter()
            resume("queue:noop-256")
            wake({"noop-256": jobs})
            until(lambda: not Job.objects.filter(state__in=["pending", "running"]).exists(), "the drain")
            found[f"{count}_workers_jobs_per_s"] = round(jobs / (time.perf_counter() - started))
    return found


def bloat(cycles: int) -> dict[str, Any]:
    """Turn the ledger over, with the autovacuum settings of the migrations and with the server's own."""
    return {f"{name}_{key}": value for name, is_tuned in (("tuned", True), ("default", False))
            for key, value in _turn_over(cycles, is_tuned=is_tuned).items()}  # fmt: skip


def _turn_over(cycles: int, *, is_tuned: bool, jobs: int = 20_000) -> dict[str, Any]:
    call_command("migrate", "jobs", "0006" if is_tuned else "0005", verbosity=0)
    empty()
    session = own_session()
    claims: list[float] = []
    for _ in range(cycles):
        for _ in range(0, jobs, 5_000):
            enqueue_many([NewJob("noop-256", {"text": "x" * 180}) for _ in range(5_000)])
        while True:
            started = time.perf_counter()
            batch = claim("noop-256", worker_id=session.worker_id, limit=256)
            if not batch:
                break
            claims.append(ms_since(started))
            run_claimed(batch, session=session)
        execute("DELETE FROM jobs_job WHERE state = 'completed'")
        execute("DELETE FROM jobs_jobevent")
    sizes = {f"{table}_mb": round(size / 2**20, 1) for table, size in ((name, _size(name)) for name in HOT_TABLES)}
    call_command("migrate", "jobs", verbosity=0)
    tenth = max(1, len(claims) // 10)
    return {
        "jobs": cycles * jobs,
        "first_claims_ms": round(statistics.median(claims[:tenth]), 2),
        "last_claims_ms": round(statistics.median(claims[-tenth:]), 2),
        **sizes,
    }


def _size(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
        return int(cursor.fetchone()[0])


def _are_idle(count: int) -> bool:
    return Worker.objects.filter(ended_at=None, status="idle").count() == count


def own_session() -> Session:
    """Return a session whose row stands, and that does not beat."""
    session = Session(name="bench", queues=["noop-256"])
    session.worker_id = Worker.objects.create(name="bench", hostname="here", pid=1, queues=["noop-256"]).pk
    set_current_session(session)
    return session


def empty() -> None:
    """Empty the ledger and Redis; the lanes are there."""
    empty_all()
    make_lanes()


def execute(statement: str, parameters: Any = None) -> None:
    """Run one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def timed(step: Callable[[], Any], times: int) -> list[float]:
    """Return how long the step takes, so many times over, in ms."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        step()
        found.append(ms_since(started))
    return found


def ms_since(started: float) -> float:
    """Return the ms since a perf_counter reading."""
    return (time.perf_counter() - started) * 1000


def spread(name: str, values: list[float]) -> dict[str, float]:
    """Return the median and the worst."""
    return {f"{name}_p50": round(statistics.median(values), 2), f"{name}_max": round(max(values), 2)}


if __name__ == "__main__":
    main()
