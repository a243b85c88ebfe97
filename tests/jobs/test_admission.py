"""Work from outside is refused, with the time to come back, when it is too much; the urgent last of all."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db.models.functions import Now, TruncMinute

from jobs import admission, load, token_bucket
from jobs.admission import Reason, Standing, TooManyJobs, admit, overload_limit, refusal, standing_of
from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.load import Load, LoadMeter, current_load, measure_load
from jobs.models import Job, Priority, TaskMinute, Tenant

pytestmark = pytest.mark.django_db

IDLE = Standing(per_minute=600, max_waiting=100, waiting=0)


@pytest.fixture(autouse=True)
def fresh_redis(settings: Any) -> Iterator[None]:
    """Forget the load and what earlier tests took."""
    with redis.Redis.from_url(settings.CACHE_URL) as client:
        client.delete(load.KEY, *client.scan_iter("souk:rate:*"))
        yield
        client.delete(load.KEY)


def _refused(**asked: Any) -> TooManyJobs:
    with pytest.raises(TooManyJobs) as caught:
        admit(**asked)
    return caught.value


@pytest.mark.parametrize(
    ("depth", "refused"),
    [
        (1_000, set()),
        (1_001, {Priority.LOW}),
        (2_001, {Priority.LOW, Priority.NORMAL}),
        (4_001, {Priority.LOW, Priority.NORMAL, Priority.HIGH}),
        (10**9, {Priority.LOW, Priority.NORMAL, Priority.HIGH}),
    ],
)
def test_under_overload_the_least_urgent_is_put_off_first(depth: int, refused: set[Priority]) -> None:
    found = {
        priority
        for priority in Priority
        if refusal(load=Load(depth), standing=IDLE, priority=priority, count=1, overload_depth=1_000)
    }
    assert found == refused


@pytest.mark.parametrize(("drain_per_s", "retry_after_s"), [(0.0, 300), (10.0, 100), (0.1, 300), (10_000.0, 1)])
def test_the_time_to_come_back_follows_the_pace(drain_per_s: float, retry_after_s: int) -> None:
    busy = Load(depth=2_000, drain_per_s=drain_per_s)
    refused = refusal(load=busy, standing=IDLE, priority=Priority.LOW, count=1, overload_depth=1_000)
    assert refused is not None
    assert (refused.reason, refused.retry_after_s, refused.code) == (
        Reason.OVERLOAD,
        retry_after_s,
        "jobs.too_many.overload",
    )


@pytest.mark.parametrize(
    ("waiting", "count", "is_refused"),
    [(99, 1, False), (100, 1, True), (60, 41, True), (0, 1_000, False), (1, 1_000, True)],
)
def test_a_tenant_may_have_so_much_waiting(waiting: int, count: int, *, is_refused: bool) -> None:
    standing = Standing(per_minute=600, max_waiting=100, waiting=waiting)
    refused = refusal(load=Load(), standing=standing, priority=Priority.HIGH, count=count, overload_depth=1_000)
    assert (refused is not None) == is_refused


def test_due_and_gated_jobs_of_the_tenant_count_up_to_its_limit() -> None:
    Tenant.objects.create(name="7", max_waiting=3, submissions_per_min=5)
    enqueue_many([NewJob("act", {}, tenant=tenant) for tenant in ("7", "7", "8", "8", "8", "8")])
    Job.objects.filter(tenant="8").update(state="completed")
    enqueue_many([NewJob("act", {}, tenant="8", priority=Priority.LOW)])
    assert standing_of("7") == Standing(per_minute=5, max_waiting=3, waiting=2)
    assert (standing_of("8").waiting, standing_of("8").max_waiting) == (1, 50_000)
    Job.objects.filter(tenant="7").update(state="gated")
    enqueue_many([NewJob("noop-16", {}, tenant="7") for _ in range(5)])
    assert standing_of("7").waiting == 3
    assert _refused(tenant="7", priority=Priority.CRITICAL).reason is Reason.WAITING


def test_a_tenant_submits_at_its_rate_and_spends_nothing_when_refused(settings: Any) -> None:
    Tenant.objects.create(name="7", submissions_per_min=3)
    settings.JOB_OVERLOAD_DEPTH = 1
    enqueue_many([NewJob("act", {}) for _ in range(3)])
    measure_load(limit=overload_limit())
    for _ in range(5):
        assert _refused(tenant="7", priority=Priority.NORMAL).reason is Reason.OVERLOAD
    admit(tenant="7", priority=Priority.HIGH, count=2)
    admit(tenant="7", priority=Priority.CRITICAL)
    refused = _refused(tenant="7", priority=Priority.CRITICAL)
    assert refused.reason is Reason.RATE
    assert 10 <= refused.retry_after_s <= 20  # a token comes every 20 s
    admit(tenant="8", priority=Priority.CRITICAL)


def test_a_submission_larger_than_a_bucket_passes_once_and_is_paid_off() -> None:
    Tenant.objects.create(name="7", submissions_per_min=60)
    admit(tenant="7", priority=Priority.NORMAL, count=120)
    assert 30 < _refused(tenant="7", priority=Priority.NORMAL).retry_after_s <= 61  # it owes 60 tokens of a second each


def test_the_load_is_measured_by_the_databases_clock_up_to_a_limit(settings: Any) -> None:
    enqueue_many([NewJob("act", {}, priority=priority) for priority in Priority])
    enqueue_many([NewJob("act", {}, delay_s=60)])
    TaskMinute.objects.create(minute=TruncMinute(Now()), task="act", worker_id=1, completed=600, failed=60)
    measured = measure_load(limit=100)
    assert measured.depth == 4
    assert 660 / 120 - 0.01 <= measured.drain_per_s <= 660 / 60
    assert current_load() == measured
    assert measure_load(limit=3).depth == 3


def test_measuring_takes_its_share_of_the_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]

    def slow(*, limit: int) -> Load:
        now[0] += 0.1
        return Load(depth=limit)

    monkeypatch.setattr(load, "measure_load", slow)
    meter = LoadMeter(limit=9, clock=lambda: now[0])
    assert meter.step() == Load(depth=9)
    for later, is_due in ((4.8, False), (0.2, True)):
        now[0] += later
        assert (meter.step() is not None) == is_due


def test_who_keeps_submitting_though_refused_is_told_to_stay_away_and_staff_hear_of_it_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "REFUSALS_PER_MIN", 3)
    Tenant.objects.create(name="7", submissions_per_min=3)
    admit(tenant="7", priority=Priority.NORMAL, count=3)
    with caplog.at_level(logging.INFO, logger=admission.__name__):
        waits_s = [_refused(tenant="7", priority=Priority.NORMAL).retry_after_s for _ in range(6)]
    assert [wait_s == admission.ABUSE_RETRY_S for wait_s in waits_s] == [False] * 3 + [True] * 3
    assert [record.levelname for record in caplog.records] == ["INFO"] * 3 + ["ERROR"]
    assert caplog.records[-1].tenant == "7"


def test_without_redis_only_what_waits_is_limited(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    Tenant.objects.create(name="7", submissions_per_min=1, max_waiting=1)
    for _ in range(3):
        admit(tenant="7", priority=Priority.LOW)
    measure_load(limit=1)
    enqueue_many([NewJob("act", {}, tenant="7")])
    assert _refused(tenant="7", priority=Priority.LOW).reason is Reason.WAITING
    token_bucket._script.cache_clear()
    load._cache.cache_clear()
    assert "rate limits are off" in caplog.text
    assert "the load is not known" in caplog.text
