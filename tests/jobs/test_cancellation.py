"""Cancelling: at once what does not run, marked what does, and nothing of a tree is left alive."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from jobs.batch import NewJob
from jobs.cancellation import AlreadyFinal, cancel_group, cancel_job, cancel_matching, cancel_tree
from jobs.ledger import enqueue
from jobs.models import Audit, DeadLetter, Job, JobDependency, JobEvent, JobKey, State

WHY: dict[str, Any] = {"actor": "ada", "reason": "Wrong catalog."}


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


def states_of(*jobs: Job) -> list[str]:
    states = dict(Job.objects.values_list("pk", "state"))
    return [states[job.pk] for job in jobs]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["waiting", "scheduled", "gated", "pending"])
def test_a_job_that_does_not_run_ends_at_once_and_frees_its_key(state: str) -> None:
    job_id = enqueue(NewJob("act", {"subject": "x"}, key="k")).job_id
    Job.objects.filter(pk=job_id).update(state=state)
    done = cancel_job(job_id, **WHY)
    job = Job.objects.get(pk=job_id)
    assert (done.ended, done.marked) == (1, 0)
    assert (job.state, job.is_cancelling, job.error_code) == (State.CANCELLED, False, "jobs.cancelled")
    assert job.error_message == "Wrong catalog."
    assert job.finished_at is not None
    assert not JobKey.objects.exists()
    assert not DeadLetter.objects.exists()
    assert not enqueue(NewJob("act", {"subject": "x"}, key="k")).is_duplicate
    assert JobEvent.objects.filter(kind="cancelled", ids=[job_id]).count() == 1


@pytest.mark.django_db
def test_a_running_job_is_marked_and_keeps_its_state() -> None:
    job = make_job(state="running")
    done = cancel_job(job.pk, **WHY)
    job.refresh_from_db()
    assert (done.ended, done.marked) == (0, 1)
    assert (job.state, job.is_cancelling, job.finished_at) == (State.RUNNING, True, None)
    assert cancel_job(job.pk, **WHY).total == 0  # twice changes nothing


@pytest.mark.django_db
def test_a_final_job_is_not_cancelled() -> None:
    job = make_job(state="completed")
    with pytest.raises(AlreadyFinal, match="completed"):
        cancel_job(job.pk, **WHY)
    assert states_of(job) == ["completed"]
    assert not Audit.objects.exists()


@pytest.mark.django_db
def test_those_that_wait_in_vain_are_cancelled_too() -> None:
    first, second, third, anyway = (make_job(state=state) for state in ("pending", "waiting", "waiting", "waiting"))
    JobDependency.objects.create(on=first, job=second)
    JobDependency.objects.create(on=second, job=third)
    JobDependency.objects.create(on=first, job=anyway, runs_anyway=True)
    assert cancel_job(first.pk, **WHY).ended == 3
    assert states_of(first, second, third, anyway) == ["cancelled"] * 3 + ["waiting"]
    assert list(JobDependency.objects.values_list("job_id", flat=True)) == [anyway.pk]


@pytest.mark.django_db
def test_all_that_match_are_cancelled_in_steps_with_an_audit_row_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cancellation.JOBS_A_STEP", 2)
    mine = [make_job(tenant="7") for _ in range(3)]
    running, done, other = make_job(tenant="7", state="running"), make_job(tenant="7", state="dead"), make_job()
    answer = cancel_matching(Job.objects.filter(tenant="7"), matching={"tenant": "7"}, **WHY)
    assert (answer.ended, answer.marked, answer.is_more_left) == (3, 1, False)
    assert states_of(*mine, running, done, other) == ["cancelled"] * 3 + ["running", "dead", "pending"]
    rows = list(Audit.objects.values_list("actor", "action", "subject", "filter", "count", "reason"))
    assert rows == [("ada", "cancel", "jobs", {"tenant": "7"}, 2, "Wrong catalog.")] * 2


@pytest.mark.django_db
def test_a_limit_leaves_the_rest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cancellation.JOBS_A_STEP", 2)
    for _ in range(5):
        make_job()
    answer = cancel_matching(Job.objects.all(), matching={}, limit=4, **WHY)
    assert (answer.ended, answer.is_more_left) == (4, True)
    assert Job.objects.filter(state="pending").count() == 1


@pytest.mark.django_db
def test_an_attempt_that_finds_nothing_is_on_record() -> None:
    assert cancel_group("sync:9", **WHY).total == 0
    row = Audit.objects.get()
    assert (row.filter, row.count) == ({"group": "sync:9"}, 0)


@pytest.mark.django_db
def test_a_tree_is_cancelled_whole_and_its_neighbours_are_left_alone() -> None:
    root = make_job(state="completed")
    child = make_job(parent=root, state="running")
    grandchildren = [make_job(parent=child), make_job(parent=child, state="scheduled")]
    neighbour = make_job()
    answer = cancel_tree(root.pk, **WHY)
    assert (answer.ended, answer.marked) == (2, 1)
    assert states_of(root, child, *grandchildren) == ["completed", "running", "cancelled", "cancelled"]
    assert Job.objects.get(pk=child.pk).is_cancelling
    assert states_of(neighbour) == ["pending"]
    assert cancel_tree(root.pk, **WHY).total == 0
    late = make_job(parent=child)  # the running one starts another before it ends
    assert cancel_tree(root.pk, **WHY).ended == 1
    assert states_of(late) == ["cancelled"]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_being_claimed_is_not_missed() -> None:
    held, free = make_job(), make_job()
    is_locked, may_go = threading.Event(), threading.Event()

    def claim() -> None:
        try:
            with transaction.atomic():
                Job.objects.select_for_update().get(pk=held.pk)
                is_locked.set()
                may_go.wait(10)
                Job.objects.filter(pk=held.pk).update(state="running")
        finally:
            connection.close()

    claimer = threading.Thread(target=claim)
    claimer.start()
    assert is_locked.wait(10)
    release: Callable[[], None] = may_go.set
    watcher = threading.Thread(target=_when_cancelled, args=(free.pk, release))
    watcher.start()
    answer = cancel_matching(Job.objects.all(), matching={}, **WHY)
    claimer.join()
    watcher.join()
    assert (answer.ended, answer.marked, answer.is_more_left) == (1, 1, False)
    assert Job.objects.get(pk=held.pk).is_cancelling


def _when_cancelled(job_id: int, then: Callable[[], None]) -> None:
    try:
        while not Job.objects.filter(pk=job_id, state="cancelled").exists():
            pass
        then()
    finally:
        connection.close()
