"""Take due jobs off the ledger, under a lease."""

import json
from datetime import datetime
from typing import Any

from django.utils import timezone

from jobs import sql
from jobs.batch import ClaimedJob
from jobs.models import Priority
from jobs.prepared import prepared_cursor
from jobs.registry import tasks_of_queue
from jobs.sealing import opened_or_sealed


def claim(queue: str, *, worker_id: int, limit: int) -> list[ClaimedJob]:
    """Claim up to `limit` due jobs of the queue, of all tasks together, most urgent first, each with a new lease.

    A claim ends before the first job that would be one more than its task's batch size.
    A suspect, a job whose last worker died while holding it, is claimed alone and before the others.
    Nothing is claimed of what is paused (the queue, the task or the tenant), nor of a task that this code does not
    know: after a rollback such jobs wait for the code that does.
    """
    known = tasks_of_queue(queue)
    arguments = {"worker": worker_id, "queue": queue, "tasks": [task.name for task in known], "limit": limit}
    statement = sql.CLAIM
    if any(task.batch_size < limit for task in known):
        statement, arguments["sizes"] = sql.CLAIM_BY_TASK, [task.batch_size for task in known]
    with prepared_cursor() as cursor:
        cursor.execute(statement, arguments)
        claimed_at = timezone.now()
        jobs = [claimed(row, claimed_at, worker_id) for row in cursor.fetchall()]
    return sorted(jobs, key=lambda job: (job.priority, job.id))


def claimed(row: tuple[Any, ...], claimed_at: datetime, worker_id: int) -> ClaimedJob:
    """Return the job of a row with the columns of sql.CLAIM."""
    (job_id, task, tenant, priority, attempt, max_attempts, waits, lease, group, gate, key, *rest) = row
    (payload, meta, wait_s, is_suspect) = rest
    return ClaimedJob(
        id=job_id,
        task=task,
        tenant=tenant,
        priority=Priority(priority),
        attempt=attempt,
        max_attempts=max_attempts,
        waits=waits,
        lease=lease,
        group=group,
        gate=gate,
        key=key,
        payload=opened_or_sealed(parsed(payload)),
        meta=parsed(meta),
        claimed_at=claimed_at,
        wait_s=max(0.0, wait_s),
        is_suspect=is_suspect,
        worker_id=worker_id,
    )


def parsed(value: Any) -> Any:
    """Return a jsonb value that a raw cursor gave, as Python sees it."""
    # Django asks psycopg for jsonb as text, to parse it by its own fields' decoders.
    return json.loads(value) if isinstance(value, str) else value
