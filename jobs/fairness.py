"""Weighted fair queueing: within a lane (a queue and a priority) tenants take turns, in proportion to their weights.

Each due job has a virtual time: where its tenant's last one stands in the lane, or the lane itself if that is further,
plus 1 / weight. Jobs are claimed in this order, and the lane follows them. There is no row that every enqueuer would
have to lock: two transactions that enqueue for one tenant at a time do overlap, say so, and are set right by the tick.
Source: self-clocked fair queueing, Golestani 1994.
"""

import json
from collections.abc import Collection

from django.conf import settings
from django.db import connection

from jobs import tick_sql
from jobs.models import JobEvent, Tenant

OVERLAP = "overlap"  # the kind of a note in the outbox that is for the tick, not for readers
RESTAMPED_AT_MOST = 10_000


def tell_overlap(*, queue: str, priority: int, tenant: str) -> None:
    """Note, in the caller's transaction, that another one enqueues for the tenant too, from the same virtual time."""
    JobEvent.objects.create(kind=OVERLAP, topic=OVERLAP, body=[queue, priority, tenant])


def restamp(*, queue: str, priority: int, tenant: str) -> int:
    """Stamp a tenant's waiting jobs in a lane anew, by its weight, from where the lane is; return how many.

    Of more than RESTAMPED_AT_MOST the first ones are stamped: the others stand far behind.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            tick_sql.RESTAMP, {"queue": queue, "priority": priority, "tenant": tenant, "limit": RESTAMPED_AT_MOST}
        )
        return int(cursor.rowcount)


def restamp_tenant(tenant: str) -> int:
    """Stamp all of a tenant's waiting jobs anew, after its weight changed; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.LANES_OF_TENANT, [tenant])
        lanes = cursor.fetchall()
    return sum(restamp(queue=queue, priority=priority, tenant=tenant) for queue, priority in lanes)


def set_weight(tenant: str, weight: float) -> None:
    """Set a tenant's share of each lane, also for its jobs that wait already."""
    _, _ = Tenant.objects.update_or_create(name=tenant, defaults={"weight": weight})
    restamp_tenant(tenant)


def make_lanes() -> None:
    """Make a row for each lane that there may be, so that claims need only move it."""
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.MAKE_LANES, [list(settings.JOB_QUEUES)])


def settle_overlaps(notes: Collection[str]) -> int:
    """Stamp anew what overlapped; the notes are bodies of the outbox, as JSON text."""
    lanes = {tuple(json.loads(note)) for note in notes}
    return sum(restamp(queue=queue, priority=priority, tenant=tenant) for queue, priority, tenant in lanes)
