"""The retry policy, by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError, RetryableError
from jobs.retry import JITTER, MAX_BACKOFF_S, Family, Next, decide, family_of


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (RetryableError(), Family.RETRYABLE),
        (JobError(), Family.RETRYABLE),
        (RateLimitedError(retry_after_s=3), Family.RATE_LIMITED),
        (PermanentError(), Family.PERMANENT),
        (QuotaExceededError(), Family.QUOTA),
        (ValueError(), Family.BUG),
    ],
)
def test_each_error_belongs_to_one_family(error: Exception, family: Family) -> None:
    assert family_of(error) is family


@pytest.mark.parametrize(
    ("family", "attempt", "waits", "next_", "delay_s"),
    [
        (Family.RETRYABLE, 1, 0, Next.RETRY, 2),
        (Family.RETRYABLE, 2, 0, Next.RETRY, 4),
        (Family.RETRYABLE, 3, 0, Next.DIE, 0),
        (Family.BUG, 1, 0, Next.RETRY, 2),
        (Family.BUG, 3, 0, Next.DIE, 0),
        (Family.PERMANENT, 1, 0, Next.FAIL, 0),
        (Family.QUOTA, 1, 0, Next.FAIL, 0),
        (Family.RATE_LIMITED, 3, 0, Next.WAIT, 7),
        (Family.RATE_LIMITED, 1, 4, Next.WAIT, 7),
        (Family.RATE_LIMITED, 1, 5, Next.RETRY, 2),
        (Family.RATE_LIMITED, 3, 5, Next.DIE, 0),
    ],
)
def test_the_policy_decides(family: Family, attempt: int, waits: int, next_: Next, delay_s: float) -> None:
    decision = decide(
        family=family, attempt=attempt, max_attempts=3, waits=waits, backoff_s=2, retry_after_s=7, chance=0
    )
    assert (decision.next, decision.delay_s) == (next_, delay_s)


def test_a_task_may_declare_a_fourth_attempt_after_eight_seconds() -> None:
    decision = decide(family=Family.RETRYABLE, attempt=3, max_attempts=4, waits=0, backoff_s=2, chance=0)
    assert (decision.next, decision.delay_s) == (Next.RETRY, 8)


@given(
    attempt=st.integers(1, 200),
    backoff_s=st.floats(0.01, 100),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_backoff_stays_within_its_bounds(attempt: int, backoff_s: float, chance: float) -> None:
    decision = decide(
        family=Family.RETRYABLE, attempt=attempt, max_attempts=300, waits=0, backoff_s=backoff_s, chance=chance
    )
    wanted = min(backoff_s * 2 ** (attempt - 1), MAX_BACKOFF_S)
    assert wanted <= decision.delay_s <= wanted * (1 + JITTER)


def test_an_error_says_its_docstring_unless_told_otherwise() -> None:
    assert str(PermanentError()).startswith("The job cannot succeed as it is")
    assert str(PermanentError("no such page")) == "no such page"
