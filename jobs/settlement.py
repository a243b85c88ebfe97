"""End claimed jobs: one transaction for the ledger, their effects, their follow-ups and their dead letters."""

import logging
import random
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jobs import sql
from jobs.batch import Batch, ClaimedJob, Completed, Failed, GivenUp, NewJob, Outcome, Released
from jobs.dead_letters import Burial, bury
from jobs.errors import JobError, RateLimitedError
from jobs.ledger import enqueue_many, to_json
from jobs.models import JobAttempt, State
from jobs.registry import Task
from jobs.retry import Decision, Family, Next, decide, family_of

logger = logging.getLogger(__name__)

_STATE_AFTER = {Next.RETRY: State.SCHEDULED, Next.WAIT: State.SCHEDULED, Next.FAIL: State.FAILED, Next.DIE: State.DEAD}
MAX_MESSAGE_LENGTH = 10_000
_REASONS = {Family.PERMANENT: "permanent", Family.QUOTA: "quota"}


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settlement changed, in jobs."""

    completed: int = 0
    retried: int = 0
    given_up: int = 0
    released: int = 0
    fenced: int = 0


@dataclass(frozen=True, slots=True)
class _Ending:
    """What the ledger will say of one job."""

    job: ClaimedJob
    outcome: Outcome
    state: State
    delay_s: float = 0.0
    refund: int = 0
    waited: int = 0
    is_suspect: bool = False
    error_code: str = ""
    error_message: str = ""
    family: Family | None = None
    decision: Decision | None = None
    traceback: str = field(default="", repr=False)


def settle(batch: Batch, *, task: Task, worker_id: int, worker_name: str, run_s: float) -> Settled:
    """Write the outcomes of a batch whose every job has one.

    Rows change only where the lease is still ours. Effects run for the completed ones among them, then
    follow-ups are enqueued, all in one transaction: it happens whole or not at all.
    """
    endings = [_ending(job, batch.outcomes[job.id], task) for job in batch.jobs]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql.SETTLE, [*_columns(endings), worker_id])
            ours = {row[0] for row in cursor.fetchall()}
            accepted = [ending for ending in endings if ending.job.id in ours]
            _settle_keys(cursor, accepted)
        completed = [ending.job for ending in accepted if ending.state == State.COMPLETED]
        if completed:
            for effect in batch.effects:
                effect(completed)
        _record_failures(accepted, task, worker_name)
        settled = _count(endings, accepted)
        _enqueue_follow_ups(accepted)
        _count_minute(accepted, settled, task=task, worker_id=worker_id, run_s=run_s)
    _log_failures(accepted, worker_name)
    return settled


def _ending(job: ClaimedJob, outcome: Outcome, task: Task) -> _Ending:
    match outcome:
        case Completed():
            return _Ending(job, outcome, State.COMPLETED)
        case Released(is_suspect):
            return _Ending(job, outcome, State.PENDING, refund=1, is_suspect=is_suspect)
        case Failed(error):
            return _failed_ending(job, outcome, error, task)


def _failed_ending(job: ClaimedJob, outcome: Failed, error: BaseException, task: Task) -> _Ending:
    family = family_of(error)
    decision = decide(
        family=family,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        waits=job.waits,
        backoff_s=task.backoff_s,
        retry_after_s=error.retry_after_s if isinstance(error, RateLimitedError) else 0.0,
        chance=random.random(),  # noqa: S311 it spreads retries, it keeps no secret
    )
    is_wait = decision.next is Next.WAIT
    return _Ending(
        job=job,
        outcome=outcome,
        state=_STATE_AFTER[decision.next],
        delay_s=decision.delay_s,
        refund=int(is_wait),
        waited=int(is_wait),
        error_code=error.code if isinstance(error, JobError) else f"bug.{type(error).__name__}",
        error_message=str(error)[:MAX_MESSAGE_LENGTH].replace("\x00", ""),
        family=family,
        decision=decision,
        traceback="".join(traceback.format_exception(error)).replace("\x00", ""),
    )


def _columns(endings: Sequence[_Ending]) -> list[list[Any]]:
    return [
        [ending.job.id for ending in endings],
        [ending.job.lease for ending in endings],
        [str(ending.state) for ending in endings],
        [float(ending.delay_s) for ending in endings],
        [ending.refund for ending in endings],
        [ending.waited for ending in endings],
        [ending.is_suspect for ending in endings],
        [_result(ending.outcome) for ending in endings],
        [ending.error_code for ending in endings],
        [ending.error_message for ending in endings],
    ]


def _result(outcome: Outcome) -> str | None:
    if isinstance(outcome, Completed) and outcome.result is not None:
        return to_json(outcome.result)
    return None


def _settle_keys(cursor: Any, accepted: Sequence[_Ending]) -> None:
    """Hold the keys of completed jobs for a day, free those of jobs that were given up."""
    kept = [ending.job.id for ending in accepted if ending.job.key and ending.state == State.COMPLETED]
    freed = [ending.job.id for ending in accepted if ending.job.key and ending.state in (State.FAILED, State.DEAD)]
    if kept:
        cursor.execute(sql.KEEP_KEYS, [kept])
    if freed:
        cursor.execute(sql.FREE_KEYS, [freed])


def _enqueue_follow_ups(accepted: Sequence[_Ending]) -> None:
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
    return NewJob(
        task=new.task,
        payload=new.payload,
        tenant=parent.tenant if new.tenant is None else new.tenant,
        priority=parent.priority if new.priority is None else new.priority,
        key=new.key,
        group=parent.group if new.group is None else new.group,
        gate=new.gate,
        delay_s=new.delay_s,
        meta={**parent.meta, "parent": parent.id} if new.meta is None else new.meta,
    )


def _record_failures(accepted: Sequence[_Ending], task: Task, worker_name: str) -> None:
    failed = [ending for ending in accepted if ending.decision is not None]
    if not failed:
        return
    now = timezone.now()
    JobAttempt.objects.bulk_create([_attempt(ending, worker_name, now) for ending in failed])
    bury([_burial(ending, now) for ending in failed if ending.state in (State.FAILED, State.DEAD)], task)


def _attempt(ending: _Ending, worker_name: str, now: datetime) -> JobAttempt:
    return JobAttempt(
        job_id=ending.job.id,
        attempt=ending.job.attempt,
        worker_name=worker_name,
        started_at=ending.job.claimed_at,
        ended_at=now,
        family=ending.family or "",
        error_code=ending.error_code,
        error_message=ending.error_message,
        traceback=ending.traceback,
        decision=ending.decision.reason if ending.decision else "",
    )


def _burial(ending: _Ending, now: datetime) -> Burial:
    return Burial(
        given_up=GivenUp(
            id=ending.job.id,
            task=ending.job.task,
            tenant=ending.job.tenant,
            group=ending.job.group,
            payload=ending.job.payload,
            reason=_REASONS.get(ending.family, "exhausted") if ending.family else "exhausted",
            error_code=ending.error_code,
            error_message=ending.error_message,
        ),
        traceback=ending.traceback,
        last_attempt_at=now,
    )


def _count(endings: Sequence[_Ending], accepted: Sequence[_Ending]) -> Settled:
    states = Counter(ending.state for ending in accepted)
    return Settled(
        completed=states[State.COMPLETED],
        retried=states[State.SCHEDULED],
        given_up=states[State.FAILED] + states[State.DEAD],
        released=states[State.PENDING],
        fenced=len(endings) - len(accepted),
    )


def _count_minute(accepted: Sequence[_Ending], settled: Settled, *, task: Task, worker_id: int, run_s: float) -> None:
    if not accepted:
        return
    wait_s = sum(ending.job.wait_s for ending in accepted)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.COUNT_MINUTE,
            [task.name, worker_id, settled.completed, settled.given_up, settled.retried, run_s, wait_s],
        )


def _log_failures(accepted: Sequence[_Ending], worker_name: str) -> None:
    for ending in accepted:
        if ending.decision is None:
            continue
        is_bug = ending.family is Family.BUG
        logger.log(
            logging.ERROR if is_bug or ending.state in (State.FAILED, State.DEAD) else logging.WARNING,
            "job failed: %s%s",
            ending.error_message,
            f"\n{ending.traceback}" if is_bug else "",
            extra={
                "task": ending.job.task,
                "job": ending.job.id,
                "tenant": ending.job.tenant,
                "attempt": ending.job.attempt,
                "family": str(ending.family),
                "code": ending.error_code,
                "decision": ending.decision.reason,
                "worker": worker_name,
            },
        )
