"""Take back the jobs of workers that died, and end the life of those that keep killing workers."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError, connection, transaction

from jobs import sql, tick_sql
from jobs.batch import GivenUp
from jobs.claim import parsed
from jobs.dead_letters import Burial, bury
from jobs.models import Job, JobAttempt, JobEvent, JobKey, State, Worker
from jobs.registry import UnknownTask, get_task
from jobs.retry import Family
from jobs.sealing import opened_or_sealed
from jobs.session import LOCK_CLASS

logger = logging.getLogger(__name__)

BEAT_LATE_S = 1.2
MAX_CRASHES = 3
TIMED_OUT = "jobs.timed_out"
LOCK_PATIENCE = "500ms"


@dataclass(frozen=True, slots=True)
class _Held:
    id: int
    queue: str
    task: str
    tenant: str
    group: str | None
    raw_payload: Any
    attempt: int
    crashes: int
    started_at: datetime
    is_cancelling: bool


def reclaim_lost_jobs() -> Counter[str]:
    """Hand back what lost workers held; count it by queue.

    A worker whose session is gone and whose beat is late has crashed. One that is only silent, for
    JOB_SILENCE_S, may be stuck in C code: its jobs go back too, but they are not suspected of killing it.
    """
    handed_back: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.LOST_WORKERS, {"lock_class": LOCK_CLASS, "beat_s": BEAT_LATE_S})
        late = cursor.fetchall()
        cursor.execute(tick_sql.ORPHANS)
        orphaned = [row[0] for row in cursor.fetchall()]
    for worker_id, name, is_gone, silent_s in late:
        if is_gone or silent_s > settings.JOB_SILENCE_S:
            handed_back += _reclaim_patiently(worker_id, name, has_crashed=is_gone)
    for worker_id in orphaned:
        handed_back += _reclaim_patiently(worker_id, f"ended worker {worker_id}", has_crashed=False)
    return handed_back


def _reclaim_patiently(worker_id: int, name: str, *, has_crashed: bool) -> Counter[str]:
    """Reclaim, unless a transaction of the worker's holds its rows: then a later tick does.

    A worker that was stopped while it settled holds locks until the server ends its idle transaction; the tick must not
    wait for that.
    """
    try:
        return _reclaim(worker_id, name, has_crashed=has_crashed)
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        logger.warning("a lost worker still settles", extra={"worker": name})
        return Counter()


def _reclaim(worker_id: int, name: str, *, has_crashed: bool) -> Counter[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_PATIENCE])
        ended = Worker.objects.filter(pk=worker_id, ended_at=None).update(
            status=Worker.Status.OFFLINE, ended_at=now, end_reason="crashed" if has_crashed else "silent"
        )
        cursor.execute(sql.HELD_BY, [worker_id])
        held = [_Held(*row) for row in cursor.fetchall()]
        if not ended and not held:
            return Counter()
        is_alone = has_crashed and len(held) == 1
        doomed = [job for job in held if is_alone and job.crashes + 1 >= MAX_CRASHES and not job.is_cancelling]
        spared = [job for job in held if job not in doomed]
        if has_crashed:
            _record_crashes(held, name, now, is_alone=is_alone)
        give_back(
            [job.id for job in spared],
            worker_id=worker_id,
            is_suspect=has_crashed,
            crashes=int(is_alone),
            is_stalled=True,
        )
        _quarantine(doomed, now)
    logger.warning(
        "worker lost, its jobs go back",
        extra={"worker": name, "crashed": has_crashed, "jobs": len(spared), "quarantined": len(doomed)},
    )
    return Counter(job.queue for job in spared)


def give_back(
    job_ids: Sequence[int],
    *,
    worker_id: int,
    is_suspect: bool = False,
    crashes: int = 0,
    is_stalled: bool = False,
) -> Counter[str]:
    """Make jobs due again that the worker holds, as if never claimed, under a new lease; count them by queue.

    Args:
        job_ids: of which jobs; what the worker does not hold any more is left alone.
        worker_id: who holds them.
        is_suspect: they run alone from now on.
        crashes: how many crashes of a worker that held it alone each has to answer for.
        is_stalled: nobody was working on them: readers of the events are told.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            sql.GIVE_BACK,
            {
                "ids": list(job_ids),
                "worker": worker_id,
                "is_suspect": is_suspect,
                "crashes": crashes,
                "is_stalled": is_stalled,
            },
        )
        return Counter(row[0] for row in cursor.fetchall())


def _record_crashes(held: Sequence[_Held], worker_name: str, now: datetime, *, is_alone: bool) -> None:
    JobAttempt.objects.bulk_create(
        [
            JobAttempt(
                job_id=job.id,
                attempt=job.attempt,
                worker_name=worker_name,
                started_at=job.started_at,
                ended_at=now,
                family=Family.CRASH,
                error_code=TIMED_OUT if _has_timed_out(job, now) else "jobs.worker_crashed",
                error_message=f"The worker {_end_of(job, now)} while it held {len(held)} job(s).",
                decision=f"crash {job.crashes + 1} of {MAX_CRASHES} alone" if is_alone else "goes back, runs alone",
            )
            for job in held
        ]
    )


def _has_timed_out(job: _Held, now: datetime) -> bool:
    """Tell whether the watchdog ended the worker, as far as times can tell."""
    try:
        timeout_s = get_task(job.task).timeout_s
    except UnknownTask:
        return False
    return (now - job.started_at).total_seconds() >= timeout_s


def _end_of(job: _Held, now: datetime) -> str:
    return "was ended, since the batch took longer than its task may," if _has_timed_out(job, now) else "died"


def _quarantine(doomed: Sequence[_Held], now: datetime) -> None:
    """End jobs that killed every worker that held them alone."""
    message = f"It was alone in {MAX_CRASHES} workers that died."
    for job in doomed:
        Job.objects.filter(pk=job.id).update(
            state=State.DEAD,
            finished_at=now,
            crashes=MAX_CRASHES,
            error_code="jobs.quarantined",
            error_message=message,
        )
        JobKey.objects.filter(job_id=job.id).delete()
        JobEvent.objects.create(
            kind=State.DEAD, ids=[job.id], tasks=[job.task], tenants=[job.tenant], groups=[job.group]
        )
        given_up = GivenUp(
            id=job.id,
            task=job.task,
            tenant=job.tenant,
            group=job.group,
            payload=opened_or_sealed(parsed(job.raw_payload)),
            reason="quarantined",
            error_code="jobs.quarantined",
            error_message=message,
        )
        burial = Burial(given_up=given_up, traceback="", last_attempt_at=job.started_at)
        bury([burial], get_task(job.task))
