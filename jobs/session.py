"""A worker's life as PostgreSQL sees it: a row, a beat a second, and a lock that dies with the process."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence

import psutil
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from jobs.models import Worker

logger = logging.getLogger(__name__)

LOCK_CLASS = 0x50AC  # the first key of each advisory lock; the second is the worker's id, 0 the dispatcher's
BEAT_S = 1.0
_BEAT = """
UPDATE jobs_worker
   SET beat_at = clock_timestamp(), status = %s, jobs_done = %s, busy_s = %s, memory_bytes = %s
 WHERE id = %s AND ended_at IS NULL
"""


class Session:
    """Keeps one worker alive in the eyes of the dispatcher, from a thread with a connection of its own.

    The connection must be direct (no transaction pooler): the lock lives as long as it does.
    """

    def __init__(self, *, name: str, queues: Sequence[str], is_stopping: Callable[[], bool] = lambda: False) -> None:
        self.name = name
        self.queues = list(queues)
        self.is_stopping = is_stopping
        self.worker_id = 0
        self.is_busy = False
        self.may_hold_jobs = False
        self.jobs_done = 0
        self.busy_s = 0.0
        self._ended = threading.Event()
        self._registered = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="beat", daemon=True)
        self._process = psutil.Process()

    def open(self, *, timeout_s: float = 30) -> None:
        """Register the worker and start its beat; return when the dispatcher can see it alive."""
        self._thread.start()
        if not self._registered.wait(timeout_s):
            raise TimeoutError(f"PostgreSQL did not take the worker's registration within {timeout_s:.0f} s")

    def close(self) -> None:
        """End the worker's row and its beat."""
        self._ended.set()
        self._thread.join(timeout=5)
        Worker.objects.filter(pk=self.worker_id, ended_at=None).update(
            status=Worker.Status.OFFLINE, ended_at=timezone.now(), end_reason="stopped"
        )

    def _keep_beating(self) -> None:
        connection = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            while not self._ended.is_set():
                try:
                    self._beat(connection)
                except DatabaseError as error:
                    logger.warning("the beat could not be written", extra={"worker": self.name, "error": str(error)})
                    connection.close()
                self._ended.wait(BEAT_S)
        finally:
            connection.close()

    def _beat(self, connection: BaseDatabaseWrapper) -> None:
        if connection.connection is None or not self.worker_id:
            self._register(connection)
        status = Worker.Status.BUSY if self.is_busy else Worker.Status.IDLE
        memory_bytes = self._process.memory_info().rss
        with connection.cursor() as cursor:
            cursor.execute(_BEAT, [status, self.jobs_done, self.busy_s, memory_bytes, self.worker_id])
            if cursor.rowcount == 0:
                # Declared dead while it was away: what it held belongs to others now, it goes on under a new row.
                logger.warning("declared dead; registering anew", extra={"worker": self.name})
                self.worker_id = 0
                self._register(connection)

    def _register(self, connection: BaseDatabaseWrapper) -> None:
        """Take the lock that proves this process alive, on a new row unless the old one still stands."""
        with connection.cursor() as cursor:
            if not self.worker_id:
                cursor.execute(
                    "INSERT INTO jobs_worker (name, hostname, pid, queues, status, jobs_done, busy_s, memory_bytes,"
                    " started_at, beat_at, end_reason) VALUES (%s, %s, %s, %s, 'idle', 0, 0, 0, clock_timestamp(),"
                    " clock_timestamp(), '') RETURNING id",
                    [self.name, socket.gethostname(), os.getpid(), self.queues],
                )
                self.worker_id = cursor.fetchone()[0]
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, self.worker_id])
        self._registered.set()


_current: Session | None = None


class NoSession(RuntimeError):
    """A permit runs outside a worker of ours: start workers with `manage.py rqworker`."""


def current_session() -> Session:
    """Return the session of this process's worker, or raise NoSession."""
    if _current is None:
        raise NoSession((NoSession.__doc__ or "").strip())
    return _current


def set_current_session(session: Session | None) -> None:
    """Name the session under which this process claims jobs."""
    global _current  # noqa: PLW0603 one worker a process
    _current = session
