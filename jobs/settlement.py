"""End claimed jobs: one transaction for the ledger, their effects, their follow-ups and their dead letters."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jobs import sql
from jobs.batch import Batch, ClaimedJob, Completed, GivenUp, NewJob
from jobs.dead_letters import Burial, bury
from jobs.endings import Ending, endings_of
from jobs.ledger import enqueue_many, stored
from jobs.models import JobAttempt, State
from jobs.privacy import redact_text
from jobs.registry import Task
from jobs.retry import Family
from jobs.sensitive import stored_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settlement changed, in jobs."""

    completed: int = 0
    retried: int = 0
    given_up: int = 0
    released: int = 0
    cancelled: int = 0
    fenced: int = 0


def settle(batch: Batch, *, task: Task, worker_name: str, run_s: float) -> Settled:
    """Write the outcomes of a batch whose every job has one.

    Rows change only where the lease is still ours. Effects run for the completed ones among them, then
    follow-ups are enqueued, all in one transaction: it happens whole or not at all. A job whose cancellation
    was asked for meanwhile ends as cancelled, without effects or follow-ups.
    """
    if _is_plain(batch):
        return _settle_plain(batch, task=task, run_s=run_s)
    worker_id = batch.jobs[0].worker_id
    endings = endings_of(batch, task)
    with transaction.atomic():
        with connection.cursor() as cursor:
            states = _write(cursor, endings, task, worker_id)
            accepted = [ending for ending in endings if states.get(ending.job.id) == ending.state]
            _settle_keys(cursor, endings, states)
        completed = [ending.job for ending in accepted if ending.state == State.COMPLETED]
        if completed:
            for effect in batch.effects:
                effect(completed)
        _record_failures(accepted, task, worker_name)
        settled = _count(endings, accepted, states)
        _count_minute(accepted, settled, task=task, worker_id=worker_id, run_s=run_s)
        _enqueue_follow_ups(accepted)
    _log_failures(accepted, task, worker_name)
    return settled


def _is_plain(batch: Batch) -> bool:
    """Tell whether all jobs are completed and leave nothing behind: no result, follow-up, effect or key."""
    return not batch.effects and all(
        type(outcome) is Completed and outcome.result is None and not outcome.then
        for outcome in batch.outcomes.values()
    ) and not any(job.key for job in batch.jobs)  # fmt: skip


def _settle_plain(batch: Batch, *, task: Task, run_s: float) -> Settled:
    jobs = batch.jobs
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SETTLE_PLAIN,
            {
                "ids": [job.id for job in jobs],
                "leases": [job.lease for job in jobs],
                "worker": jobs[0].worker_id,
                "task": task.name,
                "run_s": run_s,
                "wait_s": sum(job.wait_s for job in jobs),
            },
        )
        completed, ours = cursor.fetchone()
    return Settled(completed=completed, cancelled=ours - completed, fenced=len(jobs) - ours)


def _write(cursor: Any, endings: Sequence[Ending], task: Task, worker_id: int) -> dict[int, str]:
    """Change the rows whose lease is still ours; return the states that they have now."""
    cursor.execute(
        sql.SETTLE,
        [
            [ending.job.id for ending in endings],
            [ending.job.lease for ending in endings],
            [ending.state.value for ending in endings],
            [float(ending.delay_s) for ending in endings],
            [ending.refund for ending in endings],
            [ending.waited for ending in endings],
            [ending.is_suspect for ending in endings],
            [_result(ending, task) for ending in endings],
            [ending.failure.code if ending.failure else "" for ending in endings],
            [_kept(ending.failure.message, ending, task) if ending.failure else "" for ending in endings],
            [ending.job.id for ending in endings],
            worker_id,
        ],
    )
    return dict(cursor.fetchall())


def _kept(text: str, ending: Ending, task: Task) -> str:
    return stored_text(text, payload=ending.job.payload, task=task)


def _result(ending: Ending, task: Task) -> str | None:
    outcome = ending.outcome
    if isinstance(outcome, Completed) and outcome.result is not None:
        return stored(outcome.result, task)
    return None


