"""The retry policy, by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import JobError, PermanentError, QuotaExceededError, RateLimitedError, RetryableError
from jobs.retry import ONCE, REMOTE_API, STANDARD, Curve, Decision, Family, Next, RetryPolicy, decide, family_of


def _after(
    attempt: int, family: Family = Family.RETRYABLE, *, policy: RetryPolicy = STANDARD, **given: object
) -> Decision:
    arguments: dict = {"code": "x.y", "max_attempts": 3, "waits": 0, "chance": 0.0} | given
    return decide(policy=policy, family=family, attempt=attempt, **arguments)


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
def test_the_family_decides_what_follows(family: Family, attempt: int, waits: int, next_: Next, delay_s: float) -> None:
    decision = _after(attempt, family, waits=waits, retry_after_s=7.0)
    assert (decision.next, decision.delay_s) == (next_, delay_s)


def test_the_pipeline_waits_2_4_and_8_seconds() -> None:
    assert [_after(attempt, max_attempts=4).delay_s for attempt in (1, 2, 3)] == [2, 4, 8]
    assert _after(4, max_attempts=4).next is Next.DIE


def test_a_remote_api_waits_1_2_4_up_to_60_seconds_and_up_to_30_percent_more() -> None:
    waits = [_after(attempt, policy=REMOTE_API, max_attempts=99).delay_s for attempt in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert _after(7, policy=REMOTE_API, max_attempts=99, chance=0.5).delay_s == pytest.approx(69)


def test_a_rate_limit_that_does_not_say_how_long_waits_as_the_policy_says() -> None:
    assert _after(1, Family.RATE_LIMITED, policy=REMOTE_API).delay_s == 60


def test_a_policy_may_differ_by_error_code_and_by_bug() -> None:
    policy = RetryPolicy(
        curve=Curve(first_s=2),
        bugs=ONCE,
        by_code={"api": Curve(first_s=10), "api.server": Curve(first_s=20, attempts=2), "api.key": ONCE},
    )
    assert _after(1, policy=policy, code="other").delay_s == 2
    assert _after(1, policy=policy, code="api.timeout").delay_s == 10
    assert _after(1, policy=policy, code="api.server.500").delay_s == 20
    assert _after(2, policy=policy, code="api.server").next is Next.DIE
    assert _after(1, policy=policy, code="api.key").next is Next.DIE
    assert _after(1, policy=policy, code="apiary").delay_s == 2
    assert _after(1, Family.BUG, policy=policy, code="bug.ValueError").next is Next.DIE


@given(
    attempt=st.integers(1, 10_000),
    max_attempts=st.integers(1, 10_000),
    waits=st.integers(0, 9),
    chance=st.floats(0, 1, exclude_max=True),
    family=st.sampled_from(Family),
)
def test_a_decision_ends_what_has_no_attempts_left_and_never_waits_beyond_the_cap(
    attempt: int, max_attempts: int, waits: int, chance: float, family: Family
) -> None:
    decision = _after(attempt, family, max_attempts=max_attempts, waits=waits, chance=chance, retry_after_s=1.0)
    assert 0 <= decision.delay_s <= STANDARD.curve.cap_s * (1 + STANDARD.curve.jitter)
    if decision.next is Next.RETRY:
        assert attempt < max_attempts
    if decision.next in (Next.FAIL, Next.DIE):
        assert decision.delay_s == 0
    if decision.next is Next.WAIT:
        assert waits < STANDARD.waits


def test_a_curve_may_be_a_table_whose_last_wait_holds() -> None:
    curve = Curve(waits_s=(5, 300, 1800), jitter=0.1)
    assert [curve.delay_s(attempt=attempt, chance=0) for attempt in (1, 2, 3, 4, 1000)] == [5, 300, 1800, 1800, 1800]
    assert curve.delay_s(attempt=2, chance=0.5) == pytest.approx(315)
