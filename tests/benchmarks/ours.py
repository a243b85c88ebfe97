"""The engine as a system to measure: real worker processes, one dispatcher, the ledger that the product has."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.db import connection

from jobs.batch import NewJob
from jobs.gates import pause, resume
from jobs.ledger import enqueue, enqueue_many
from jobs.models import FINAL_STATES, Job, State, Worker
from jobs.permits import has_permit, transport, wake
from tests.benchmarks.cpu import cpu_s, rss_mib
from tests.benchmarks.systems import DEADLINE_S, NAP, PAYLOAD, POLL_EVERY_S, WARM_UP_JOBS, CannotMeasure, Run

CHUNK = 5_000


class Ours:
    """The engine, with a task of the batch size given."""

    def __init__(self, batch: int) -> None:
        self.name = f"ours-{batch}"
        self._batch = batch

    def run(self, *, workers: int, work: str, jobs: int) -> Run:
        """Measure to the final state in the ledger. What holds the workers back is the pause that staff would set."""
        task = "nap" if work == NAP else f"noop-{self._batch}"
        with worker_processes(task, workers) as pids:
            _enqueue(task, min(WARM_UP_JOBS, jobs))
            until(lambda: not _is_left(task), "warming up")
            pause(f"queue:{task}")
            enqueue_s = _timed(lambda: _enqueue(task, jobs))
            until(lambda: not has_permit(task), "the permits of a paused queue")
            used_s = cpu_s(pids)
            drain_s = _timed(lambda: _drain(task, jobs))
            used_s = cpu_s(pids) - used_s
            _check(task, jobs)
            memory_mib = max(rss_mib(pid) for pid in pids[1:])
            return Run(jobs / enqueue_s, jobs / drain_s, used_s / jobs * 1e6, memory_mib)

    def pickups_ms(self, count: int) -> list[float]:
        """Measure with a task that notes when its handler starts."""
        with worker_processes("lone", 1):
            for _ in range(count):
                job_id = enqueue(NewJob("lone", {**PAYLOAD, "at_s": time.monotonic()})).job_id
                until(lambda job_id=job_id: _is_final(job_id), "one job")  # type: ignore[misc]
            jobs = Job.objects.filter(task="lone").values_list("result", "payload__at_s")
            return [(started_s - at_s) * 1000 for started_s, at_s in jobs]


@contextmanager
def worker_processes(queue: str, count: int) -> Iterator[list[int]]:
    """Run a dispatcher and the workers of one queue on an empty ledger; give their pids, the dispatcher's first."""
    empty()
    with ExitStack() as stack:
        commands = [["dispatcher"], *[["rqworker", queue]] * count]
        processes = [stack.enter_context(_process(*command)) for command in commands]
        until(lambda: Worker.objects.filter(ended_at=None).count() == count, "starting the workers")
        yield [process.pid for process in processes]


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen([sys.executable, "manage.py", *arguments], env=environ)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def empty() -> None:
    """Empty the ledger and Redis, and start the next run with PostgreSQL's writing done."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_job, jobs_jobkey, jobs_jobevent, jobs_taskminute, jobs_lane, jobs_worker CASCADE")
        cursor.execute("DELETE FROM jobs_gate WHERE key LIKE 'queue:%'")
        cursor.execute("DROP TABLE IF EXISTS bullmq_history")
        cursor.execute("CHECKPOINT")
    transport().flushdb(asynchronous=True)


def _enqueue(task: str, jobs: int) -> None:
    for done in range(0, jobs, CHUNK):
        enqueue_many([NewJob(task, PAYLOAD) for _ in range(min(CHUNK, jobs - done))])


def _drain(task: str, jobs: int) -> None:
    resume(f"queue:{task}")
    wake({task: jobs})  # as many permits as enqueueing them would push
    until(lambda: not _is_left(task), "the run")


def _is_left(queue: str) -> bool:
    """Tell whether a job of the queue is due or running: two looks into small partial indexes."""
    return (
        Job.objects.filter(queue=queue, state=State.PENDING).exists()
        or Job.objects.filter(queue=queue, state=State.RUNNING).exists()
    )


def _is_final(job_id: int) -> bool:
    return Job.objects.filter(pk=job_id, state__in=FINAL_STATES).exists()


def _check(queue: str, jobs: int) -> None:
    completed = Job.objects.filter(queue=queue, state=State.COMPLETED).count()
    if completed != jobs + min(WARM_UP_JOBS, jobs):
        raise CannotMeasure(f"{completed} jobs of {queue} are completed, not {jobs} and those of the warm-up")


def _timed(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def until(is_done: Callable[[], bool], what: str) -> None:
    stop_at = time.monotonic() + DEADLINE_S
    while not is_done():
        if time.monotonic() > stop_at:
            raise CannotMeasure(f"{what} took more than {DEADLINE_S:.0f} s")
        time.sleep(POLL_EVERY_S)
