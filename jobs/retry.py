"""What happens after a failed attempt, as a value: no clock, no database, no chance in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError


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


@dataclass(frozen=True, slots=True)
class Curve:
    """How often a kind of failure is tried, and how long before each further time: an exponential, or a table.

    Args:
        attempts: executions in all; None: as many as the job has.
        first_s: the wait after the first failure, in seconds.
        factor: what each further wait is multiplied by.
        cap_s: the longest wait, before jitter.
        jitter: the share of the wait that chance may add, so that jobs that failed together return apart.
        waits_s: the waits themselves, in place of first_s, factor and cap_s; the last one holds for all further ones.
    """

    attempts: int | None = None
    first_s: float = 2.0
    factor: float = 2.0
    cap_s: float = 3600.0
    jitter: float = 0.1
    waits_s: tuple[float, ...] = ()

    def delay_s(self, *, attempt: int, chance: float) -> float:
        """Return the wait after failed attempt number `attempt` (from 1); `chance` is in [0, 1)."""
        if self.waits_s:
            wait_s = self.waits_s[min(attempt, len(self.waits_s)) - 1]
        else:  # beyond the hundredth attempt the power would overflow, and the cap holds long before
            wait_s = min(self.first_s * self.factor ** min(attempt - 1, 100), self.cap_s)
        return wait_s * (1 + self.jitter * chance)


ONCE = Curve(attempts=1)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What a task does about each kind of failure: a table.

    Args:
        curve: for retryable errors and bugs.
        bugs: for bugs, where they differ.
        by_code: for errors whose code is, or begins with, the key; the longest key that fits wins.
        waits: how often a rate limit may send a job back without spending an attempt.
        wait_s: how long it waits then, when it was not told how long.
    """

    curve: Curve = Curve()
    bugs: Curve | None = None
    by_code: Mapping[str, Curve] = field(default_factory=dict)
    waits: int = 5
    wait_s: float = 60.0

    def curve_of(self, family: Family, code: str) -> Curve:
        """Return the curve for an error."""
        fitting = [key for key in self.by_code if code == key or code.startswith(f"{key}.")]
        if fitting:
            return self.by_code[max(fitting, key=len)]
        return self.bugs if family is Family.BUG and self.bugs is not None else self.curve


# 2 s, 4 s, and 8 s where a task declares a fourth attempt. Source: requirement M3.
STANDARD = RetryPolicy()
# 1 s x 2^(n-1), 60 s at most, then up to 30 % more; rate limits wait 60 s or as told, five times.
# Source: requirement E4.
REMOTE_API = RetryPolicy(curve=Curve(first_s=1.0, cap_s=60.0, jitter=0.3))


def decide(
    *,
    policy: RetryPolicy,
    family: Family,
    code: str,
    attempt: int,
    max_attempts: int,
    waits: int,
    retry_after_s: float | None = None,
    chance: float,
) -> Decision:
    """Decide what follows attempt number `attempt` (from 1) that failed.

    Args:
        policy: the task's.
        family: what kind of failure it was.
        code: the error's code.
        attempt: the number of the attempt that failed.
        max_attempts: how many attempts the job has.
        waits: how many times a rate limit has sent the job back before.
        retry_after_s: the wait that a rate limit asked for; None where it did not say.
        chance: a random number in [0, 1).
    """
    if family is Family.PERMANENT:
        return Decision(Next.FAIL, 0, "a permanent error is not tried again")
    if family is Family.QUOTA:
        return Decision(Next.FAIL, 0, "a used-up quota is not tried again")
    if family is Family.RATE_LIMITED and waits < policy.waits:
        wait_s = policy.wait_s if retry_after_s is None else retry_after_s
        return Decision(Next.WAIT, wait_s, f"wait {waits + 1} of {policy.waits}, {wait_s:.1f} s")
    curve = policy.curve_of(family, code)
    last = max_attempts if curve.attempts is None else min(max_attempts, curve.attempts)
    if attempt >= last:
        return Decision(Next.DIE, 0, f"attempt {attempt} of {last} was the last")
    delay_s = curve.delay_s(attempt=attempt, chance=chance)
    return Decision(Next.RETRY, delay_s, f"attempt {attempt} of {last} failed, next in {delay_s:.1f} s")
