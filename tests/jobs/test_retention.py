"""What the ledger forgets, and what it never does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs import registry, retention
from jobs.models import (
    DeadLetter,
    Job,
    JobAttempt,
    JobDependency,
    JobGroup,
    JobKey,
    JobLine,
    TaskMinute,
    Worker,
)
from jobs.retention import Retention, clean_completed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep few jobs of the task `act`, and take two rows at a time, so that each walk has many steps."""
    act = replace(registry.get_task("act"), keep_completed=3, keep_failed=2)
    monkeypatch.setitem(registry._tasks, "act", act)
    monkeypatch.setattr(retention, "MIN_ROWS", 2)
    monkeypatch.setattr(retention, "MAX_ROWS", 2)


@pytest.fixture(autouse=True)
def first_ids(db: None) -> None:
    """Begin with the first ids: walks in steps so small would take long over those that other tests used up."""
    with connection.cursor() as cursor:
        for table in ("job", "deadletter"):
            cursor.execute(f"ALTER SEQUENCE jobs_{table}_id_seq RESTART")


def _old(count: int = 1, *, age_h: float = 48, **fields: Any) -> list[Job]:
    ended = timezone.now() - timedelta(hours=age_h)
    defaults = {"task": "act", "queue": "workload", "state": "completed", "finished_at": ended, "created_at": ended}
    return Job.objects.bulk_create([Job(**(defaults | fields)) for _ in range(count)])


def _walk() -> Counter[str]:
    """Walk through everything, in steps that have no time for more than one statement."""
    forgetful = Retention(clock=iter(range(10**6)).__next__)
    removed: Counter[str] = Counter()
    while forgetful._rest_until < 10:  # the first walk ends by resting
        removed += forgetful.step(2.5)
    return removed


def _letter(job: Job, **fields: Any) -> DeadLetter:
    now = timezone.now()
    return DeadLetter.objects.create(job=job, task=job.task, enqueued_at=now, last_attempt_at=now, **fields)


def test_the_last_of_each_task_and_kind_are_kept() -> None:
    kept = {job.pk for job in _old(3, task="other")}
    _old(4)
    _old(3, state="failed")
    _old(3, state="dead")
    _old(4, state="cancelled")
    kept |= {job.pk for job in (*_old(2, state="dead"), *_old(3, state="cancelled"), *_old(3))}
    assert _walk() == {"jobs": 14}
    assert set(Job.objects.values_list("pk", flat=True)) == kept


def test_jobs_of_a_task_that_nobody_declares_any_more_are_kept_by_the_general_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "KEEP_COMPLETED", 1)
    _old(3, task="gone")
    assert _walk() == {"jobs": 2}


def test_a_task_may_keep_all_or_keep_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    act = replace(registry.get_task("act"), keep_completed=0, keep_failed=None, keep_s=72 * 3600)
    monkeypatch.setitem(registry._tasks, "act", act)
    _old(5, state="failed", age_h=100)
    _old(2, age_h=70)
    _old(2, age_h=80)
    assert _walk() == {"jobs": 2}
    assert Job.objects.filter(state="failed").count() == 5


def test_young_jobs_stay() -> None:
    _old(9, age_h=0.9)
    assert not _walk()
    assert Job.objects.count() == 9


def test_what_a_job_left_behind_goes_with_it() -> None:
    job, *_ = _old(4)
    now = timezone.now()
    JobAttempt.objects.create(job=job, attempt=1, started_at=now, ended_at=now, family="bug", error_code="x")
    JobLine.objects.create(job=job, message="hello")
    assert _walk() == {"jobs": 1}
    assert not JobAttempt.objects.exists()
    assert not JobLine.objects.exists()


def _live(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state="gated", finished_at=None)


def _in_open_group(job: Job) -> None:
    JobGroup.objects.create(name="g")
    Job.objects.filter(pk=job.pk).update(grp="g")


def _waited_for(job: Job) -> None:
    waiting = Job.objects.create(task="act", queue="workload", state="waiting")
    JobDependency.objects.create(on=job, job=waiting)


