"""Accept work: rows of the ledger, written in the caller's own transaction.

What is enqueued here is promised: once the transaction commits, the job reaches a final state.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from jobs import sql
from jobs.batch import NewJob
from jobs.fairness import tell_overlap
from jobs.gates import gate_set
from jobs.models import Priority, State
from jobs.permits import wake
from jobs.registry import Task, get_task
from jobs.sealing import seal
from jobs.storable import storable_json

_ENCODER = DjangoJSONEncoder()
OVERLAP_LOCK_CLASS = 0x50AD
MAX_LOCKED_LANES = 100  # the server's table of locks is small, and shared


class BadPayload(ValueError):
    """A payload or a result holds what PostgreSQL cannot keep: the character NUL, or half of a surrogate pair."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that stands for what was asked: a new one, or the one that holds the key already."""

    job_id: int
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Lane:
    """Where the jobs of one tenant stand in one queue and priority."""

    vtime: float
    weight: float


_LaneKey = tuple[str, int, str]  # queue, priority, tenant: what fair queueing goes by


@dataclass(slots=True)
class _Row:
    """A job on its way into the ledger; what is asked of it often is worked out once."""

    job_id: int
    new: NewJob
    task: Task
    lane: _LaneKey
    gate: str | None = None
    state: State = State.PENDING
    vtime: float = 0.0


def _row(job_id: int, new: NewJob) -> _Row:
    task = get_task(new.task)
    return _Row(job_id, new, task, (task.queue, priority_of(new), new.tenant or ""))


def _state(row: _Row) -> State:
    """Return where the job starts."""
    if row.new.after:
        return State.WAITING
    if row.new.delay_s > 0:
        return State.SCHEDULED
    return State.GATED if row.gate else State.PENDING


_inline_runners: list[Callable[[Sequence[int]], None]] = []


def set_inline_runner(run: Callable[[Sequence[int]], None]) -> None:
    """Say who runs jobs where they are enqueued; what runs jobs also enqueues, so it cannot be imported here."""
    _inline_runners[:] = [run]


def _run_inline(job_ids: Sequence[int]) -> None:
    for run in _inline_runners:
        run(job_ids)


def priority_of(new: NewJob) -> Priority:
    """Return the priority of a job that may leave it open."""
    return Priority.NORMAL if new.priority is None else new.priority


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
    for name in {new.task for new in new_jobs}:
        get_task(name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.ALLOCATE_IDS, [len(new_jobs)])
        rows = [_row(job_id, new) for (job_id,), new in zip(cursor.fetchall(), new_jobs, strict=True)]
        holders = _take_keys(cursor, rows)
        fresh = [row for row in rows if row.job_id not in holders]
        if fresh:
            inline = _place(cursor, fresh)
            cursor.execute(sql.INSERT_JOBS, _arguments(fresh, origin_id))
            _insert_dependencies(cursor, fresh)
            _wake_after_commit(fresh, inline)
    return [Enqueued(holders.get(row.job_id, row.job_id), row.job_id in holders) for row in rows]


def _place(cursor: Any, rows: Sequence[_Row]) -> frozenset[str]:
    """Give each row its virtual time and its gate; return the tasks that run inline."""
    wanted = list(dict.fromkeys(row.lane for row in rows))
    tasks = sorted({row.task.name for row in rows})
    holds = [f"task:{name}" for name in tasks] + [
        f"tenant:{tenant}" for tenant in {lane[2] for lane in wanted} if tenant
    ]
    lock_class = OVERLAP_LOCK_CLASS if len(wanted) <= MAX_LOCKED_LANES else None
    cursor.execute(sql.PREPARE_LANES, [lock_class, holds, tasks, *map(list, zip(*wanted, strict=True))])
    lanes: dict[_LaneKey, _Lane] = {}
    held: frozenset[str] = frozenset()
    inline: frozenset[str] = frozenset()
    for queue, priority, tenant, vtime, weight, is_alone, held_keys, inline_tasks in cursor.fetchall():
        lanes[queue, priority, tenant] = _Lane(vtime, weight)
        held, inline = frozenset(held_keys), frozenset(inline_tasks)
        if is_alone is False:
            tell_overlap(queue=queue, priority=priority, tenant=tenant)
    seen: Counter[_LaneKey] = Counter()
    for row in rows:
        row.gate = _gate(row, held)
        row.state = _state(row)
        if row.state is State.PENDING or row.state is State.GATED:
            seen[row.lane] += 1
            lane = lanes[row.lane]
            row.vtime = lane.vtime + seen[row.lane] / lane.weight
    return inline


