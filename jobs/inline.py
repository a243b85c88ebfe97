"""Jobs that run where they were enqueued: of tasks that are switched to it, or while Redis is away.

They are claimed, fenced, settled and, when the process dies, handed back exactly as a worker's. What they lack is the
watchdog: a handler that hangs holds its caller, for ending the process would take the caller's other work with it.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from jobs.batch import Batch, ClaimedJob
from jobs.claim import claimed
from jobs.execution import by_task, handle
from jobs.journal import journal
from jobs.reclaim import give_back
from jobs.registry import Task
from jobs.seats import HOSTNAME, process_name
from jobs.session import Session, current_session, is_worker
from jobs.settlement import settle

logger = logging.getLogger(__name__)

# The columns are those of sql.CLAIM. A pause counts here too.
_CLAIM_THESE = """
WITH claimed AS (
UPDATE jobs_job
   SET state = 'running', worker_id = %(worker)s, attempt = attempt + 1, lease = lease + 1,
       started_at = clock_timestamp()
 WHERE id = ANY (ARRAY(
        SELECT id FROM jobs_job
         WHERE id = ANY (%(ids)s) AND state || '' = 'pending'
           AND NOT EXISTS (SELECT 1 FROM jobs_gate WHERE is_paused
                              AND key IN ('queue:' || queue, 'task:' || task, 'tenant:' || tenant))
         ORDER BY id FOR UPDATE SKIP LOCKED))
RETURNING id, task, tenant, priority, attempt, max_attempts, waits, lease, grp, gate, key, payload, meta,
          extract(epoch FROM clock_timestamp() - run_at)::float8 AS wait_s, is_suspect),
told AS (
INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
SELECT 'running', array_agg(id), array_agg(task), array_agg(tenant), array_agg(grp) FROM claimed HAVING count(*) > 0)
SELECT * FROM claimed
"""
_own: Session | None = None
_own_lock = threading.Lock()
_waiting = threading.local()


def run_inline(job_ids: Sequence[int]) -> None:
    """Run those of the jobs that are due, now, in this process; call it after the commit that made them.

    How they ended stands in the ledger: nothing that they do raises here, and what stops this function itself is
    logged and leaves them to the workers. Jobs that a running inline job starts inline run after it.
    """
    if hasattr(_waiting, "ids"):
        _waiting.ids.extend(job_ids)
        return
    _waiting.ids = list(job_ids)
    try:
        while _waiting.ids:
            now, _waiting.ids = _waiting.ids, []
            _run_safely(now)
    finally:
        del _waiting.ids


def close_inline_session() -> None:
    """Sign off, where this process has run jobs inline."""
    global _own  # noqa: PLW0603 one a process
    with _own_lock:
        if _own is not None:
            _own.close()
            _own = None


def _run_safely(job_ids: Sequence[int]) -> None:
    try:
        session = current_session() if is_worker() else _own_session()
        for task, jobs in by_task(_claim(job_ids, session)):
            _run(task, jobs, session)
    except Exception:
        logger.exception("could not run inline: the workers will", extra={"jobs": len(job_ids)})


def _own_session() -> Session:
    """Return this process's session, opened the first time that it is needed."""
    global _own  # noqa: PLW0603 one a process
    with _own_lock:
        if _own is None:
            seat = f"{HOSTNAME}/inline-{os.getpid()}"
            session = Session(name=process_name(seat), queues=[])
            session.open(timeout_s=5)
            atexit.register(close_inline_session)
            _own = session
        return _own


def _claim(job_ids: Sequence[int], session: Session) -> list[ClaimedJob]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_THESE, {"worker": session.worker_id, "ids": list(job_ids)})
        claimed_at = timezone.now()
        jobs = [claimed(row, claimed_at, session.worker_id) for row in cursor.fetchall()]
    order = {job_id: place for place, job_id in enumerate(job_ids)}
    return sorted(jobs, key=lambda job: order[job.id])


def _run(task: Task, jobs: Sequence[ClaimedJob], session: Session) -> None:
    """Run and settle one batch; hand it back when it cannot be settled."""
    started = time.monotonic()
    batch = Batch(jobs=jobs)
    session.hold(task.name, [job.id for job in jobs])
    try:
        handle(task, batch)
        run_s = time.monotonic() - started
        journal().try_flush()
        settled = settle(batch, task=task, worker_name=session.name, run_s=run_s)
        session.busy_s += run_s
        session.jobs_done += settled.completed + settled.given_up
    except Exception:
        give_back([job.id for job in jobs], worker_id=session.worker_id)
        raise
    finally:
        session.let_go()
        journal().forget([job.id for job in jobs])
