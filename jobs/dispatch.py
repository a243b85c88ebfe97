"""The tick: four times a second one dispatcher, the leader, moves what time, paces and deaths have moved."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from jobs import tick_sql
from jobs.admission import overload_limit
from jobs.bulk import advance_bulk_retries
from jobs.events import drop_backlog, relay
from jobs.failures import warn_of_open_letters
from jobs.fairness import make_lanes, settle_overlaps
from jobs.gates import declare_gates, hold_paused, pass_gates, paused_queues
from jobs.load import LoadMeter
from jobs.models import JobGroup
from jobs.permits import has_permit, wake
from jobs.reclaim import reclaim_lost_jobs
from jobs.retention import Retention
from jobs.schedules import create_declared_schedules, fire_due_schedules
from jobs.session import LOCK_CLASS
from jobs.stats import group_counts
from jobs.workflows import finish_groups, release_waiting

logger = logging.getLogger(__name__)

TICK_S = 0.25
LEADER_KEY = 0
MAX_DUE_A_TICK = 5_000
LEADER_SILENCE = "10s"  # longer than Redis may keep a tick waiting
RECLAIM_PAUSE_S = 5.0  # after an outage of PostgreSQL every session is gone, and no worker is dead
HOUSEKEEPING_EVERY_S = 60.0
PROGRESS_EVERY_S = 10.0
RESTAMP_EVERY_S = 1.0
REDIS_REST_S = 2.0
RETENTION_BUDGET_S = 0.02
# The server ends a session that is not heard of: a leader that is stopped, at whatever instant, must not go on leading.
_LEAD = """
SELECT pg_try_advisory_lock(%s, %s),
       set_config('idle_session_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false)
"""
Result = TypeVar("Result")


class Dispatcher:
    """Ticks while it is the leader; any number may run, an advisory lock makes one of them the leader."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reclaim_at = clock()
        self._restamp_at = clock()
        self._redis_at = clock()
        self._overlaps: set[str] = set()
        self._retention = Retention(clock=clock)
        self._load = LoadMeter(limit=overload_limit(), clock=clock)
        self._next_at = {step: clock() for step in (drop_backlog, warn_of_open_letters)}
        self._progress_at = clock() + PROGRESS_EVERY_S
        self._leads_on: Any = None  # the connection that holds the leader's lock
        self.is_leader = False

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set; outlast outages of PostgreSQL and Redis."""
        while not stop.is_set():
            started = self._clock()
            try:
                if self._holds_lock() or self._try_to_lead():
                    self.tick()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the tick failed", extra={"error": str(error)})
                connection.close()
                self._reclaim_at = self._clock() + RECLAIM_PAUSE_S
            stop.wait(max(0.0, TICK_S - (self._clock() - started)))
        connection.close()

    def tick(self) -> Counter[str]:
        """Move what is to be moved now; return what became due, by queue.

        A step that breaks with a bug is logged and does not keep the others from theirs.
        """
        due: Counter[str] = Counter()
        if self._clock() >= self._reclaim_at and not _postgres_just_started():
            due += _guarded(reclaim_lost_jobs) or Counter()
        for step in (finish_groups, fire_due_schedules, release_waiting):
            _guarded(step)
        _guarded(partial(advance_bulk_retries, now=timezone.now()))
        due += _guarded(release_scheduled) or Counter()
        _guarded(hold_paused)
        due += _guarded(pass_gates) or Counter()
        self._tell_redis(due)
        _guarded(self._load.step)
        self._keep_house()
        return due

    def _tell_redis(self, due: Counter[str]) -> None:
        """Wake workers and tell the streams; leave a Redis alone that did not answer, or it holds up each tick."""
        if self._clock() < self._redis_at:
            return
        try:
            if wake(due) and wake_forgotten_queues():
                _guarded(self._relay_events)
                return
        except redis.RedisError as error:
            logger.warning("Redis is away: events wait in the outbox", extra={"error": str(error)})
        self._redis_at = self._clock() + REDIS_REST_S

    def _relay_events(self) -> None:
        """Tell the streams what happened, and stamp anew what overlapped."""
        _, notes = relay()
        self._overlaps.update(notes)
        if self._overlaps and self._clock() >= self._restamp_at:
            self._restamp_at = self._clock() + RESTAMP_EVERY_S
            settle_overlaps(self._overlaps)
            self._overlaps.clear()

    def _holds_lock(self) -> bool:
        """Tell whether we lead still: the lock goes with the connection, whoever closed that."""
        self.is_leader = self._leads_on is not None and connection.connection is self._leads_on
        return self.is_leader

    def _try_to_lead(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(_LEAD, [LOCK_CLASS, LEADER_KEY, LEADER_SILENCE, LEADER_SILENCE])
            self.is_leader = cursor.fetchone()[0]
        self._leads_on = connection.connection if self.is_leader else None
        if self.is_leader:
            logger.info("this dispatcher leads")
            declare_gates()
            make_lanes()
            create_declared_schedules()
        return self.is_leader

    def _keep_house(self) -> None:
        now = self._clock()
        if now >= self._progress_at:
            self._progress_at = now + PROGRESS_EVERY_S
            _guarded(log_progress)
        for step, due_at in self._next_at.items():
            if now >= due_at:
                self._next_at[step] = now + HOUSEKEEPING_EVERY_S
                _guarded(step)
        _guarded(partial(self._retention.step, RETENTION_BUDGET_S))


def _guarded(step: Callable[[], Result]) -> Result | None:
    """Do a step of the tick; a bug in it is logged. What PostgreSQL refuses ends the tick: the lock may be lost."""
    try:
        return step()
    except (DatabaseError, InterfaceError, redis.RedisError):
        raise
    except Exception:
        logger.exception("a step of the tick broke", extra={"step": getattr(step, "__qualname__", repr(step))})
        return None


def _postgres_just_started() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() - pg_postmaster_start_time() < %s * interval '1 second'", [RECLAIM_PAUSE_S]
        )
        return bool(cursor.fetchone()[0])


def release_scheduled() -> Counter[str]:
    """Make due what is scheduled for now or earlier; count it by queue."""
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.RELEASE_DUE, [MAX_DUE_A_TICK])
        return Counter(dict(cursor.fetchall()))


def wake_forgotten_queues() -> bool:
    """Push a permit for each queue that has due jobs and none: Redis was away, wiped, or lost one.

    One EXISTS and one LLEN a queue, whatever the depth. Returns whether Redis answered.
    """
    try:
        paused = paused_queues()
        for queue in settings.JOB_QUEUES:
            if queue not in paused and not has_permit(queue) and _has_pending(queue):
                wake({queue: 1})
    except redis.RedisError as error:
        logger.warning("Redis is away: work waits in the ledger", extra={"error": str(error)})
        return False
    return True


def _has_pending(queue: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(tick_sql.QUEUE_HAS_PENDING, [queue])
        return bool(cursor.fetchone()[0])


def log_progress() -> None:
    """Log one line for each group that still runs: how far it is and how fast it goes."""
    for group in JobGroup.objects.filter(final_at=None):
        counts = group_counts(group.name)
        total = sum(sum(states.values()) for states in counts.values())
        final = sum(states.get(name, 0) for states in counts.values() for name in ("completed", "failed", "dead"))
        age_s = max(0.001, (timezone.now() - group.created_at).total_seconds())
        logger.info(
            "progress",
            extra={
                "group": group.name,
                "tenant": group.tenant,
                "done": final,
                "jobs": total,
                "jobs_per_min": round(final * 60 / age_s),
            },
        )
