"""What a permit starts: claim a batch, run its handler, settle it; again for up to a second."""

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from jobs import sql
from jobs.batch import Batch, ClaimedJob, Failed
from jobs.claim import claim
from jobs.permits import batch_size_of, wake
from jobs.reclaim import give_back
from jobs.registry import Task, get_task
from jobs.retry import Family, family_of
from jobs.session import Session, current_session
from jobs.settlement import Settled, settle

logger = logging.getLogger(__name__)

DRAIN_S = 1.0
DIRECT_LOOK_EVERY_S = 0.25
SETTLE_TRIES = 6
SETTLE_BACKOFF_S = 0.2
EXIT_SETTLE_FAILED = 70


def work(queue: str) -> int:
    """Run due jobs of the queue for up to a second; return how many were claimed.

    A suspect comes alone, however many jobs wait behind it: only a batch that is not full ends the queue.
    When there may be more it pushes one more permit, so that a deep queue stays worked.
    """
    session = current_session()
    close_old_connections()
    give_back_orphans(session)
    limit = batch_size_of(queue)
    stop_at = time.monotonic() + DRAIN_S
    total = 0
    while True:
        jobs = _run_next(queue, session=session, limit=limit)
        total += len(jobs)
        if len(jobs) < limit and not any(job.is_suspect for job in jobs):
            return total
        if time.monotonic() >= stop_at or session.is_stopping():
            wake({queue: 1})
            return total


def work_directly(queues: Sequence[str], stop: threading.Event) -> None:
    """Run due jobs of the queues without permits, so without Redis, until `stop` is set."""
    while not stop.is_set():
        if not sum(work(queue) for queue in queues):
            stop.wait(DIRECT_LOOK_EVERY_S)


def run_once(queue: str, *, session: Session, limit: int) -> int:
    """Claim up to `limit` jobs, run and settle them; return how many were claimed."""
    return len(_run_next(queue, session=session, limit=limit))


def _run_next(queue: str, *, session: Session, limit: int) -> list[ClaimedJob]:
    session.may_hold_jobs = True
    jobs = claim(queue, worker_id=session.worker_id, limit=limit)
    for task, its_jobs in _by_task(jobs):
        _run_batch(task, its_jobs, session)
    session.may_hold_jobs = False
    return jobs


def give_back_orphans(session: Session) -> None:
    """Hand back jobs that an error left running under this worker, which is not running them."""
    if not session.may_hold_jobs:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.HELD_BY, [session.worker_id])
        ids = [row[0] for row in cursor.fetchall()]
    give_back(ids, worker_id=session.worker_id)
    session.may_hold_jobs = False
    if ids:
        logger.warning("handed back jobs left by an error", extra={"worker": session.name, "jobs": len(ids)})


def _by_task(jobs: Sequence[ClaimedJob]) -> Iterator[tuple[Task, list[ClaimedJob]]]:
    for name, group in groupby(sorted(jobs, key=lambda job: job.task), key=lambda job: job.task):
        yield get_task(name), list(group)


def _run_batch(task: Task, jobs: Sequence[ClaimedJob], session: Session) -> None:
    batch = Batch(jobs=jobs, is_stopping=session.is_stopping)
    session.is_busy = True
    started = time.monotonic()
    logger.debug("batch started", extra={"task": task.name, "items": len(jobs), "worker": session.name})
    # faulthandler's watchdog is a C thread: it ends the process even while a C extension holds the GIL.
    faulthandler.dump_traceback_later(task.timeout_s, exit=True, file=sys.__stderr__ or 2)
    try:
        _handle(task, batch)
    finally:
        faulthandler.cancel_dump_traceback_later()
        session.is_busy = False
    run_s = time.monotonic() - started
    settled = _settle_surely(batch, task=task, session=session, run_s=run_s)
    session.busy_s += run_s
    session.jobs_done += settled.completed + settled.given_up
    _log_batch(task, jobs, settled, run_s, session)


def _handle(task: Task, batch: Batch) -> None:
    """Call the handler, and give an outcome to each job that it left without one."""
    try:
        task.handler(batch)
    except Exception as error:  # noqa: BLE001 the policy judges every error
        _blame(batch, error, task)
        return
    for job in batch.open_jobs:
        batch.complete(job)


def _blame(batch: Batch, error: Exception, task: Task) -> None:
    """After a handler or an effect broke: undo what the batch wanted, and find the job to blame.

    Its effects may be missing, so none of its jobs may count as complete. A known error fails them all; a bug
    may be due to one of them, so they go back to run alone, and the guilty one fails alone.
    """
    batch.effects.clear()
    suspects = [job for job in batch.jobs if not isinstance(batch.outcomes.get(job.id), Failed)]
    if family_of(error) is Family.BUG and len(suspects) > 1:
        logger.error("a batch broke: its jobs will run alone", exc_info=error, extra={"task": task.name})
        batch.isolate(suspects)
        return
    for job in suspects:
        batch.fail(job, error)


def _settle_surely(batch: Batch, *, task: Task, session: Session, run_s: float) -> Settled:
    """Settle the batch; outlast lost connections and deadlocks, blame a job whose effect breaks.

    When PostgreSQL stays away the process ends, so that its jobs are seen as abandoned and go to another.
    """
    for attempt in range(1, SETTLE_TRIES + 1):
        try:
            return _settle(batch, task=task, session=session, run_s=run_s)
        except (OperationalError, InterfaceError) as error:
            logger.warning("settling failed", extra={"task": task.name, "attempt": attempt, "error": str(error)})
            connection.close()
            time.sleep(SETTLE_BACKOFF_S * 2 ** (attempt - 1))  # nothing tells when a server is back
        except Exception as error:  # noqa: BLE001 the policy judges every error
            _blame(batch, error, task)
    logger.critical("could not settle; ending the process", extra={"task": task.name, "worker": session.name})
    logging.shutdown()
    os._exit(EXIT_SETTLE_FAILED)


def _settle(batch: Batch, *, task: Task, session: Session, run_s: float) -> Settled:
    return settle(batch, task=task, worker_id=session.worker_id, worker_name=session.name, run_s=run_s)


def _log_batch(task: Task, jobs: Sequence[ClaimedJob], settled: Settled, run_s: float, session: Session) -> None:
    logger.info(
        "batch settled",
        extra={
            "task": task.name,
            "items": len(jobs),
            "completed": settled.completed,
            "retried": settled.retried,
            "given_up": settled.given_up,
            "released": settled.released,
            "fenced": settled.fenced,
            "wait_ms": round(max(job.wait_s for job in jobs) * 1000),
            "run_ms": round(run_s * 1000),
            "attempt": max(job.attempt for job in jobs),
            "worker": session.name,
        },
    )
