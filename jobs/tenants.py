"""What is particular to a tenant: its share of the work, and its limits."""

from typing import TypedDict, Unpack

from django.db import transaction

from jobs.fairness import restamp_tenant
from jobs.gates import hold_pending, set_gate
from jobs.models import Gate, Tenant


class TenantChanges(TypedDict, total=False):
    """What to set of a tenant; what is left out stays as it is, and a limit that is None is taken away."""

    weight: float
    max_in_flight: int | None
    max_waiting: int | None
    submissions_per_min: int | None


def set_tenant(name: str, **changes: Unpack[TenantChanges]) -> Tenant:
    """Set a tenant's share or limits, also for its jobs that wait already; setting the same again changes nothing.

    Args:
        name: as its jobs name it.
        changes: `weight`, its share of each lane beside the others' (1 without a row); `max_in_flight`, jobs due or
            running at once; `max_waiting` and `submissions_per_min`, what admission lets it submit.
    """
    with transaction.atomic():
        before = Tenant.objects.select_for_update().filter(pk=name).first() or Tenant(name=name)
        old_weight, old_limit = before.weight, before.max_in_flight
        tenant, _ = Tenant.objects.update_or_create(name=name, defaults=dict(changes))
        if tenant.weight != old_weight:
            restamp_tenant(name)
        if tenant.max_in_flight != old_limit:
            _limit_in_flight(f"tenant:{name}", tenant.max_in_flight)
    return tenant


def _limit_in_flight(key: str, limit: int | None) -> None:
    if Gate.objects.filter(key=key).update(max_in_flight=limit) == 0 and limit is not None:
        set_gate(key, max_in_flight=limit)
    if limit is not None:
        hold_pending(key)
    else:
        # A gate that holds nothing would still send each job through the tick.
        Gate.objects.filter(
            key=key, rate_per_s=None, staff_rate_per_s=None, is_paused=False, closed_until=None
        ).delete()
