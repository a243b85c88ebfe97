"""What the ledger will say of each job of a batch, decided before anything is written."""

import random
import traceback
from dataclasses import dataclass, field

from jobs.batch import Batch, ClaimedJob, Completed, Failed, Outcome, Released
from jobs.errors import JobError, RateLimitedError
from jobs.models import State
from jobs.registry import Task
from jobs.retry import Decision, Family, Next, decide, family_of
from jobs.storable import storable_text

MAX_MESSAGE_LENGTH = 10_000
_STATE_AFTER = {Next.RETRY: State.SCHEDULED, Next.WAIT: State.SCHEDULED, Next.FAIL: State.FAILED, Next.DIE: State.DEAD}
_REASONS = {Family.PERMANENT: "permanent", Family.QUOTA: "quota"}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is kept: its family, what to say of it, and what follows."""

    family: Family
    code: str
    message: str
    traceback: str = field(repr=False)
    status_code: int | None
    decision: Decision

    @property
    def reason(self) -> str:
        """Why the job was given up, where it was."""
        return _REASONS.get(self.family, "exhausted")


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of one job."""

    job: ClaimedJob
    outcome: Outcome
    state: State
    delay_s: float = 0.0
    refund: int = 0
    waited: int = 0
    is_suspect: bool = False
    failure: Failure | None = None


def endings_of(batch: Batch, task: Task) -> list[Ending]:
    """Decide what becomes of each job of a batch whose every job has an outcome."""
    return [_ending(job, batch.outcomes[job.id], task) for job in batch.jobs]


def _ending(job: ClaimedJob, outcome: Outcome, task: Task) -> Ending:
    match outcome:
        case Completed():
            return Ending(job, outcome, State.COMPLETED)
        case Released(is_suspect, is_gated):
            state = State.GATED if is_gated and job.gate else State.PENDING
            return Ending(job, outcome, state, refund=1, is_suspect=is_suspect)
        case Failed(error):
            return _failed(job, outcome, error, task)


def _failed(job: ClaimedJob, outcome: Failed, error: BaseException, task: Task) -> Ending:
    family = family_of(error)
    code = error.code if isinstance(error, JobError) else f"bug.{type(error).__name__}"
    decision = decide(
        policy=task.retry,
        family=family,
        code=code,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        waits=job.waits,
        retry_after_s=error.retry_after_s if isinstance(error, RateLimitedError) else None,
        chance=random.random(),  # noqa: S311 it spreads retries, it keeps no secret
    )
    is_wait = int(decision.next is Next.WAIT)
    failure = Failure(
        family=family,
        code=code,
        message=storable_text(str(error)[:MAX_MESSAGE_LENGTH]),
        traceback=storable_text("".join(traceback.format_exception(error))),
        status_code=getattr(error, "status_code", None),
        decision=decision,
    )
    state = _STATE_AFTER[decision.next]
    return Ending(job, outcome, state, decision.delay_s, refund=is_wait, waited=is_wait, failure=failure)
