"""A worker's life as PostgreSQL sees it: a row, a beat a second, and a lock that dies with the process.

Two threads share a session. The one that works tells it what it holds (`hold`, `let_go`) and how that went
(`note_failure`, `note_success`); the beat thread, with a connection of its own, writes the row, stores what jobs
log, notices cancellations, and ends the process when its time to leave has come. Python code cannot keep the beat
thread from running; C code that does not give up the GIL can, until the task's timeout.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.utils import timezone

from jobs.departure import hand_back
from jobs.journal import journal
from jobs.models import Worker
from jobs.registry import tasks_of_queue
from jobs.seats import HOSTNAME, count_restarts

logger = logging.getLogger(__name__)

LOCK_CLASS = 0x50AC  # the first key of each advisory lock; the second is the worker's id, 0 the dispatcher's
BEAT_S = 1.0
PAST_SILENCE_S = 5.0  # a worker that is only stopped must be found silent before its lock is gone, or it has crashed
STORE_LINES_EVERY_S = 0.2
MAX_SHOWN_IDS = 20
EXIT_ASKED = 0
EXIT_CANCELLED = 75  # so that a supervisor that restarts only after failures does so

# How soon the server notices that this end is gone; this end's own keepalives stand in settings.DATABASES.
_SERVER_KEEPALIVES = """
SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '10000', false),
       set_config('idle_session_timeout', %(silence_ms)s, false),
       set_config('idle_in_transaction_session_timeout', %(silence_ms)s, false)
"""
_BEAT = """
UPDATE jobs_worker
   SET beat_at = clock_timestamp(), status = %s, jobs_done = %s, busy_s = %s, memory_bytes = %s, cpu_pct = %s,
       batch = %s::jsonb, last_error = %s
 WHERE id = %s AND ended_at IS NULL