def _settle_keys(cursor: Any, endings: Sequence[Ending], states: Mapping[int, str]) -> None:
    """Hold the keys of completed jobs for a day, free those of jobs that were given up or cancelled."""
    keyed = [ending.job.id for ending in endings if ending.job.key and ending.job.id in states]
    if not keyed:
        return
    kept = [job_id for job_id in keyed if states[job_id] == State.COMPLETED]
    freed = [job_id for job_id in keyed if states[job_id] in (State.FAILED, State.DEAD, State.CANCELLED)]
    if kept:
        cursor.execute(sql.KEEP_KEYS, [kept])
    if freed:
        cursor.execute(sql.FREE_KEYS, [freed])


def _enqueue_follow_ups(accepted: Sequence[Ending]) -> None:
    enqueue_many(
        [
            inherit(new, ending.job)
            for ending in accepted
            if isinstance(ending.outcome, Completed)
            for new in ending.outcome.then
        ]
    )


def inherit(new: NewJob, parent: ClaimedJob) -> NewJob:
    """Return `new` with what it leaves open taken from the job that it follows."""
    return replace(
        new,
        tenant=parent.tenant if new.tenant is None else new.tenant,
        priority=parent.priority if new.priority is None else new.priority,
        group=parent.group if new.group is None else new.group,
        meta=parent.meta if new.meta is None else new.meta,
        parent=parent.id if new.parent is None else new.parent,
    )


def _record_failures(accepted: Sequence[Ending], task: Task, worker_name: str) -> None:
    failed = [ending for ending in accepted if ending.failure is not None]
    if not failed:
        return
    now = timezone.now()
    JobAttempt.objects.bulk_create([_attempt(ending, task, worker_name, now) for ending in failed])
    bury([_burial(ending, task, now) for ending in failed if ending.state in (State.FAILED, State.DEAD)], task)


def _attempt(ending: Ending, task: Task, worker_name: str, now: datetime) -> JobAttempt:
    failure = ending.failure
    assert failure is not None  # noqa: S101 only failed ones come here
    return JobAttempt(
        job_id=ending.job.id,
        attempt=ending.job.attempt,
        worker_name=worker_name,
        started_at=ending.job.claimed_at,
        ended_at=now,
        family=failure.family,
        error_code=failure.code,
        error_message=_kept(failure.message, ending, task),
        traceback=_kept(failure.traceback, ending, task),
        decision=failure.decision.reason,
    )


def _burial(ending: Ending, task: Task, now: datetime) -> Burial:
    failure = ending.failure
    assert failure is not None  # noqa: S101 only failed ones come here
    return Burial(
        given_up=GivenUp(
            id=ending.job.id,
            task=ending.job.task,
            tenant=ending.job.tenant,
            group=ending.job.group,
            payload=ending.job.payload,
            reason=failure.reason,
            error_code=failure.code,
            error_message=failure.message,
        ),
        traceback=failure.traceback,
        last_attempt_at=now,
        status_code=failure.status_code,
    )


def _count(endings: Sequence[Ending], accepted: Sequence[Ending], states: Mapping[int, str]) -> Settled:
    reached = Counter(ending.state for ending in accepted)
    return Settled(
        completed=reached[State.COMPLETED],
        retried=reached[State.SCHEDULED],
        given_up=reached[State.FAILED] + reached[State.DEAD],
        released=reached[State.PENDING] + reached[State.GATED],
        cancelled=len(states) - len(accepted),
        fenced=len(endings) - len(states),
    )


def _count_minute(accepted: Sequence[Ending], settled: Settled, *, task: Task, worker_id: int, run_s: float) -> None:
    if not accepted:
        return
    wait_s = sum(ending.job.wait_s for ending in accepted)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.COUNT_MINUTE,
            [task.name, worker_id, settled.completed, settled.given_up, settled.retried, run_s, wait_s],
        )


def _log_failures(accepted: Sequence[Ending], task: Task, worker_name: str) -> None:
    for ending in accepted:
        failure = ending.failure
        if failure is None:
            continue
        is_bug = failure.family is Family.BUG
        text = f"{failure.message}\n{failure.traceback}" if is_bug else failure.message
        logger.log(
            logging.ERROR if is_bug or ending.state in (State.FAILED, State.DEAD) else logging.WARNING,
            "job failed: %s",
            "(not shown)" if task.sensitive else redact_text(text, payload=ending.job.payload, pii=task.pii),
            extra={
                "task": ending.job.task,
                "job": ending.job.id,
                "tenant": ending.job.tenant,
                "attempt": ending.job.attempt,
                "family": str(failure.family),
                "code": failure.code,
                "decision": failure.decision.reason,
                "worker": worker_name,
            },
        )
