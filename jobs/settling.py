"""Settle a batch whatever it takes: outlast lost connections and deadlocks, blame the job whose effect breaks."""

import logging
import os
import time
from collections.abc import Sequence
from itertools import count

from django.db import InterfaceError, OperationalError, connection

from jobs.batch import Batch, ClaimedJob
from jobs.blame import blame
from jobs.journal import journal
from jobs.registry import Task
from jobs.session import Session
from jobs.settlement import Settled, settle
from jobs.spool import Spooled, spool_batch

logger = logging.getLogger(__name__)

BACKOFF_S = 0.2
MAX_BACKOFF_S = 2.0
SPOOLED_AFTER = 2  # attempts: an outage, not a deadlock
MAX_BLAMES = 3
EXIT_SETTLE_FAILED = 70


def settle_surely(batch: Batch, *, task: Task, session: Session, run_s: float) -> Settled:
    """Settle the batch and count it for the session.

    While PostgreSQL is away the worker waits with what it has done, and keeps it on disk as well, in case that the
    process does not live to see it back. What was settled by others meanwhile is fenced.
    """
    journal().try_flush()  # first, so that who sees a job final sees all that it said
    spooled: Spooled | None = None
    blames = 0
    for attempt in count(1):
        try:
            settled = settle(batch, task=task, worker_name=session.name, run_s=run_s)
        except (OperationalError, InterfaceError) as error:
            session.note_failure(f"settling {task.name}: {error}")
            logger.warning("settling failed", extra={"task": task.name, "attempt": attempt, "error": str(error)})
            connection.close()
            if attempt == SPOOLED_AFTER:
                spooled = spool_batch(batch, task=task, worker_name=session.name, run_s=run_s)
            time.sleep(min(BACKOFF_S * 2 ** (attempt - 1), MAX_BACKOFF_S))  # nothing tells when a server is back
        except Exception as error:  # noqa: BLE001 the policy judges every error
            blames += 1
            if blames > MAX_BLAMES:
                _end_process(error, task, session)
            blame(batch, error, task)
        else:
            break
    if spooled:
        spooled.discard()
    journal().forget([job.id for job in batch.jobs])
    session.note_success()
    session.busy_s += run_s
    session.jobs_done += settled.completed + settled.given_up
    _log_batch(task, batch.jobs, settled, run_s, session)
    return settled


def _end_process(error: Exception, task: Task, session: Session) -> None:
    """End the process, so that its jobs are seen as abandoned and run alone: they cannot be settled as they are."""
    logger.critical(
        "could not settle; ending the process",
        exc_info=None if task.sensitive else error,
        extra={"task": task.name, "worker": session.name},
    )
    logging.shutdown()
    os._exit(EXIT_SETTLE_FAILED)


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
            "cancelled": settled.cancelled,
            "fenced": settled.fenced,
            "wait_ms": round(max(job.wait_s for job in jobs) * 1000),
            "run_ms": round(run_s * 1000),
            "attempt": max(job.attempt for job in jobs),
            "worker": session.name,
        },
    )
