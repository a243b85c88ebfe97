"""Bulk retries: a canary first, the others at a pace when it does well, held when it does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import bulk
from jobs.bulk import advance_bulk_retries, continue_bulk_retry, start_bulk_retry, stop_bulk_retry
from jobs.dispatch import Dispatcher
from jobs.models import Audit, BulkRetry, DeadLetter, Job
from jobs.selection import LetterFilter

pytestmark = pytest.mark.django_db
WHY: dict[str, Any] = {"actor": "ada", "reason": "The shop is back."}
ACT = LetterFilter(task="act", error_code="shop.away")


def bury(count: int, *, task: str = "act", error_code: str = "shop.away", payload: Any = None) -> list[DeadLetter]:
    now = timezone.now()
    letters = []
    for number in range(count):
        job = Job.objects.create(
            task=task,
            queue="workload",
            state="dead",
            payload=payload or {"subject": str(number)},
            key=f"{task} {number}",
        )
        letters.append(
            DeadLetter.objects.create(
                job=job, task=task, reason="exhausted", error_code=error_code, enqueued_at=now, last_attempt_at=now
            )
        )
    return letters


def retried() -> int:
    return DeadLetter.objects.filter(resolution="retried").count()


def test_the_canary_goes_first_and_the_others_wait_for_it(drain: Callable[[], None]) -> None:
    letters = bury(5)
    running = start_bulk_retry(ACT, canary=2, rate_per_s=2, **WHY)
    now = running.created_at
    assert (running.state, running.total) == ("canary", 5)
    assert advance_bulk_retries(now=now) == 2
    assert advance_bulk_retries(now=now + timedelta(minutes=1)) == 0  # its jobs live
    assert retried() == 2
    drain()
    assert advance_bulk_retries(now=now + timedelta(minutes=2)) == 0
    running.refresh_from_db()
    assert running.state == "running"
    assert advance_bulk_retries(now=running.moved_at + timedelta(seconds=0.4)) == 0
    assert advance_bulk_retries(now=running.moved_at + timedelta(seconds=1)) == 2
    assert advance_bulk_retries(now=running.moved_at + timedelta(seconds=2)) == 1
    running.refresh_from_db()
    assert (running.state, running.retried) == ("finished", 5)
    jobs = Job.objects.filter(origin__in=[letter.job_id for letter in letters])
    assert jobs.count() == 5
    assert {job.meta["source"] for job in jobs} == {"dlq-retry"}
    assert set(DeadLetter.objects.values_list("resolved_by", "resolution_note")) == {
        ("ada", f"bulk retry {running.pk}: The shop is back.")
    }


def test_a_canary_that_fails_again_holds_the_others(drain: Callable[[], None]) -> None:
    bury(3, payload={"do": "fail"})
    held = start_bulk_retry(LetterFilter(task="act"), canary=1, **WHY)
    advance_bulk_retries(now=held.created_at)
    drain()
    advance_bulk_retries(now=held.created_at)
    held.refresh_from_db()
    assert held.state == "held"
    assert advance_bulk_retries(now=held.moved_at + timedelta(hours=1)) == 0
    assert retried() == 1


def test_a_held_one_goes_on_when_told_and_does_not_retry_what_it_made(drain: Callable[[], None]) -> None:
    bury(2, payload={"do": "fail"})
    held = start_bulk_retry(LetterFilter(task="act"), canary=1, **WHY)
    advance_bulk_retries(now=held.created_at)
    drain()
    advance_bulk_retries(now=held.created_at)
    now = timezone.now()
    continue_bulk_retry(held.pk, actor="bob", reason="One bad row.", now=now)
    assert advance_bulk_retries(now=now + timedelta(seconds=5)) == 1
    held.refresh_from_db()
    assert (held.state, held.retried) == ("finished", 2)
    assert DeadLetter.objects.filter(resolution="").count() == 1  # the canary's new one
    with pytest.raises(bulk.NotHeld):
        continue_bulk_retry(held.pk, actor="bob", reason="Again.", now=now)


def test_a_stopped_one_retries_no_more() -> None:
    bury(3)
    stopped = start_bulk_retry(ACT, canary=1, **WHY)
    advance_bulk_retries(now=stopped.created_at)
    stop_bulk_retry(stopped.pk, actor="bob", reason="Enough.", now=timezone.now())
    assert advance_bulk_retries(now=timezone.now() + timedelta(hours=1)) == 0
    assert retried() == 1
    with pytest.raises(bulk.HasEnded):
        stop_bulk_retry(stopped.pk, actor="bob", reason="Enough.", now=timezone.now())
    assert list(Audit.objects.order_by("pk").values_list("action", "actor", "count", "filter")) == [
        ("bulk retry", "ada", 3, {"task": "act", "error_code": "shop.away"}),
        ("stop bulk retry", "bob", 1, None),
    ]


def test_only_what_matches_is_retried() -> None:
    bury(1, error_code="shop.closed")
    bury(1, task="act-each")
    with pytest.raises(bulk.NothingToRetry):
        start_bulk_retry(ACT, **WHY)
    assert not BulkRetry.objects.exists()
    assert not Audit.objects.exists()


def test_letters_of_tasks_that_are_gone_are_left_open() -> None:
    bury(1, task="gone-task")
    bury(1)
    start_bulk_retry(LetterFilter(), canary=5, **WHY)
    assert advance_bulk_retries(now=timezone.now()) == 1
    assert list(DeadLetter.objects.filter(resolution="").values_list("task", flat=True)) == ["gone-task"]


def test_a_slow_tick_is_not_made_up_for_in_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MAX_A_STEP", 2)
    bury(6)
    running = start_bulk_retry(ACT, canary=0, rate_per_s=10, **WHY)
    later = running.moved_at + timedelta(hours=1)
    assert advance_bulk_retries(now=later) == 2
    assert advance_bulk_retries(now=later) == 0
    assert advance_bulk_retries(now=later + timedelta(seconds=0.1)) == 1


def test_the_tick_takes_bulk_retries_further() -> None:
    bury(2)
    start_bulk_retry(ACT, canary=1, **WHY)
    Dispatcher().tick()
    assert retried() == 1
