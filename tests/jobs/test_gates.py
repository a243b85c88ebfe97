"""Gates let pass what their pace allows, the urgent first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.batch import NewJob
from jobs.gates import pass_gates, set_gate
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Gate, Job, Priority, State

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


def test_gates_do_not_hold_up_each_other() -> None:
    set_gate("domain:a", rate_per_s=1)
    set_gate("domain:b", rate_per_s=1)
    enqueue_many([NewJob("act", {}, gates=[f]"domain:{name}") for name in "aaab"])
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