def _gate(row: _Row, held: Collection[str]) -> str | None:
    """Return the set of keys that a job waits behind: its own, its task's, and what holds its task or tenant."""
    if not (row.new.gates or row.task.gates or held):
        return None
    own = {f"task:{row.task.name}", f"tenant:{row.new.tenant}"} & set(held)
    return gate_set({*row.new.gates, *row.task.gates, *own})


def _insert_dependencies(cursor: Any, rows: Sequence[_Row]) -> None:
    pairs = [(row.job_id, on, row.new.runs_anyway) for row in rows for on in row.new.after]
    if pairs:
        cursor.execute(sql.INSERT_DEPENDENCIES, [list(column) for column in zip(*pairs, strict=True)])


def _wake_after_commit(rows: Sequence[_Row], inline: Collection[str]) -> None:
    due = [row for row in rows if row.state is State.PENDING]
    if not due:
        return
    counts = Counter(row.task.queue for row in due)
    at_once = [row.job_id for row in due if row.task.name in inline]
    fallback = [row.job_id for row in due if row.task.is_inline_without_redis]

    def wake_or_run() -> None:
        if at_once:
            _run_inline(at_once)
        if not wake(counts) and fallback:
            _run_inline(fallback)

    transaction.on_commit(wake_or_run)


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


def _arguments(rows: Sequence[_Row], origin_id: int | None) -> dict[str, Any]:
    """Return what INSERT_JOBS takes: the kinds that the rows are of, and of each row what is its own."""
    kinds: dict[tuple[Any, ...], int] = {}
    metas: dict[int, str] = {}  # the jobs of a call tend to share one object
    numbers = []
    for row in rows:
        new = row.new
        meta = "{}"
        if new.meta:
            meta = metas.get(id(new.meta)) or metas.setdefault(id(new.meta), to_json(new.meta))
        attempts = new.max_attempts or row.task.attempts
        delay_s = float(max(0, new.delay_s))
        kind = (row.task.name, *row.lane, row.state.value, attempts, delay_s, row.gate, new.group or None, meta)
        numbers.append(kinds.setdefault(kind, len(kinds) + 1))
    names = ("task", "queue", "priority", "tenant", "state", "max_attempts", "delay_s", "gate", "grp", "meta")
    return {
        **dict(zip(names, map(list, zip(*kinds, strict=True)), strict=True)),
        "ids": [row.job_id for row in rows],
        "kinds": numbers,
        "vtimes": [row.vtime for row in rows],
        "keys": [row.new.key or None for row in rows] if any(row.new.key for row in rows) else [],
        "parents": [row.new.parent for row in rows] if any(row.new.parent for row in rows) else [],
        "payloads": f"[{','.join([stored(row.new.payload, row.task) for row in rows])}]",
        "origin": origin_id,
    }


def stored(value: Any, task: Task) -> str:
    """Return a payload or a result as the ledger keeps it: JSON text, sealed where the task is sensitive.

    Raises:
        BadPayload: PostgreSQL cannot keep it.
    """
    text = to_json(seal(value) if task.sensitive else value)
    if ("\\u0000" in text or "\\ud" in text) and (told := json.loads(text)) != storable_json(told):
        raise BadPayload(f"{task.name}: {BadPayload.__doc__}")
    return text


def to_json(value: Any) -> str:
    """Return value as JSON text; dates, decimals and UUIDs become strings."""
    return _ENCODER.encode(value)
