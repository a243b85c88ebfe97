"""Dead letters: retried as a new job, discarded, and never twice."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from jobs import failures, registry
from jobs.batch import GivenUp, NewJob
from jobs.dead_letters import AlreadyResolved, Burial, bury, discard_dead_letter, retry_dead_letter, subject_of
from jobs.failures import failure_groups, warn_of_open_letters
from jobs.ledger import enqueue
from jobs.models import Audit, DeadLetter, Job, JobKey, State

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(drain: Callable[[], None]) -> DeadLetter:
    enqueue(NewJob("act", {"do": "fail", "subject": "x"}, tenant="7", key="k", meta={"source": "api"}))
    drain()
    return DeadLetter.objects.get()


def test_retry_is_a_new_job_that_names_the_old_one(letter: DeadLetter) -> None:
    answer = retry_dead_letter(letter.pk, actor="ada", reason="fixed")
    job = Job.objects.get(pk=answer.job_id)
    assert (job.origin_id, job.state, job.attempt, job.tenant, job.key) == (letter.job_id, State.PENDING, 0, "7", "k")
    assert (job.meta["source"], job.meta["by"]) == ("dlq-retry", "ada")
    letter.refresh_from_db()
    assert (letter.resolution, letter.resolved_by, letter.resolution_note) == ("retried", "ada", "fixed")
    audit = Audit.objects.get()
    assert (audit.actor, audit.subject, audit.reason) == ("ada", f"job {letter.job_id}", "fixed")


def test_discard_closes_it_and_enqueues_nothing(letter: DeadLetter) -> None:
    discard_dead_letter(letter.pk, actor="ada", reason="old")
    letter.refresh_from_db()
    assert letter.resolution == "discarded"
    assert Job.objects.count() == 1


def test_a_resolved_letter_is_not_resolved_again(letter: DeadLetter) -> None:
    discard_dead_letter(letter.pk, actor="ada", reason="old")
    with pytest.raises(AlreadyResolved, match="discarded by ada"):
        retry_dead_letter(letter.pk, actor="bob", reason="")
    assert Job.objects.count() == 1
    assert Audit.objects.count() == 1


def _given_up(*, job_id: int = 1, tenant: str = "7", **payload: Any) -> GivenUp:
    return GivenUp(job_id, "act", tenant, None, payload, "permanent", "x.y", "never")


@pytest.mark.parametrize(
    ("fields", "payload", "subject"),
    [
        ((), {"subject": "x"}, ""),
        (("subject",), {"subject": "x", "do": "fail"}, "act|7|subject=x"),
        (("subject", "n"), {"subject": "x", "n": 0}, "act|7|subject=x|n=0"),
        (("subject", "n"), {"n": 1}, "act|7|n=1"),
        (("subject",), {"subject": None}, ""),
    ],
)
def test_a_subject_is_what_the_task_names(fields: tuple[str, ...], payload: dict[str, Any], subject: str) -> None:
    task = replace(registry.get_task("act"), subject=fields)
    assert subject_of(_given_up(**payload), task) == subject


def test_a_subject_that_is_long_or_secret_is_a_digest() -> None:
    task = replace(registry.get_task("act"), subject=("subject",))
    long = subject_of(_given_up(subject="https://shop.example/" + "x" * 400), task)
    assert len(long) == len("act|7|") + 64
    secret = subject_of(_given_up(subject="4111 1111"), replace(task, sensitive=True))
    assert "4111" not in secret
    assert secret != subject_of(_given_up(subject="4111 1112"), replace(task, sensitive=True))


def test_a_subject_that_fails_again_keeps_one_open_letter(
    drain: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._tasks, "act", replace(registry.get_task("act"), subject=("subject",)))

    def sync(tenant: str) -> None:
        for subject in ("a", "b"):
            enqueue(NewJob("act", {"do": "fail", "subject": subject}, tenant=tenant))
        drain()

    sync("7")
    sync("8")
    sync("7")
    letters = DeadLetter.objects.order_by("id").values_list("tenant", "subject", "resolution")
    assert list(letters) == [
        ("7", "act|7|subject=a", "superseded"),
        ("7", "act|7|subject=b", "superseded"),
        ("8", "act|8|subject=a", ""),
        ("8", "act|8|subject=b", ""),
        ("7", "act|7|subject=a", ""),
        ("7", "act|7|subject=b", ""),
    ]
    with pytest.raises(AlreadyResolved, match="superseded"):
        retry_dead_letter(DeadLetter.objects.order_by("id")[0].pk, actor="ada", reason="")


def test_letters_without_a_subject_supersede_nothing(drain: Callable[[], None]) -> None:
    for _ in range(2):
        enqueue(NewJob("act", {"do": "fail", "subject": "a"}))
        drain()
    assert list(DeadLetter.objects.values_list("resolution", flat=True)) == ["", ""]


@pytest.mark.parametrize(("told", "kept"), [(503, 503), (None, None), ("503", None), (70_000, None)])
def test_a_letter_keeps_the_status_of_the_answer(told: Any, kept: int | None) -> None:
    job = Job.objects.create(task="act", queue="workload", state="failed")
    task = replace(registry.get_task("act"), on_give_up=None)
    bury([Burial(_given_up(job_id=job.pk), "", timezone.now(), status_code=told)], task)
    assert DeadLetter.objects.get().status_code == kept


def test_a_retry_runs_although_the_work_was_done_since(letter: DeadLetter, drain: Callable[[], None]) -> None:
    enqueue(NewJob("act", {"subject": "x"}, key="k"))
    drain()
    answer = retry_dead_letter(letter.pk, actor="ada", reason="")
    assert not answer.is_duplicate
    assert JobKey.objects.get().job_id == answer.job_id


def test_a_retry_of_what_is_on_its_way_already_is_that(letter: DeadLetter) -> None:
    live = enqueue(NewJob("act", {"subject": "x"}, key="k"))
    answer = retry_dead_letter(letter.pk, actor="ada", reason="")
    assert (answer.job_id, answer.is_duplicate) == (live.job_id, True)


def test_failures_are_grouped_the_most_frequent_first(
    drain: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for do in ("fail", "bug", "fail", "fail"):
        enqueue(NewJob("act", {"do": do, "subject": do}))
        drain()
    DeadLetter.objects.filter(error_code="jobs.permanent").order_by("id").first().delete()
    Job.objects.filter(dead_letter__isnull=True).delete()
    groups = [(group.task, group.error_code, group.count, group.message) for group in failure_groups()]
    assert groups == [
        ("act", "jobs.permanent", 2, "never"),
        ("act", "bug.ZeroDivisionError", 1, "a bug in the handler"),
    ]
    monkeypatch.setattr(failures, "MAX_SCANNED", 1)
    assert [group.count for group in failure_groups()] == [1]


def test_too_many_open_letters_are_logged(
    letter: DeadLetter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert warn_of_open_letters() is None
    monkeypatch.setattr(failures, "ALERT_ABOVE", 0)
    with caplog.at_level(logging.WARNING, logger=failures.__name__):
        alert = warn_of_open_letters()
    assert alert is not None
    assert [record.alert["severity"] for record in caplog.records] == [alert.severity] == ["warning"]
