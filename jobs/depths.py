"""How many jobs stand where: counted up to a limit along the ledger's indexes, estimated beyond it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from jobs.models import Priority, State

HEAD = 100  # in a lane the job that waits longest is among its first, or nearly
MAX_TENANTS = 1_000
MAX_EXACT = 10

# The order is that of job_claim, so that the planner reads that index alone: while its statistics were older than
# 300,000 new jobs it took job_fair and looked at each row (420 ms instead of 165; measured 2026-11).
_LANES = """
SELECT names.queue, lanes.priority, counted.jobs, heads.oldest_s
  FROM unnest(%(queues)s::text[]) AS names (queue)
 CROSS JOIN generate_series(0, 3) AS lanes (priority)
 CROSS JOIN LATERAL (SELECT count(*) AS jobs
                       FROM (SELECT 1 FROM jobs_job
                              WHERE queue = names.queue AND priority = lanes.priority AND state = 'pending'
                              ORDER BY vtime, id LIMIT %(limit)s) AS due) AS counted
 CROSS JOIN LATERAL (SELECT extract(epoch FROM clock_timestamp() - min(run_at))::float8 AS oldest_s
                       FROM (SELECT run_at FROM jobs_job
                              WHERE queue = names.queue AND priority = lanes.priority AND state = 'pending'
                              ORDER BY vtime, id LIMIT %(head)s) AS head) AS heads
 WHERE counted.jobs > 0
"""

# What is not due is found by its state alone: the limit is one for all queues together.
_OTHERS = """
SELECT 'scheduled', queue, count(*)
  FROM (SELECT queue FROM jobs_job WHERE state = 'scheduled' ORDER BY run_at LIMIT %(limit)s) AS scheduled
 GROUP BY queue
 UNION ALL
SELECT 'gated', queue, count(*)
  FROM (SELECT queue FROM jobs_job WHERE state = 'gated'
         ORDER BY gate, priority, vtime, id LIMIT %(limit)s) AS gated
 GROUP BY queue
 UNION ALL
SELECT 'running', queue, count(*)
  FROM (SELECT queue FROM jobs_job WHERE state = 'running' ORDER BY worker_id LIMIT %(limit)s) AS running
 GROUP BY queue
 UNION ALL
SELECT 'waiting', queue, count(*)
  FROM jobs_job
 WHERE state = 'waiting'
   AND id = ANY (ARRAY(SELECT DISTINCT job_id FROM jobs_jobdependency ORDER BY job_id LIMIT %(limit)s))
 GROUP BY queue
"""

# The tenants of each lane by jumps through the index: one look-up a tenant, however many jobs it has. Of a tenant's
# jobs in a lane a few are counted; how many more there are is told by virtual time: they stand 1 / weight apart.
_TENANTS = """
WITH RECURSIVE lanes AS (
SELECT queue, priority FROM unnest(%(queues)s::text[]) AS names (queue) CROSS JOIN generate_series(0, 3) AS priority),
found AS (
SELECT lanes.queue, lanes.priority, (
       SELECT tenant FROM jobs_job
        WHERE queue = lanes.queue AND priority = lanes.priority AND state IN ('pending', 'gated') AND vtime >= 0
        ORDER BY tenant LIMIT 1) AS tenant, 1 AS place
  FROM lanes
 UNION ALL
SELECT found.queue, found.priority, (
       SELECT tenant FROM jobs_job
        WHERE queue = found.queue AND priority = found.priority AND state IN ('pending', 'gated') AND vtime >= 0
          AND tenant > found.tenant
        ORDER BY tenant LIMIT 1), place + 1
  FROM found WHERE found.tenant IS NOT NULL AND place < %(tenants)s)
SELECT found.tenant, sum(CASE WHEN head.jobs < %(exact)s THEN head.jobs
                            ELSE least(%(limit)s, greatest(head.jobs, 1 + round(
                                 (tail.vtime - head.vtime) * coalesce(tenant.weight, 1)))) END)::bigint AS jobs
  FROM found
  LEFT JOIN jobs_tenant tenant ON tenant.name = found.tenant
 CROSS JOIN LATERAL (SELECT count(*) AS jobs, min(vtime) AS vtime
                       FROM (SELECT vtime FROM jobs_job
                              WHERE queue = found.queue AND priority = found.priority AND tenant = found.tenant
                                AND state IN ('pending', 'gated') AND vtime >= 0
                              ORDER BY vtime LIMIT %(exact)s) AS due) AS head
 CROSS JOIN LATERAL (SELECT max(vtime) AS vtime
                       FROM (SELECT vtime FROM jobs_job
                              WHERE queue = found.queue AND priority = found.priority AND tenant = found.tenant
                                AND state IN ('pending', 'gated') AND vtime >= 0
                              ORDER BY vtime DESC LIMIT 1) AS due) AS tail
 WHERE found.tenant IS NOT NULL
 GROUP BY found.tenant ORDER BY jobs DESC, found.tenant LIMIT %(most)s
"""


@dataclass(slots=True)
class Depth:
    """The jobs of one queue that have not ended, by state, and those that are due by priority."""

    by_state: dict[str, int] = field(default_factory=dict)
    by_priority: dict[str, int] = field(default_factory=dict)
    oldest_pending_s: float | None = None


def depths(*, limit: int) -> dict[str, Depth]:
    """Count the jobs of each queue: those due up to `limit` a lane, the others up to `limit` a state in all."""
    found = {queue: Depth() for queue in settings.JOB_QUEUES}
    with connection.cursor() as cursor:
        cursor.execute(_LANES, {"queues": list(found), "limit": limit, "head": HEAD})
        for queue, priority, jobs, oldest_s in cursor.fetchall():
            depth = found[queue]
            depth.by_priority[_name(priority)] = jobs
            depth.oldest_pending_s = max(depth.oldest_pending_s or 0.0, round(oldest_s, 3))
        cursor.execute(_OTHERS, {"limit": limit})
        for state, queue, jobs in cursor.fetchall():
            if queue in found:
                found[queue].by_state[state] = jobs
    for depth in found.values():
        depth.by_state[State.PENDING] = min(limit, sum(depth.by_priority.values()))
    return found


def estimates(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Estimate the jobs of each (queue, state) as the planner does; as fresh as the last ANALYZE."""
    found: dict[tuple[str, str], int] = {}
    with connection.cursor() as cursor:
        for queue, state in wanted:
            cursor.execute("EXPLAIN (FORMAT JSON) SELECT FROM jobs_job WHERE queue = %s AND state = %s", [queue, state])
            plan = cursor.fetchone()[0]
            found[queue, state] = int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])
    return found


def busiest_tenants(*, most: int = 20, limit: int = 10_000) -> Mapping[str, int]:
    """Name the tenants with the most jobs due or gated, and about how many: up to `limit` a lane.

    Of each lane MAX_TENANTS are looked at. Up to MAX_EXACT jobs of a tenant in a lane are counted, more are estimated.
    """
    parameters: dict[str, Any] = {
        "queues": list(settings.JOB_QUEUES),
        "most": most,
        "limit": limit,
        "exact": min(limit, MAX_EXACT),
        "tenants": MAX_TENANTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TENANTS, parameters)
        return dict(cursor.fetchall())


def _name(priority: int) -> str:
    return Priority(priority).name.lower()
