"""Who may submit work, and when to come back.

Only what comes from outside is asked here. Follow-ups inside a pipeline are never refused: work that was accepted
goes on.
"""

import logging
import math
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import connection

from jobs.load import Load, current_load
from jobs.models import Priority
from jobs.token_bucket import take

logger = logging.getLogger(__name__)

MIN_RETRY_S = 1
MAX_RETRY_S = 300
# A tenant that is refused more often than this has stopped heeding Retry-After.
REFUSALS_PER_MIN = 60
ABUSE_RETRY_S = 60

# Under overload the depth that each priority is still accepted at, as a multiple of JOB_OVERLOAD_DEPTH.
ACCEPTED_AT: dict[int, float] = {
    Priority.LOW: 1,
    Priority.NORMAL: 2,
    Priority.HIGH: 4,
    Priority.CRITICAL: math.inf,
}

# The tenant's own limits, and how many of its jobs are due or gated, counted up to its limit.
_STANDING = """
WITH limits AS (
SELECT coalesce(max(submissions_per_min), %(per_minute)s) AS per_minute,
       coalesce(max(max_waiting), %(max_waiting)s) AS max_waiting
  FROM jobs_tenant WHERE name = %(tenant)s)
SELECT per_minute, max_waiting,
       (SELECT count(*) FROM (
            SELECT 1 FROM unnest(%(queues)s::text[]) AS names (queue)
             CROSS JOIN generate_series(0, 3) AS lanes (priority)
             CROSS JOIN LATERAL (SELECT 1 FROM jobs_job
                                  WHERE queue = names.queue AND priority = lanes.priority AND tenant = %(tenant)s
                                    AND state IN ('pending', 'gated') AND vtime >= 0
                                  LIMIT (SELECT max_waiting FROM limits)) AS job
             LIMIT (SELECT max_waiting FROM limits)) AS waiting)
  FROM limits
"""


class Reason(StrEnum):
    """Why work is not accepted now; part of the error's code."""

    OVERLOAD = "overload"
    WAITING = "waiting"
    RATE = "rate"


_MESSAGES = {
    Reason.OVERLOAD: "More work waits than is done; work of this priority is put off.",
    Reason.WAITING: "You have as much work waiting as you may have.",
    Reason.RATE: "You have submitted as much work as you may in a minute.",
}


class TooManyJobs(Exception):
    """The work is not accepted now; it may be in `retry_after_s` seconds."""

    def __init__(self, reason: Reason, *, retry_after_s: float) -> None:
        super().__init__(_MESSAGES[reason])
        self.reason = reason
        self.code = f"jobs.too_many.{reason}"
        self.retry_after_s = min(MAX_RETRY_S, max(MIN_RETRY_S, math.ceil(min(retry_after_s, MAX_RETRY_S))))


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant's limits, and how much of its work waits (counted up to its limit)."""

    per_minute: int
    max_waiting: int
    waiting: int


def admit(*, tenant: str, priority: Priority, count: int = 1) -> None:
    """Let the tenant submit `count` jobs, or raise. Call it before the work is written, and not inside a pipeline.

    One statement on PostgreSQL and two short commands on Redis. Redis away: only what waits is limited.

    Raises:
        TooManyJobs: too much waits in all or of this tenant's, or it submits too fast.
    """
    standing = standing_of(tenant)
    refused = refusal(
        load=current_load() or Load(),
        standing=standing,
        priority=priority,
        count=count,
        overload_depth=settings.JOB_OVERLOAD_DEPTH,
    )
    if refused is None:  # only what is accepted spends tokens
        taken = take(f"submit:{tenant}", per_minute=standing.per_minute, count=count)
        if taken is not None and not taken.is_allowed:
            refused = TooManyJobs(Reason.RATE, retry_after_s=taken.wait_s)
    if refused is not None:
        raise _noted(refused, tenant=tenant, priority=priority, count=count)


def refusal(
    *, load: Load, standing: Standing, priority: Priority, count: int, overload_depth: int
) -> TooManyJobs | None:
    """Decide whether what waits already leaves room; touches neither clock nor database."""
    ceiling = overload_depth * ACCEPTED_AT[priority]
    if load.depth > ceiling:
        return TooManyJobs(Reason.OVERLOAD, retry_after_s=load.drained_in_s(load.depth - ceiling))
    # A submission larger than the limit is accepted when nothing waits, or it never would be.
    excess = standing.waiting + min(count, standing.max_waiting) - standing.max_waiting
    if excess > 0:
        return TooManyJobs(Reason.WAITING, retry_after_s=load.drained_in_s(excess))
    return None


def standing_of(tenant: str) -> Standing:
    """Read the tenant's limits, and count its jobs that are due or gated."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STANDING,
            {
                "tenant": tenant,
                "queues": list(settings.JOB_QUEUES),
                "per_minute": settings.JOB_SUBMISSIONS_PER_MIN,
                "max_waiting": settings.JOB_MAX_WAITING,
            },
        )
        return Standing(*cursor.fetchone())


def overload_limit() -> int:
    """Return the depth beyond which counting on would change no answer."""
    highest = max(times for times in ACCEPTED_AT.values() if times < math.inf)
    return int(settings.JOB_OVERLOAD_DEPTH * highest) + 1


def _noted(refused: TooManyJobs, *, tenant: str, priority: Priority, count: int) -> TooManyJobs:
    """Log the refusal; one who keeps submitting though refused is told to stay away longer, and staff hear of it."""
    extra = {"tenant": tenant, "reason": str(refused.reason), "priority": priority.name.lower(), "jobs": count}
    patience = take(f"refused:{tenant}", per_minute=REFUSALS_PER_MIN)
    if patience is None or patience.is_allowed:
        logger.info("submission refused", extra=extra)
        return refused
    refused.retry_after_s = max(refused.retry_after_s, ABUSE_RETRY_S)
    alarm = take(f"abuse:{tenant}", per_minute=1)
    if alarm is None or alarm.is_allowed:
        logger.error("a tenant keeps submitting though it is refused", extra=extra | {"code": "jobs.abuse"})
    return refused
