"""Gates let pass what their pace allows, the urgent first."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.gates import (
    BadGateKey,
    charge,
    close_gate,
    hold_paused,
    override_gate,
    pass_gates,
    pause,
    resume,
    set_gate,
)
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Gate, Job, Priority, State
from jobs.session import Session
from jobs.workflows import cancel_live

pytestmark = pytest.mark.django_db


def _rest(seconds: float) -> None:
    Gate.objects.update(refilled_at=timezone.now() - timedelta(seconds=seconds))


def _passed() -> int:
    return Job.objects.filter(state=State.PENDING).count()


def test_a_gate_lets_pass_its_burst_and_then_its_rate() -> None:
    set_gate("domain:a", rate_per_s=2, burst=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(10)])
    assert pass_gates() == {"workload": 1}
    assert not pass_gates()
    _rest(1.0)
    assert pass_gates() == {"workload": 2}


def test_a_long_rest_earns_no_more_than_a_second() -> None:
    set_gate("domain:a", rate_per_s=3, burst=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(10)])
    _rest(3600)
    pass_gates()
    assert _passed() == 3


def test_what_a_job_did_beyond_its_token_is_paid_by_those_that_follow() -> None:
    set_gate("domain:a", rate_per_s=2, burst=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(10)])
    pass_gates()
    charge("domain:a", 4)
    _rest(1.0)
    assert not pass_gates()
    _rest(1.5)
    assert pass_gates() == {"workload": 1}


def test_gates_do_not_hold_up_each_other() -> None:
    set_gate("domain:a", rate_per_s=1)
    set_gate("domain:b", rate_per_s=1)
    enqueue_many([NewJob("act", {}, gates=[f"domain:{name}"]) for name in "aaab"])
    pass_gates()
    assert set(Job.objects.filter(state=State.PENDING).values_list("gate", flat=True)) == {"domain:a", "domain:b"}


def test_the_urgent_job_passes_first() -> None:
    set_gate("domain:a", rate_per_s=1)
    enqueue(NewJob("act", {}, gates=["domain:a"]))
    urgent = enqueue(NewJob("act", {}, gates=["domain:a"], priority=Priority.CRITICAL))
    pass_gates()
    assert Job.objects.get(state=State.PENDING).pk == urgent.job_id


def test_setting_the_same_pace_again_gives_no_new_tokens() -> None:
    set_gate("domain:a", rate_per_s=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(3)])
    pass_gates()
    set_gate("domain:a", rate_per_s=1)
    assert not pass_gates()


def test_a_job_whose_gate_does_not_exist_does_not_wait_for_ever() -> None:
    enqueue(NewJob("act", {}, gates=["domain:gone"]))
    assert pass_gates() == {"workload": 1}


def _pending() -> list[int]:
    return list(Job.objects.filter(state=State.PENDING).order_by("pk").values_list("pk", flat=True))


def test_an_urgent_job_behind_five_thousand_of_its_domain_passes_next() -> None:
    set_gate("domain:a", rate_per_s=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(5_000)])
    pass_gates()
    urgent = enqueue(NewJob("act", {}, gates=["domain:a"], priority=Priority.CRITICAL)).job_id
    Gate.objects.update(refilled_at=timezone.now() - timedelta(seconds=1))
    pass_gates()
    assert urgent in _pending()
    assert len(_pending()) == 2


def test_a_job_passes_only_when_all_its_gates_let_it() -> None:
    set_gate("domain:a", rate_per_s=1, burst=5)
    set_gate("gemini", rate_per_s=1, burst=2)
    both = [job.job_id for job in enqueue_many([NewJob("act", {}, gates=["gemini", "domain:a"]) for _ in range(4)])]
    alone = enqueue(NewJob("act", {}, gates=["domain:a"])).job_id
    pass_gates()
    assert _pending() == [*both[:2], alone]
    tokens = {gate.key: gate.tokens for gate in Gate.objects.all()}
    assert tokens["domain:a"] == pytest.approx(2, abs=0.2)
    assert tokens["gemini"] == pytest.approx(0, abs=0.2)


def test_a_cancelled_job_costs_no_slot() -> None:
    set_gate("domain:a", rate_per_s=1)
    first, second = enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(2)])
    cancel_live([first.job_id], code="x", message="")
    pass_gates()
    assert _pending() == [second.job_id]


def test_a_closed_gate_wastes_no_tokens_and_opens_by_itself() -> None:
    set_gate("domain:a", rate_per_s=1, burst=3)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(5)])
    close_gate("domain:a", for_s=60)
    pass_gates()
    assert _pending() == []
    Gate.objects.update(closed_until=timezone.now() - timedelta(seconds=1))
    pass_gates()
    assert len(_pending()) == 3


def test_tenants_take_turns_behind_one_gate() -> None:
    set_gate("domain:a", rate_per_s=1, burst=10)
    for _ in range(20):
        enqueue(NewJob("act", {}, gates=["domain:a"], tenant="big"))
    enqueue_many([NewJob("act", {}, gates=["domain:a"], tenant="small") for _ in range(5)])
    pass_gates()
    passed = Counter(Job.objects.filter(state=State.PENDING).values_list("tenant", flat=True))
    assert passed == {"big": 5, "small": 5}


def test_a_limit_in_flight_lets_the_next_pass_when_one_is_done() -> None:
    set_gate("domain:a", max_in_flight=2)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(4)])
    pass_gates()
    pass_gates()
    assert len(_pending()) == 2
    Job.objects.filter(pk=_pending()[0]).update(state=State.COMPLETED)
    pass_gates()
    assert len(_pending()) == 2


def test_a_paused_tenant_waits_and_goes_on_where_it_was(session: Session) -> None:
    enqueue_many([NewJob("act", {}, tenant="7") for _ in range(3)])
    other = enqueue(NewJob("act", {}, tenant="8")).job_id
    pause("tenant:7")
    late = enqueue(NewJob("act", {}, tenant="7")).job_id
    assert Job.objects.get(pk=late).state == State.GATED
    assert [job.id for job in claim("workload", worker_id=session.worker_id, limit=10)] == [other]
    assert hold_paused() == 3
    pass_gates()
    assert _pending() == []
    resume("tenant:7")
    pass_gates()
    assert len(_pending()) == 4


def test_a_paused_task_is_not_claimed_though_its_jobs_are_due_already(session: Session) -> None:
    enqueue_many([NewJob("act", {}), NewJob("act-each", {"n": 1})])
    pause("task:act")
    assert [job.task for job in claim("workload", worker_id=session.worker_id, limit=10)] == ["act-each"]


def test_nothing_is_claimed_of_a_paused_queue(session: Session) -> None:
    job_id = enqueue(NewJob("act", {})).job_id
    pause("queue:workload")
    assert claim("workload", worker_id=session.worker_id, limit=10) == []
    resume("queue:workload")
    assert [job.id for job in claim("workload", worker_id=session.worker_id, limit=10)] == [job_id]


def test_what_staff_set_goes_before_what_the_code_declares() -> None:
    set_gate("domain:a", rate_per_s=1)
    override_gate("domain:a", rate_per_s=1, burst=3)
    Gate.objects.update(refilled_at=timezone.now() - timedelta(seconds=60))
    set_gate("domain:a", rate_per_s=1)
    enqueue_many([NewJob("act", {}, gates=["domain:a"]) for _ in range(5)])
    pass_gates()
    assert len(_pending()) == 3


def test_staff_pace_a_task_at_run_time_also_what_is_due_already() -> None:
    enqueue_many([NewJob("act", {}) for _ in range(3)])
    override_gate("task:act", rate_per_s=1)
    assert _pending() == []
    pass_gates()
    assert len(_pending()) == 1


def test_a_key_with_a_space_is_refused() -> None:
    with pytest.raises(BadGateKey):
        enqueue(NewJob("act", {}, gates=["a b"]))
