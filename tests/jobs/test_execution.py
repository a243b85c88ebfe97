"""Claim, run, settle: what a job goes through, and what its neighbours do not."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, NewJob, Released
from jobs.batch_records import decode, encode_batch
from jobs.claim import claim
from jobs.errors import PermanentError
from jobs.execution import give_back_orphans, run_claimed, run_once
from jobs.gates import pass_gates, set_gate
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, JobAttempt, JobKey, Priority, State, TaskMinute
from jobs.registry import get_task
from jobs.session import NoSession, Session, current_session
from jobs.settlement import settle
from jobs.workflows import cancel_live
from tests.workload.models import Effect, Execution

pytestmark = pytest.mark.django_db
Drain = Callable[[], None]


def _act(**payload: object) -> int:
    payload.setdefault("subject", payload.get("do", "ok"))
    return enqueue(NewJob("act", dict(payload), key=f"key {payload['subject']}")).job_id


def _state(job_id: int) -> str:
    return Job.objects.get(pk=job_id).state


def _claimed_job(job_id: int) -> ClaimedJob:
    return ClaimedJob(
        id=job_id, task="act", tenant="", priority=Priority.NORMAL, attempt=1, max_attempts=3, waits=0, lease=1,
        group=None, gate=None, key=None, payload={}, meta={}, claimed_at=timezone.now(), wait_s=0, is_suspect=False,
    )  # fmt: skip


def test_a_completed_job_takes_effect_once(drain: Drain) -> None:
    job_id = _act()
    drain()
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempt, job.lease) == (State.COMPLETED, 1, 1)
    assert job.created_at <= job.started_at <= job.finished_at
    assert Effect.objects.filter(subject="ok").count() == 1
    assert not JobAttempt.objects.exists()


def test_more_urgent_jobs_are_claimed_first_and_equals_in_order(session: Session) -> None:
    ids = enqueue_many([NewJob("act", {}, priority=p) for p in (Priority.LOW, Priority.NORMAL, Priority.CRITICAL)])
    later = enqueue(NewJob("act", {}, priority=Priority.NORMAL))
    claimed = [claim("workload", worker_id=session.worker_id, limit=1)[0].id for _ in range(4)]
    assert claimed == [ids[2].job_id, ids[1].job_id, later.job_id, ids[0].job_id]


def test_one_bad_job_does_not_fail_its_neighbours(drain: Drain) -> None:
    good = [_act(subject=f"good {n}") for n in range(3)]
    bad = _act(do="fail")
    drain()
    assert [_state(job_id) for job_id in good] == [State.COMPLETED] * 3
    assert _state(bad) == State.FAILED
    assert Execution.objects.count() == 4


def test_a_retryable_error_is_tried_three_times_and_then_dead(drain: Drain) -> None:
    job_id = _act(do="retry")
    drain()
    assert _state(job_id) == State.DEAD
    assert list(JobAttempt.objects.values_list("attempt", "family", "error_code")) == [
        (n, "retryable", "jobs.retryable") for n in (1, 2, 3)
    ]
    letter = DeadLetter.objects.get()
    assert (letter.job_id, letter.reason, letter.error_message) == (job_id, "exhausted", "not yet")
    assert Effect.objects.filter(subject="gave up retry").count() == 1


def test_a_job_that_succeeds_at_last_leaves_its_attempts_behind(drain: Drain) -> None:
    job_id = _act(do="retry", until=3)
    drain()
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempt, job.error_code) == (State.COMPLETED, 3, "")
    assert JobAttempt.objects.count() == 2


def test_a_rate_limit_spends_no_attempt(drain: Drain) -> None:
    job_id = _act(do="wait", until=4)
    drain()
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempt, job.waits) == (State.COMPLETED, 1, 4)


def test_a_permanent_error_is_not_tried_again_and_frees_its_key(drain: Drain) -> None:
    job_id = _act(do="fail")
    drain()
    assert Job.objects.get(pk=job_id).attempt == 1
    assert DeadLetter.objects.get().reason == "permanent"
    assert not JobKey.objects.exists()


def test_a_completed_job_holds_its_key_for_a_day(drain: Drain) -> None:
    _act()
    drain()
    left = JobKey.objects.get().expires_at - timezone.now()
    assert 23.9 < left.total_seconds() / 3600 <= 24


def test_a_bug_in_a_handler_is_isolated_and_the_neighbours_complete(drain: Drain) -> None:
    good = [_act(subject=f"good {n}") for n in range(3)]
    bad = _act(do="bug")
    drain()
    assert [_state(job_id) for job_id in good] == [State.COMPLETED] * 3
    assert _state(bad) == State.DEAD
    attempts = JobAttempt.objects.filter(job_id=bad)
    assert [attempt.error_code for attempt in attempts] == ["bug.ZeroDivisionError"] * 3
    assert "a bug in the handler" in attempts[0].traceback
    assert Effect.objects.filter(subject__startswith="good").count() == 3


def test_a_bug_in_an_effect_undoes_it_and_blames_only_its_own_job(drain: Drain) -> None:
    good = [_act(subject=f"good {n}") for n in range(3)]
    bad = _act(do="effect_bug")
    drain()
    assert [_state(job_id) for job_id in good] == [State.COMPLETED] * 3
    assert _state(bad) == State.DEAD
    assert Effect.objects.filter(subject="effect_bug").count() == 0
    assert Effect.objects.filter(subject__startswith="good").count() == 3


def test_follow_ups_inherit_and_are_enqueued_with_the_settlement(drain: Drain) -> None:
    new = NewJob("act", {"do": "follow", "subject": "a"}, tenant="7", priority=Priority.HIGH, group="g")
    parent = enqueue(new).job_id
    drain()
    child = Job.objects.get(payload__subject="after a")
    assert (child.state, child.tenant, child.priority, child.grp) == (State.COMPLETED, "7", Priority.HIGH, "g")
    assert child.parent_id == parent
    assert Job.objects.get(pk=parent).result == {"n": 1}


def test_a_worker_that_lost_its_lease_changes_nothing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = _act()
    monkeypatch.setattr("jobs.execution.handle", _steal_lease_then(_complete_all))
    run_once("workload", session=session, limit=8)
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.lease) == (State.RUNNING, 2)
    assert not Effect.objects.exists()


def _complete_all(task: object, batch: object) -> None:
    for job in batch.jobs:
        batch.complete(job)


def _steal_lease_then(handle: Callable[..., None]) -> Callable[..., None]:
    def stolen(task: object, batch: object) -> None:
        handle(task, batch)
        Job.objects.update(lease=2)

    return stolen


def test_jobs_left_by_an_error_are_handed_back(session: Session) -> None:
    job_id = _act()
    claim("workload", worker_id=session.worker_id, limit=1)
    session.may_hold_jobs = True
    give_back_orphans(session)
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempt, job.is_suspect) == (State.PENDING, 0, False)


def test_what_ran_is_counted_by_the_minute(drain: Drain) -> None:
    _act()
    _act(do="fail")
    _act(do="retry", until=2)
    drain()
    minutes = list(TaskMinute.objects.filter(task="act"))
    assert sum(minute.completed for minute in minutes) == 2
    assert sum(minute.failed for minute in minutes) == 1
    assert sum(minute.retried for minute in minutes) == 1


def test_a_stopping_worker_hands_back_what_it_has_not_started(session: Session) -> None:
    session.is_stopping = lambda: True
    job_ids = [enqueue(NewJob("act-each", {})).job_id for _ in range(3)]
    run_once("workload", session=session, limit=8)
    assert set(Job.objects.filter(pk__in=job_ids).values_list("state", "attempt")) == {("pending", 0)}


def test_each_gives_every_job_its_own_outcome(drain: Drain) -> None:
    good, bad = enqueue_many([NewJob("act-each", {"n": 1}), NewJob("act-each", {"n": 0})])
    drain()
    assert Job.objects.get(pk=good.job_id).result == 1
    assert Job.objects.get(pk=bad.job_id).error_code == "bug.ZeroDivisionError"


def test_a_permit_outside_a_worker_says_what_to_do() -> None:
    with pytest.raises(NoSession, match=r"manage\.py rqworker"):
        current_session()


def test_a_job_that_is_cancelled_while_it_runs_leaves_nothing_behind(session: Session) -> None:
    doomed = enqueue(NewJob("act", {"do": "follow", "subject": "doomed"}, key="doomed")).job_id
    spared = enqueue(NewJob("act", {"subject": "spared"})).job_id
    jobs = claim("workload", worker_id=session.worker_id, limit=8)
    assert cancel_live([doomed], code="jobs.cancelled", message="not wanted") == {doomed: State.RUNNING}
    run_claimed(jobs, session=session)
    assert (_state(doomed), _state(spared)) == (State.CANCELLED, State.COMPLETED)
    assert list(Effect.objects.values_list("subject", flat=True)) == ["spared"]
    assert Job.objects.count() == 2
    assert Job.objects.get(pk=doomed).result is None
    assert not JobKey.objects.exists()
    assert not DeadLetter.objects.exists()


def test_a_plain_batch_is_fenced_and_cancelled_like_any_other(session: Session) -> None:
    ids = [enqueue(NewJob("noop-16", {})).job_id for _ in range(3)]
    jobs = claim("noop-16", worker_id=session.worker_id, limit=16)
    Job.objects.filter(pk=ids[0]).update(lease=9)
    cancel_live([ids[1]], code="x", message="")
    run_claimed(jobs, session=session)
    assert [_state(job_id) for job_id in ids] == [State.RUNNING, State.CANCELLED, State.COMPLETED]
    assert TaskMinute.objects.get().completed == 1


def test_a_retry_that_is_cancelled_meanwhile_is_not_tried_again(session: Session) -> None:
    job_id = enqueue(NewJob("act", {"do": "retry", "subject": "s"})).job_id
    jobs = claim("workload", worker_id=session.worker_id, limit=8)
    cancel_live([job_id], code="x", message="")
    run_claimed(jobs, session=session)
    assert _state(job_id) == State.CANCELLED
    assert Job.objects.get(pk=job_id).finished_at is not None


def test_a_handler_can_ask_whether_its_job_is_cancelled() -> None:
    job = _claimed_job(7)
    cancelled: set[int] = set()
    batch = Batch(jobs=[job], cancelled=lambda: cancelled)
    assert not batch.is_cancelled(job)
    cancelled.add(7)
    assert batch.is_cancelled(job)
    batch.each(lambda _: pytest.fail("a cancelled job must not start"))
    assert type(batch.outcomes[7]) is Released


def test_a_held_job_is_back_behind_its_gates_as_if_it_had_never_passed(session: Session) -> None:
    set_gate("shop", rate_per_s=100, burst=10)
    gated, free = enqueue_many([NewJob("act", {}, gates=["shop"]), NewJob("act", {})])
    pass_gates()
    jobs = claim("workload", worker_id=session.worker_id, limit=8)
    batch = Batch(jobs=jobs)
    for job in jobs:
        batch.hold(job)
    kept = encode_batch(batch, task=get_task("act"), worker_name="w", run_s=0)
    settled = settle(decode(kept).batch, task=get_task("act"), worker_name="w", run_s=0)

    assert settled.released == 2
    assert (_state(gated.job_id), _state(free.job_id)) == (State.GATED, State.PENDING)
    assert set(Job.objects.values_list("attempt", "waits", "error_code")) == {(0, 0, "")}
    pass_gates()
    assert _state(gated.job_id) == State.PENDING


def test_an_error_is_kept_without_what_postgresql_cannot_keep(session: Session) -> None:
    _act()
    batch = Batch(jobs=claim("workload", worker_id=session.worker_id, limit=8))
    for job in batch.jobs:
        batch.fail(job, PermanentError("no \x00page at \ud83d"))
    settle(batch, task=get_task("act"), worker_name="w", run_s=0)
    assert DeadLetter.objects.get().error_message == "no page at "


def test_a_suspect_that_is_held_stays_one(session: Session) -> None:
    enqueue(NewJob("act", {}, gates=["shop"]))
    Job.objects.update(is_suspect=True)
    pass_gates()
    batch = Batch(jobs=claim("workload", worker_id=session.worker_id, limit=8))
    batch.hold(batch[0])
    settle(batch, task=get_task("act"), worker_name="w", run_s=0)

    assert list(Job.objects.values_list("state", "is_suspect")) == [(State.GATED, True)]


def test_a_job_whose_task_this_code_does_not_know_waits_and_holds_up_nobody(session: Session) -> None:
    stranger = enqueue(NewJob("act", {})).job_id
    Job.objects.filter(pk=stranger).update(task="from-a-newer-release")
    known = enqueue(NewJob("act", {"subject": "known"})).job_id
    run_claimed(claim("workload", worker_id=session.worker_id, limit=8), session=session)
    assert (_state(stranger), _state(known)) == (State.PENDING, State.COMPLETED)
