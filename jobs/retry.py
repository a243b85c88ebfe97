"""What happens after a failed attempt, as a value: no clock, no database, no chance in here."""

from dataclasses import dataclass
from enum import StrEnum

from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError

MAX_WAITS = 5
MAX_BACKOFF_S = 3600.0
JITTER = 0.1


class Family(StrEnum):
    """The families of failure, as they are stored and counted."""

    RETRYABLE = "retryable"
    RATE_LIMITED = "rate_limited"
    PERMANENT = "permanent"
    QUOTA = "quota"
    BUG = "bug"
    CRASH = "crash"


class Next(StrEnum):
    """What becomes of the job."""

    RETRY = "retry"  # scheduled, the attempt is spent
    WAIT = "wait"  # scheduled, no attempt is spent
    FAIL = "fail"  # failed: a permanent error
    DIE = "die"  # dead: attempts used up, or quarantined


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a job after a failed attempt."""

    next: Next
    delay_s: float
    reason: str


def family_of(error: BaseException) -> Family:
    """Name the family of an error; whatever is no JobError is a bug."""
    match error:
        case RateLimitedError():
            return Family.RATE_LIMITED
        case QuotaExceededError():
            return Family.QUOTA
        case PermanentError():
            return Family.PERMANENT
        case JobError():
            return Family.RETRYABLE
        case _:
            return Family.BUG


def decide(
    *,
    family: Family,
    attempt: int,
    max_attempts: int,
    waits: int,
    backoff_s: float,
    retry_after_s: float = 0.0,
    chance: float,
) -> Decision:
    """Decide what follows attempt number `attempt` (from 1) that failed.

    Args:
        family: what kind of failure it was.
        attempt: the number of the attempt that failed.
        max_attempts: how many attempts the job has.
        waits: how many times a rate limit has sent the job back before.
        backoff_s: the wait before the second attempt; it doubles with each further one.
        retry_after_s: the wait that a rate limit asked for.
        chance: a random number in [0, 1) that spreads retries over a tenth of their wait.
    """
    if family is Family.PERMANENT:
        return Decision(Next.FAIL, 0, "a permanent error is not tried again")
    if family is Family.QUOTA:
        return Decision(Next.FAIL, 0, "a used-up quota is not tried again")
    if family is Family.RATE_LIMITED and waits < MAX_WAITS:
        return Decision(Next.WAIT, retry_after_s, f"wait {waits + 1} of {MAX_WAITS}, {retry_after_s:.1f} s as asked")
    if attempt >= max_attempts:
        return Decision(Next.DIE, 0, f"attempt {attempt} of {max_attempts} was the last")
    delay_s = min(backoff_s * 2 ** (attempt - 1), MAX_BACKOFF_S) * (1 + JITTER * chance)
    return Decision(Next.RETRY, delay_s, f"attempt {attempt} of {max_attempts} failed, next in {delay_s:.1f} s")
