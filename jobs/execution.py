"""What a permit starts: claim a batch, run its handler, settle it; again for up to a second."""

import faulthandler
import logging
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from django.db import close_old_connections, connection

from jobs import sql
from jobs.batch import Batch, ClaimedJob
from jobs.blame import blame
from jobs.claim import claim
from jobs.journal import journal
from jobs.permits import batch_size_of, wake
from jobs.reclaim import give_back
from jobs.registry import Task, get_task
from jobs.sensitive import readable
from jobs.session import Session, current_session
from jobs.settling import settle_surely

logger = logging.getLogger(__name__)

DRAIN_S = 1.0
DIRECT_LOOK_EVERY_S = 0.25


def work(queue: str) -> int:
    """Run due jobs of the queue for up to a second; return how many were claimed.

    Only a claim that could have taken more ends the queue: a suspect comes alone, however many jobs wait behind it.
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
        if not _may_leave_more(jobs, limit):
            return total
        if time.monotonic() >= stop_at or session.is_stopping():
            wake({queue: 1})
            return total


def _may_leave_more(jobs: Sequence[ClaimedJob], limit: int) -> bool:
    """Tell whether a claim of these jobs may have left due ones behind."""
    if len(jobs) >= limit or any(job.is_suspect for job in jobs):
        return True
    return any(len(its_jobs) >= task.batch_size for task, its_jobs in by_task(jobs))


def work_directly(queues: Sequence[str], stop: threading.Event) -> None:
    """Run due jobs of the queues without permits, so without Redis, until `stop` is set."""
    while not stop.is_set():
        if not sum(work(queue) for queue in queues):
            stop.wait(DIRECT_LOOK_EVERY_S)


def run_once(queue: str, *, session: Session, limit: int) -> int:
    """Claim up to `limit` jobs, run and settle them; return how many were claimed."""
    return len(_run_next(queue, session=session, limit=limit))


def run_claimed(jobs: Sequence[ClaimedJob], *, session: Session) -> None:
    """Run jobs that were claimed under the session, and settle them."""
    for task, its_jobs in by_task(jobs):
        batch, run_s = _run_batch(task, its_jobs, session)
        settle_surely(batch, task=task, session=session, run_s=run_s)


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


def _run_next(queue: str, *, session: Session, limit: int) -> list[ClaimedJob]:
    session.may_hold_jobs = True
    jobs = claim(queue, worker_id=session.worker_id, limit=limit)
    run_claimed(jobs, session=session)
    session.may_hold_jobs = False
    return jobs


def by_task(jobs: Sequence[ClaimedJob]) -> Iterator[tuple[Task, list[ClaimedJob]]]:
    """Part a claim into what each task gets, in the order of their first jobs: the most urgent one's goes first."""
    parts: dict[str, list[ClaimedJob]] = {}
    for job in jobs:
        parts.setdefault(job.task, []).append(job)
    for name, its_jobs in parts.items():
        yield get_task(name), its_jobs


def _run_batch(task: Task, jobs: Sequence[ClaimedJob], session: Session) -> tuple[Batch, float]:
    """Run the handler; return the batch, each of its jobs with an outcome, and how long that took in seconds."""
    batch = Batch(jobs=jobs, is_stopping=session.is_stopping, cancelled=lambda: session.cancelled)
    session.hold(task.name, [job.id for job in jobs])
    started = time.monotonic()
    logger.debug("batch started", extra={"task": task.name, "items": len(jobs), "worker": session.name})
    # faulthandler's watchdog is a C thread: it ends the process even while a C extension holds the GIL.
    faulthandler.dump_traceback_later(task.timeout_s, exit=True, file=sys.__stderr__ or 2)
    try:
        handle(task, batch)
    finally:
        faulthandler.cancel_dump_traceback_later()
        session.let_go()
    return batch, time.monotonic() - started


def handle(task: Task, batch: Batch) -> None:
    """Call the handler, and give an outcome to each job that it left without one."""
    if task.sensitive:
        journal().seal_lines([job.id for job in batch.jobs])
    can_run = readable(batch)
    try:
        if can_run.jobs:
            can_run.run(task.handler)
    except Exception as error:  # noqa: BLE001 the policy judges every error
        blame(batch, error, task)
        return
    for job in batch.open_jobs:
        batch.complete(job)
