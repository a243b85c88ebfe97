"""Accept work: rows of the ledger, written in the caller's own transaction.

What is enqueued here is promised: once the transaction commits, the job reaches a final state.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from jobs import sql
from jobs.batch import NewJob
from jobs.models import JobGroup, Priority
from jobs.permits import wake
from jobs.registry import Task, get_task


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that stands for what was asked: a new one, or the one that holds the key already."""

    job_id: int
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    job_id: int
    new: NewJob
    task: Task
    origin_id: int | None


def enqueue(new: NewJob, *, origin_id: int | None = None) -> Enqueued:
    """Enqueue one job; see enqueue_many."""
    return enqueue_many([new], origin_id=origin_id)[0]


def enqueue_many(new_jobs: Sequence[NewJob], *, origin_id: int | None = None) -> list[Enqueued]:
    """Write the jobs, in the caller's transaction if there is one, and wake their workers after commit.

    A job whose idempotency key is held (by a live job of its task, or one that succeeded within 24 h) is
    not written; the answer at its place names the holder.

    Raises:
        UnknownTask: a task is not declared here.
    """
    if not new_jobs:
        return []
    tasks = [get_task(new.task) for new in new_jobs]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.ALLOCATE_IDS, [len(new_jobs)])
        ids = [row[0] for row in cursor.fetchall()]
        rows = [_Row(job_id, new, task, origin_id) for job_id, new, task in zip(ids, new_jobs, tasks, strict=True)]
        holders = _take_keys(cursor, rows)
        fresh = [row for row in rows if row.job_id not in holders]
        if fresh:
            cursor.execute(sql.INSERT_JOBS, _columns(fresh))
            counts = Counter(row.task.queue for row in fresh if row.new.delay_s <= 0 and not row.new.gate)
            if counts:
                transaction.on_commit(lambda: wake(counts))
    return [Enqueued(holders.get(row.job_id, row.job_id), row.job_id in holders) for row in rows]


def open_group(name: str, *, tenant: str = "", then: NewJob | None = None) -> None:
    """Name a set of jobs. When all jobs of the group are final, `then` is enqueued, once.

    Call it in the transaction that enqueues the group's first job, or the empty group is final at once.
    """
    JobGroup.objects.create(
        name=name,
        tenant=tenant,
        then_task=then.task if then else "",
        then_payload=then.payload if then else {},
        priority=then.priority if then and then.priority is not None else Priority.NORMAL,
    )


def _take_keys(cursor: Any, rows: Sequence[_Row]) -> dict[int, int]:
    """Take the rows' keys; return, for each row that did not get its key, the id of the job that holds it."""
    keyed = [row for row in rows if row.new.key]
    if not keyed:
        return {}
    names: dict[tuple[str, str], int] = {}
    for row in keyed:  # of two equal keys in one call the first counts
        names.setdefault((row.new.task, row.new.key or ""), row.job_id)
    wanted = [[task for task, _ in names], [key for _, key in names]]
    cursor.execute(sql.TAKE_KEYS, [*wanted, list(names.values())])
    taken = {row[0] for row in cursor.fetchall()}
    if len(taken) == len(keyed):
        return {}
    cursor.execute(sql.HOLDERS_OF_KEYS, wanted)
    holders = {(task, key): job_id for task, key, job_id in cursor.fetchall()}
    return {row.job_id: holders[row.new.task, row.new.key or ""] for row in keyed if row.job_id not in taken}


def _columns(rows: Sequence[_Row]) -> list[list[Any]]:
    return [
        [row.job_id for row in rows],
        [row.task.name for row in rows],
        [row.task.queue for row in rows],
        [row.new.tenant or "" for row in rows],
        [Priority.NORMAL if row.new.priority is None else row.new.priority for row in rows],
        [row.task.attempts for row in rows],
        [float(max(0, row.new.delay_s)) for row in rows],
        [row.new.gate or None for row in rows],
        [row.new.group or None for row in rows],
        [row.new.key or None for row in rows],
        [row.origin_id for row in rows],
        [to_json(row.new.payload) for row in rows],
        [to_json(row.new.meta or {}) for row in rows],
    ]


def to_json(value: Any) -> str:
    """Return value as JSON text; dates, decimals and UUIDs become strings."""
    return json.dumps(value, cls=DjangoJSONEncoder)
