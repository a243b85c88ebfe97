"""A tenant's share and limits hold also for what it has waiting."""

import pytest

from jobs.batch import NewJob
from jobs.fairness import make_lanes
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Gate, Job, Tenant
from jobs.tenants import set_tenant

pytestmark = pytest.mark.django_db


def _vtimes() -> list[float]:
    return list(Job.objects.filter(tenant="7").order_by("id").values_list("vtime", flat=True))


def test_a_new_weight_stamps_what_waits_anew() -> None:
    make_lanes()
    enqueue_many([NewJob("act", {}, tenant="7") for _ in range(2)])
    Job.objects.filter(tenant="7").update(vtime=100)
    set_tenant("7", weight=1)
    assert _vtimes() == [100, 100]
    set_tenant("7", weight=4)
    assert _vtimes() == [0.25, 0.5]
    Job.objects.update(vtime=100)
    set_tenant("7", weight=4)
    assert _vtimes() == [100, 100]


def test_what_is_left_out_stays_and_none_takes_a_limit_away() -> None:
    set_tenant("7", weight=2, max_waiting=10, submissions_per_min=5)
    set_tenant("7", max_waiting=None)
    tenant = Tenant.objects.get()
    assert (tenant.weight, tenant.max_waiting, tenant.submissions_per_min) == (2, None, 5)


def test_a_limit_in_flight_is_a_gate_that_goes_with_it() -> None:
    enqueue(NewJob("act", {}, tenant="7"))
    set_tenant("7", max_in_flight=3)
    assert Gate.objects.get().max_in_flight == 3
    assert Job.objects.get().state == "gated"
    set_tenant("7", weight=2)
    assert Gate.objects.get().max_in_flight == 3
    set_tenant("7", max_in_flight=None)
    assert not Gate.objects.exists()


def test_a_gate_that_holds_something_else_stays() -> None:
    Gate.objects.create(key="tenant:7", is_paused=True, rate_per_s=2)
    set_tenant("7", max_in_flight=3)
    set_tenant("7", max_in_flight=None)
    gate = Gate.objects.get()
    assert (gate.is_paused, gate.rate_per_s, gate.max_in_flight) == (True, 2, None)
