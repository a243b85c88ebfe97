"""What the ledger promises, as checks of two photographs of it: one before a step, one after."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db import connection

from jobs.claim import parsed
from jobs.models import FINAL_STATES, LIVE_STATES, State


@dataclass(frozen=True, slots=True)
class Row:
    """What may change of a job."""

    state: str
    attempt: int
    max_attempts: int
    lease: int
    task: str
    queue: str
    tenant: str
    priority: int
    key: str | None
    worker_id: int | None
    origin_id: int | None
    is_suspect: bool
    is_cancelling: bool
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class Photograph:
    """All there is, at one moment."""

    jobs: Mapping[int, Row]
    effects: Sequence[int]
    letters: Sequence[int]
    keys: Sequence[tuple[int, bool]]  # whose, and whether it expires
    waiting: Sequence[int]
    told: Sequence[tuple[str, int]]  # kind, job
    final_groups: Sequence[str]


_COLUMNS = [it.name for it in fields(Row)]
# One round trip: a step takes a photograph, and steps are many.
_ALL = f"""
SELECT (SELECT json_agg(json_build_array(id, {", ".join(_COLUMNS)})) FROM jobs_job),
       (SELECT json_agg(job_id) FROM workload_effect),
       (SELECT json_agg(job_id) FROM jobs_deadletter),
       (SELECT json_agg(json_build_array(job_id, expires_at IS NOT NULL)) FROM jobs_jobkey),
       (SELECT json_agg(DISTINCT job_id) FROM jobs_jobdependency),
       (SELECT json_agg(json_build_array(kind, one)) FROM jobs_jobevent, unnest(ids) AS one),
       (SELECT json_agg(name) FROM jobs_jobgroup WHERE final_at IS NOT NULL)
"""


def photograph() -> Photograph:
    """Look at the whole ledger."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL)
        jobs, effects, letters, keys, waiting, told, final_groups = (parsed(value) or [] for value in cursor.fetchone())
    return Photograph(
        jobs={pk: Row(*values) for pk, *values in jobs},
        effects=effects,
        letters=letters,
        keys=[tuple(pair) for pair in keys],
        waiting=waiting,
        told=[tuple(pair) for pair in told],
        final_groups=final_groups,
    )


def assert_jobs_keep_their_promises(before: Photograph, now: Photograph) -> None:
    """No job is lost, no lease shrinks, what is final stays as it is, no more attempts than allowed."""
    assert before.jobs.keys() <= now.jobs.keys(), "a job is gone"
    for pk, row in now.jobs.items():
        was = before.jobs.get(pk)
        if was is not None:
            assert row.lease >= was.lease
            assert was.state not in FINAL_STATES or row == was, "a final state changed"
        assert 0 <= row.attempt <= row.max_attempts
        assert (row.finished_at is not None) == (row.state in FINAL_STATES)
        assert (row.state != State.RUNNING) or (row.worker_id is not None)
        assert not row.is_cancelling or row.state == State.RUNNING


def assert_each_end_has_one_effect(now: Photograph) -> None:
    """Completed, failed and dead jobs of a task with effects have one each, all others none; so with dead letters."""
    acting = {pk: row.state for pk, row in now.jobs.items() if row.task == "act"}
    assert Counter(now.effects) == {pk: 1 for pk, state in acting.items() if state in ("completed", "failed", "dead")}
    given_up = {pk: 1 for pk, row in now.jobs.items() if row.state in ("failed", "dead")}
    assert Counter(now.letters) == given_up


def assert_keys_are_held_once(now: Photograph) -> None:
    """One living job at most holds a key; what holds one and does not live was completed, and not for ever."""
    living = Counter((row.task, row.key) for row in now.jobs.values() if row.key and row.state in LIVE_STATES)
    assert max(living.values(), default=1) == 1
    for pk, expires in now.keys:
        state = now.jobs[pk].state
        assert (state == State.COMPLETED) if expires else (state in LIVE_STATES)


def assert_who_waits_waits_for_something(now: Photograph) -> None:
    """A job that waits has something to wait for, and others have not."""
    assert {pk for pk, row in now.jobs.items() if row.state == State.WAITING} == set(now.waiting)


def assert_each_end_is_told_once(now: Photograph) -> None:
    """Readers of the events hear once of each job that ended."""
    told = Counter(pair for pair in now.told if pair[0] in FINAL_STATES)
    assert told == {(row.state, pk): 1 for pk, row in now.jobs.items() if row.state in FINAL_STATES}


def assert_groups_are_followed_once(now: Photograph) -> None:
    """A group has one follow-up from the moment that it is final, and none before."""
    keys = [row.key for row in now.jobs.values() if row.key and row.key.startswith("group:") and row.origin_id is None]
    assert Counter(keys) == {f"group:{name}": 1 for name in now.final_groups}


def assert_all_promises(before: Photograph, now: Photograph) -> None:
    """Check everything."""
    assert_jobs_keep_their_promises(before, now)
    assert_each_end_has_one_effect(now)
    assert_keys_are_held_once(now)
    assert_who_waits_waits_for_something(now)
    assert_each_end_is_told_once(now)
    assert_groups_are_followed_once(now)


def runnable(now: Photograph, queue: str, *, paused: set[str]) -> dict[int, Row]:
    """Return what of the queue may be claimed."""
    return {
        pk: row
        for pk, row in now.jobs.items()
        if row.queue == queue
        and row.state == State.PENDING
        and not paused & {f"queue:{queue}", f"task:{row.task}", f"tenant:{row.tenant}"}
    }


def is_ours(now: Photograph, job: Any) -> bool:
    """Tell whether a claimed job is still held under the lease of that claim."""
    row = now.jobs[job.id]
    return row.state == State.RUNNING and row.lease == job.lease
