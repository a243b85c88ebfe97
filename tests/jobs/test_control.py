"""What operators may do: it does what it says, and is on record."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import control
from jobs.batch import NewJob
from jobs.cancellation import cancel_job
from jobs.control import Held
from jobs.ledger import enqueue
from jobs.models import Audit, DeadLetter, Gate, Job, Lane, Priority, TaskSwitch, Tenant
from jobs.registry import UnknownTask

pytestmark = pytest.mark.django_db
WHY = {"actor": "ada", "reason": "The shop is away."}


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


def audits() -> list[tuple[Any, ...]]:
    return list(Audit.objects.order_by("pk").values_list("actor", "action", "subject", "count"))


@pytest.mark.parametrize(("kind", "name"), [(Held.QUEUE, "workload"), (Held.TASK, "act"), (Held.TENANT, "7")], ids=str)
def test_pause_and_resume_turn_the_gate_and_are_on_record(kind: Held, name: str) -> None:
    control.pause(kind, name, **WHY)
    assert Gate.objects.get(key=f"{kind}:{name}").is_paused
    assert control.paused_names(kind) == {name}
    control.resume(kind, name, **WHY)
    assert control.paused_names(kind) == set()
    assert audits() == [
        ("ada", f"pause {kind}", f"{kind} {name}", 1),
        ("ada", f"resume {kind}", f"{kind} {name}", 1),
    ]


def test_what_does_not_exist_is_not_paused() -> None:
    with pytest.raises(control.UnknownQueue, match="nowhere"):
        control.pause(Held.QUEUE, "nowhere", **WHY)
    with pytest.raises(UnknownTask):
        control.pause(Held.TASK, "nothing", **WHY)
    assert not Gate.objects.exists()
    assert not Audit.objects.exists()


def test_a_task_is_switched_off_and_on() -> None:
    control.switch_task("act", TaskSwitch.Mode.OFF, **WHY)
    assert control.paused_names(Held.TASK) == {"act"}
    control.resume(Held.TASK, "act", **WHY)
    assert TaskSwitch.objects.get(task="act").mode == "on"
    control.switch_task("act", TaskSwitch.Mode.INLINE, actor="bob", reason="No workers.")
    switch = TaskSwitch.objects.get(task="act")
    assert (switch.mode, switch.changed_by) == ("inline", "bob")
    assert control.paused_names(Held.TASK) == set()
    assert [row[1] for row in audits()] == ["switch task off", "resume task", "switch task inline"]


def test_a_pace_is_overridden_and_given_back() -> None:
    control.override_pace("domain:shop.example", rate_per_s=0.5, burst=2, **WHY)
    gate = Gate.objects.get(key="domain:shop.example")
    assert (gate.staff_rate_per_s, gate.staff_burst) == (0.5, 2)
    control.remove_pace_override("domain:shop.example", **WHY)
    gate.refresh_from_db()
    assert (gate.staff_rate_per_s, gate.staff_burst) == (None, None)
    assert [row[1] for row in audits()] == ["override gate", "remove gate override"]
    with pytest.raises(Gate.DoesNotExist):
        control.remove_pace_override("gemini", **WHY)


def test_a_tenant_gets_a_weight_and_limits() -> None:
    control.change_tenant("7", changes={"weight": 3, "max_in_flight": 5}, **WHY)
    control.change_tenant("7", changes={"weight": 2}, **WHY)
    tenant = Tenant.objects.get(name="7")
    assert (tenant.weight, tenant.max_in_flight) == (2, 5)
    assert Audit.objects.filter(action="change tenant").count() == 2


def test_a_cancelled_job_is_tried_again_as_a_new_one() -> None:
    job_id = enqueue(NewJob("act", {"subject": "x"}, tenant="7", key="k", priority=Priority.HIGH)).job_id
    cancel_job(job_id, **WHY)
    answer = control.retry_job(job_id, **WHY)
    new = Job.objects.get(pk=answer.job_id)
    assert (new.origin_id, new.attempt, new.tenant, new.key, new.priority) == (job_id, 0, "7", "k", Priority.HIGH)
    assert new.meta["source"] == "retry"
    assert audits()[-1] == ("ada", "retry", f"job {job_id}", 1)


def test_retrying_a_dead_job_resolves_its_dead_letter() -> None:
    job = make_job(state="dead")
    now = timezone.now()
    letter = DeadLetter.objects.create(
        job=job, task="act", reason="exhausted", error_code="x", enqueued_at=now, last_attempt_at=now
    )
    answer = control.retry_job(job.pk, **WHY)
    letter.refresh_from_db()
    assert letter.resolution == "retried"
    assert Job.objects.get(pk=answer.job_id).meta["source"] == "dlq-retry"


@pytest.mark.parametrize("state", ["pending", "running", "completed"])
def test_what_lives_or_was_done_is_not_retried(state: str) -> None:
    job = make_job(state=state)
    with pytest.raises(control.NotRetryable, match=state):
        control.retry_job(job.pk, **WHY)
    assert Job.objects.count() == 1


def test_one_job_is_made_urgent() -> None:
    job, other = make_job(), make_job()
    control.prioritise_job(job.pk, Priority.CRITICAL, **WHY)
    assert list(Job.objects.order_by("pk").values_list("priority", flat=True)) == [Priority.CRITICAL, Priority.NORMAL]
    Job.objects.filter(pk=other.pk).update(state="completed")
    with pytest.raises(control.NotLive):
        control.prioritise_job(other.pk, Priority.CRITICAL, **WHY)


def test_all_that_match_and_live_are_made_urgent() -> None:
    live = [make_job(tenant="7", state=state) for state in ("pending", "scheduled", "gated")]
    done, other = make_job(tenant="7", state="completed"), make_job()
    jobs = Job.objects.filter(tenant="7")
    assert control.prioritise_matching(jobs, Priority.HIGH, matching={"tenant": "7"}, **WHY) == 3
    assert set(Job.objects.filter(priority=Priority.HIGH)) == set(live)
    assert {done.priority, other.priority} == {Priority.NORMAL}
    assert audits() == [("ada", "make high", "jobs", 3)]
    assert control.prioritise_matching(jobs, Priority.HIGH, matching={"tenant": "7"}, **WHY) == 0


def test_a_job_made_urgent_stands_after_its_tenants_others_in_the_new_lane() -> None:
    ahead = [enqueue(NewJob("act", {}, tenant="7", priority=Priority.HIGH)).job_id for _ in range(2)]
    late = [enqueue(NewJob("act", {}, tenant="7")).job_id for _ in range(3)][-1]
    control.prioritise_job(late, Priority.HIGH, **WHY)
    lane = Job.objects.filter(priority=Priority.HIGH).order_by("vtime", "id").values_list("pk", flat=True)
    assert list(lane) == [*ahead, late]
    assert Job.objects.get(pk=late).vtime == 3


def test_a_tenants_weight_counts_for_its_waiting_jobs_at_once() -> None:
    Lane.objects.create(queue="workload", priority=Priority.NORMAL)
    for _ in range(4):
        enqueue(NewJob("act", {}, tenant="7"))
    control.change_tenant("7", changes={"weight": 2}, **WHY)
    assert list(Job.objects.order_by("vtime").values_list("vtime", flat=True)) == [0.5, 1, 1.5, 2]


def test_jobs_are_added_on_an_operators_behalf() -> None:
    new = [NewJob("act", {"subject": "x"}, key="k"), NewJob("act", {"subject": "y"}, key="k"), NewJob("act-each", {})]
    answers = control.add_jobs(new, source="admin-api", **WHY)
    assert [answer.is_duplicate for answer in answers] == [False, True, False]
    job = Job.objects.get(pk=answers[0].job_id)
    assert (job.meta["source"], job.meta["by"]) == ("admin-api", "ada")
    assert audits() == [("ada", "add", "jobs: act, act-each", 2)]


def test_clean_deletes_what_was_completed_before(db: None) -> None:
    old = timezone.now() - timedelta(days=8)
    kept = [
        make_job(state="completed", finished_at=timezone.now()),
        make_job(state="dead", finished_at=old),
        make_job(),
    ]
    for _ in range(3):
        make_job(state="completed", finished_at=old)
    assert control.clean_completed(before=timezone.now() - timedelta(days=7), **WHY) == 3
    assert set(Job.objects.all()) == set(kept)
    assert audits() == [("ada", "clean", "completed jobs", 3)]