def _keyed(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(key="k", finished_at=timezone.now() - timedelta(hours=23))
    JobKey.objects.create(task="act", key="k", job_id=job.pk, expires_at=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize("hold", [_live, _in_open_group, _waited_for, _keyed, _letter])
def test_what_something_counts_on_stays(hold: Callable[[Job], Any]) -> None:
    held, other, *_ = _old(5)
    hold(held)
    assert _walk() == {"jobs": 1}
    assert not Job.objects.filter(pk=other.pk).exists()
    assert Job.objects.filter(pk=held.pk).exists()
    assert clean_completed(before=timezone.now()) == 3
    assert Job.objects.filter(pk=held.pk).exists()


def test_what_nothing_counts_on_any_more_goes() -> None:
    final, keyed, stuck, *_ = _old(6)
    JobGroup.objects.create(name="g", final_at=timezone.now())
    Job.objects.filter(pk=final.pk).update(grp="g")
    Job.objects.filter(pk__in=[keyed.pk, stuck.pk]).update(key="k")
    past, future = timezone.now() - timedelta(hours=24), timezone.now() + timedelta(hours=24)
    JobKey.objects.create(task="act", key="expired", job_id=keyed.pk, expires_at=past)
    JobKey.objects.create(task="act", key="stuck", job_id=stuck.pk, expires_at=future)
    assert _walk() == {"jobs": 3}
    assert not JobKey.objects.exists()


def test_expired_keys_go_and_the_others_stay() -> None:
    past, future = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(hours=1)
    jobs = _old(6, age_h=0)
    for number, expires_at in enumerate((None, past, future, None, past, past)):
        JobKey.objects.create(task="act", key=str(number), job_id=jobs[number].pk, expires_at=expires_at)
    assert _walk() == {"keys": 3}
    assert sorted(JobKey.objects.values_list("key", flat=True)) == ["0", "2", "3"]


def test_resolved_letters_beyond_the_last_ones_go_and_then_their_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEEP_LETTERS", 3)
    monkeypatch.setitem(registry._tasks, "act-each", replace(registry.get_task("act-each"), keep_failed=None))
    for resolution in ("", "retried", "discarded", "superseded", "", "retried", "discarded"):
        _letter(_old(state="dead")[0], resolution=resolution)
    assert _walk() == {"letters": 3}
    assert list(DeadLetter.objects.order_by("id").values_list("resolution", flat=True)) == [
        "",
        "",
        "retried",
        "discarded",
    ]
    assert _walk() == {"jobs": 3}


def test_letters_are_kept_while_there_are_few_or_their_task_keeps_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        _letter(_old(state="failed", task="act-each")[0], resolution="discarded")
    assert not _walk()
    monkeypatch.setattr(retention, "KEEP_LETTERS", 1)
    monkeypatch.setitem(registry._tasks, "act-each", replace(registry.get_task("act-each"), keep_failed=None))
    assert not _walk()


def test_old_minutes_groups_and_workers_go() -> None:
    now = timezone.now()
    for days in (6, 9, 9, 9):
        then = now - timedelta(days=days)
        number = Worker.objects.create(name="w", hostname="h", pid=1, queues=[], ended_at=then).pk
        TaskMinute.objects.create(minute=then, task="act", worker_id=number)
        JobGroup.objects.create(name=f"g{number}", final_at=then)
    Worker.objects.create(name="w", hostname="h", pid=1, queues=[], started_at=now - timedelta(days=99))
    JobGroup.objects.create(name="open", created_at=now - timedelta(days=99))
    assert _walk() == {"minutes": 3, "groups": 3, "workers": 3}
    assert (TaskMinute.objects.count(), JobGroup.objects.count(), Worker.objects.count()) == (1, 2, 2)


def test_a_walk_rests_and_begins_anew() -> None:
    now = [0.0]
    forgetful = Retention(clock=lambda: now[0])
    _old(4)
    assert forgetful.step(60) == {"jobs": 1}
    _old(1)
    assert not forgetful.step(60)
    now[0] += retention.REST_S
    assert forgetful.step(60) == {"jobs": 1}


@pytest.mark.parametrize(("took_s", "rows"), [(0.02, 100), (0.003, 800), (0.008, 400)])
def test_a_statement_is_made_to_fit_the_budget(monkeypatch: pytest.MonkeyPatch, took_s: float, rows: int) -> None:
    monkeypatch.setattr(retention, "MIN_ROWS", 100)
    monkeypatch.setattr(retention, "MAX_ROWS", 5_000)
    forgetful = Retention()
    forgetful._rows = 400 if took_s != 0.02 else 200
    forgetful._pace(took_s, 0.02)
    assert forgetful._rows == rows


def test_staff_clean_what_was_completed_before_a_date_up_to_a_limit() -> None:
    _old(3)
    _old(1, state="failed")
    _old(2, age_h=1)
    before = timezone.now() - timedelta(hours=24)
    assert clean_completed(before=before, limit=1) == 1
    assert clean_completed(before=before) == 2
    assert Job.objects.count() == 3