RETURNING ARRAY(SELECT id FROM jobs_job
                 WHERE worker_id = jobs_worker.id AND state = 'running' AND is_cancelling)
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A batch in hand."""

    task: str
    job_ids: Sequence[int]
    since: datetime


@dataclass(frozen=True, slots=True)
class _Leaving:
    """When the process ends itself, and why."""

    at: float
    reason: str
    exit_code: int


class Session:
    """Keeps one worker alive in the eyes of the dispatcher, from a thread with a connection of its own.

    The connection must be direct (no transaction pooler): the lock lives as long as it does.
    """

    def __init__(
        self,
        *,
        name: str,
        queues: Sequence[str],
        is_stopping: Callable[[], bool] = lambda: False,
        seat: str = "",
        is_warm: bool = True,
    ) -> None:
        self.name = name
        self.seat = seat
        self.queues = list(queues)
        self.is_stopping = is_stopping
        self.is_warm = is_warm
        self.worker_id = 0
        self.is_busy = False
        self.may_hold_jobs = False
        self.jobs_done = 0
        self.busy_s = 0.0
        self.memory_bytes = 0
        self.cancelled: frozenset[int] = frozenset()
        self.last_error = ""
        self.on_beat: Callable[[], None] | None = None
        self.on_reconnect: Callable[[], None] | None = None
        self._has_failed = False
        self._holdings: dict[int, list[Holding]] = {}
        self._cancelled_since: dict[int, float] = {}
        self._leaving: _Leaving | None = None
        self._beat_due_at = 0.0
        self._ended = threading.Event()
        self._awake = threading.Event()
        self._registered = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="beat", daemon=True)
        self._process = psutil.Process()

    # --- the thread that works --------------------------------------------------------------------
    def open(self, *, timeout_s: float = 30) -> None:
        """Register the worker and start its beat; return when the dispatcher can see it alive."""
        self._process.cpu_percent()  # the first call only begins to measure
        self._thread.start()
        if not self._registered.wait(timeout_s):
            raise TimeoutError(f"PostgreSQL did not take the worker's registration within {timeout_s:.0f} s")
        journal().set_waker(self._awake.set)

    def close(self, reason: str = "stopped") -> None:
        """End the worker's row and its beat, and store what its jobs still said."""
        journal().set_waker(None)
        self._ended.set()
        self._awake.set()
        self._thread.join(timeout=5)
        try:
            journal().flush()
            Worker.objects.filter(pk=self.worker_id, ended_at=None).update(
                status=Worker.Status.OFFLINE, ended_at=timezone.now(), end_reason=reason, batch=None
            )
        except Error as error:
            logger.warning("could not sign off", extra={"worker": self.name, "error": str(error)})

    def hold(self, task: str, job_ids: Sequence[int]) -> None:
        """Tell what this thread works on from now on."""
        self._holdings.setdefault(threading.get_ident(), []).append(Holding(task, job_ids, datetime.now(UTC)))
        self.is_busy = True

    def let_go(self) -> None:
        """Tell that this thread's batch is over; one that it held before, and ran this one from, it holds still."""
        held = self._holdings.get(threading.get_ident(), [])
        del held[-1:]
        if not held:
            self._holdings.pop(threading.get_ident(), None)
        self.is_busy = bool(self._holdings)

    def note_failure(self, error: str) -> None:
        """Show the worker in error: a batch could not be settled."""
        self.last_error, self._has_failed = error, True

    def note_success(self) -> None:
        """Show the worker well again; what went wrong last stays on its row."""
        self._has_failed = False

    def leave_within(self, grace_s: float, reason: str, *, exit_code: int = EXIT_ASKED) -> None:
        """End the process when it still runs in `grace_s` seconds, and hand back what it holds."""
        self._leaving = _Leaving(time.monotonic() + grace_s, reason, exit_code)
        self._awake.set()

    # --- the thread that beats --------------------------------------------------------------------
    def _keep_beating(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS] = _direct_connection()
        try:
            while not self._ended.is_set():
                try:
                    self._round(connection)
                except Error as error:
                    logger.warning("the beat could not be written", extra={"worker": self.name, "error": str(error)})
                    connection.close()
                    self._beat_due_at = time.monotonic() + BEAT_S
                except Exception:  # a thread that ended would let a living worker look dead
                    logger.exception("the beat stumbled", extra={"worker": self.name})
                if self._leaving and time.monotonic() >= self._leaving.at:
                    self._leave(self._leaving)
                self._awake.wait(self._pause_s(is_well=connection.connection is not None))
                self._awake.clear()
        finally:
            connection.close()

    def _round(self, connection: BaseDatabaseWrapper) -> None:
        now = time.monotonic()
        if now >= self._beat_due_at:
            self._beat_due_at = now + BEAT_S
            self._beat(connection)
            self._end_deaf_jobs(now)
            if self.on_beat:
                self.on_beat()
        if connection.connection is not None and journal().has_lines and now >= self._lines_due_at:
            journal().flush()

    @property
    def _lines_due_at(self) -> float:
        return journal().stored_at + STORE_LINES_EVERY_S

    def _pause_s(self, *, is_well: bool) -> float:
        due = [self._beat_due_at]
        if is_well and journal().has_lines:
            due.append(self._lines_due_at)
        if self._leaving:
            due.append(self._leaving.at)
        return max(0.0, min(due) - time.monotonic())

    def _beat(self, connection: BaseDatabaseWrapper) -> None:
        if connection.connection is None or not self.worker_id:
            self._register(connection)
        self.memory_bytes = self._process.memory_info().rss
        cancelled = self._tell(connection)
        if cancelled is None:
            # Declared dead while it was away: what it held belongs to others now, it goes on under a new row.
            logger.warning("declared dead; registering anew", extra={"worker": self.name})
            self.worker_id = 0
            self._register(connection)
            cancelled = self._tell(connection)
        self.cancelled = frozenset(cancelled or ())

    def _tell(self, connection: BaseDatabaseWrapper) -> list[int] | None:
        """Write the row; return which of its jobs are to be cancelled, or None when the row is closed."""
        with connection.cursor() as cursor:
            cursor.execute(_BEAT, self._row())
            row: tuple[list[int]] | None = cursor.fetchone()
        return row[0] if row else None

    def _row(self) -> list[Any]:
        holding = next((held[0] for held in list(self._holdings.values()) if held), None)
        batch = holding and {
            "task": holding.task,
            "ids": list(holding.job_ids[:MAX_SHOWN_IDS]),
            "count": len(holding.job_ids),
            "since": holding.since.isoformat(),
        }
        return [
            self._status(),
            self.jobs_done,
            self.busy_s,
            self.memory_bytes,
            self._process.cpu_percent(),
            json.dumps(batch) if batch else None,
            self.last_error,
            self.worker_id,
        ]

    def _status(self) -> Worker.Status:
        if not self.is_warm:
            return Worker.Status.ACTIVE
        if self._has_failed:
            return Worker.Status.ERROR
        return Worker.Status.BUSY if self.is_busy else Worker.Status.IDLE

    def _register(self, connection: BaseDatabaseWrapper) -> None:
        """Take the lock that proves this process alive, on a new row unless the old one still stands."""
        connection.close()
        with connection.cursor() as cursor:
            # A host that vanishes without a word frees its lock when the server has heard nothing for so long.
            cursor.execute(
                _SERVER_KEEPALIVES, {"silence_ms": str(int((settings.JOB_SILENCE_S + PAST_SILENCE_S) * 1000))}
            )
            if not self.worker_id:
                self.worker_id = self._new_row().pk
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, self.worker_id])
        is_first = not self._registered.is_set()
        self._registered.set()
        if not is_first and self.on_reconnect:
            threading.Thread(target=self.on_reconnect, name="reconnected", daemon=True).start()

    def _new_row(self) -> Worker:
        return Worker.objects.create(
            name=self.name,
            hostname=HOSTNAME,
            pid=os.getpid(),
            queues=self.queues,
            status=self._status(),
            started_at=Now(),
            beat_at=Now(),  # not by this machine's clock: it may be behind, and the lock is yet to be taken
            restarts=count_restarts(self.seat, lock_class=LOCK_CLASS) if self.seat else 0,
            capabilities=[task.name for queue in self.queues for task in tasks_of_queue(queue)],
            max_concurrency=settings.JOB_CONCURRENCY,
        )

    def _end_deaf_jobs(self, now: float) -> None:
        """End the process when a cancelled job has not noticed in time: its neighbours go back."""
        self._cancelled_since = {job_id: self._cancelled_since.get(job_id, now) for job_id in self.cancelled}
        if any(now - since >= settings.JOB_CANCEL_GRACE_S for since in self._cancelled_since.values()):
            self._leave(_Leaving(now, "cancelled a job", EXIT_CANCELLED))

    def _leave(self, leaving: _Leaving) -> None:
        """Hand everything back and end the process. The dispatcher hands it back where this fails."""
        queues: dict[str, int] = {}
        try:
            queues = hand_back(worker_id=self.worker_id, reason=leaving.reason)
            journal().flush()
        except Error as error:
            logger.warning("could not hand back", extra={"worker": self.name, "error": str(error)})
        logger.warning(
            "leaving at once: %s", leaving.reason, extra={"worker": self.name, "handed_back": sum(queues.values())}
        )
        logging.shutdown()
        os._exit(leaving.exit_code)


def _direct_connection() -> BaseDatabaseWrapper:
    """Return a connection of its own, past any pool of this process's."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    own: dict[str, Any] = deepcopy(connection.settings_dict)
    own["OPTIONS"].pop("pool", None)
    connection.settings_dict = own
    return connection


_current: Session | None = None


class NoSession(RuntimeError):
    """A permit runs outside a worker of ours: start workers with `manage.py rqworker`."""


def current_session() -> Session:
    """Return the session of this process's worker, or raise NoSession."""
    if _current is None:
        raise NoSession((NoSession.__doc__ or "").strip())
    return _current


def is_worker() -> bool:
    """Tell whether this process is a worker."""
    return _current is not None


def set_current_session(session: Session | None) -> None:
    """Name the session under which this process claims jobs."""
    global _current  # noqa: PLW0603 one worker a process
    _current = session
