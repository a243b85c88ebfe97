"""How much work is due, and how fast it goes: measured by the dispatcher, read by everybody from Redis."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache

import redis
from django.conf import settings
from django.db import connection

from jobs.depths import HEAD

logger = logging.getLogger(__name__)

KEY = "souk:load"
MEASURE_EVERY_S = 1.0
# Counting 200,000 due jobs takes 30 ms on a vacuumed index and 150 ms on a fresh one (measured 2026-11, 2 cores):
# the measuring may take a fiftieth of the time, whatever there is to count.
MEASURE_SHARE = 0.02
TTL_S = 60  # what is older says nothing any more: no dispatcher leads

# Beyond LIMIT nobody asks how many more.
_MEASURE = """
SELECT (SELECT count(*) FROM (
            SELECT 1 FROM unnest(%(queues)s::text[]) AS names (queue)
             CROSS JOIN generate_series(0, 3) AS lanes (priority)
             CROSS JOIN LATERAL (SELECT 1 FROM jobs_job
                                  WHERE queue = names.queue AND priority = lanes.priority AND state = 'pending'
                                  ORDER BY vtime, id LIMIT %(limit)s) AS job
             LIMIT %(limit)s) AS due),
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(job.run_at)), 0)::float8
          FROM unnest(%(queues)s::text[]) AS names (queue)
         CROSS JOIN generate_series(0, 3) AS lanes (priority)
         CROSS JOIN LATERAL (SELECT run_at FROM jobs_job
                              WHERE queue = names.queue AND priority = lanes.priority AND state = 'pending'
                              ORDER BY vtime, id LIMIT %(head)s) AS job),
       (SELECT coalesce(sum(completed + failed), 0)
               / extract(epoch FROM clock_timestamp() - date_trunc('minute', clock_timestamp()) + interval '1 minute')
          FROM jobs_taskminute
         WHERE minute >= date_trunc('minute', statement_timestamp()) - interval '1 minute')::float8
"""


@dataclass(frozen=True, slots=True)
class Load:
    """The jobs that are due, how long the oldest has been, and how many end a second."""

    depth: int = 0
    oldest_s: float = 0.0
    drain_per_s: float = 0.0

    def drained_in_s(self, jobs: float) -> float:
        """Return how long so many jobs take at the present pace; infinity when nothing moves."""
        return jobs / self.drain_per_s if self.drain_per_s > 0 else float("inf")


def measure_load(*, limit: int) -> Load:
    """Count what is due, up to `limit`, by the database's clock, and tell it to all; return it."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, {"queues": list(settings.JOB_QUEUES), "limit": limit, "head": HEAD})
        depth, oldest_s, drain_per_s = cursor.fetchone()
    load = Load(depth=depth, oldest_s=round(max(0.0, oldest_s), 3), drain_per_s=round(drain_per_s, 3))
    try:
        _cache(settings.CACHE_URL).set(KEY, json.dumps(asdict(load)), ex=TTL_S)
    except redis.RedisError as error:
        logger.warning("the load is not told: Redis is away: %s", error)
    return load


def current_load() -> Load | None:
    """Return the load as it was told last; None when nobody told it, or Redis is away."""
    try:
        raw = _cache(settings.CACHE_URL).get(KEY)
    except redis.RedisError as error:
        logger.warning("the load is not known: Redis is away: %s", error)
        return None
    return None if raw is None else Load(**json.loads(raw))


class LoadMeter:
    """Measures once a second, or less often where that would take more than MEASURE_SHARE of the time."""

    def __init__(self, *, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._due_at = clock()

    def step(self) -> Load | None:
        """Measure if it is time."""
        started = self._clock()
        if started < self._due_at:
            return None
        load = measure_load(limit=self._limit)
        self._due_at = started + max(MEASURE_EVERY_S, (self._clock() - started) / MEASURE_SHARE)
        return load


@lru_cache(maxsize=1)
def _cache(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
