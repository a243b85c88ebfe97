"""What jobs say while they run: log lines and steps of progress, on their way to PostgreSQL.

A line waits in memory until the worker's beat thread stores it, a fifth of a second later; nothing that a handler
says costs it a round trip. While PostgreSQL is away the lines wait, up to a bound. Reading is in `jobs.lines`.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import Error, connection

from jobs.sealing import seal_text
from jobs.storable import storable_text

logger = logging.getLogger(__name__)

MAX_LINES_A_JOB = 1_000  # of one execution
MAX_WAITING = 20_000  # lines in memory, some 10 MB
MAX_MESSAGE_LENGTH = 10_000
DROPPED = "more lines were dropped"
current_job: ContextVar[int | None] = ContextVar("current_job", default=None)

_INSERT = """
INSERT INTO jobs_jobline (job_id, at, level, message, progress_pct)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::float8[])
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a job's log; a step of progress when it has a percentage."""

    job_id: int
    at: datetime
    level: str
    message: str
    progress_pct: float | None = None


@dataclass(slots=True)
class _Said:
    """How much a job has said in this execution."""

    lines: int = 0
    step: tuple[int, str] | None = None
    has_dropped: bool = False


class Journal:
    """The lines of this process's jobs that are not stored yet. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._storing = threading.Lock()
        self._waiting: deque[Line] = deque()
        self._said: dict[int, _Said] = {}
        self._sealed: set[int] = set()
        self._wake: Callable[[], None] | None = None
        self.stored_at = 0.0

    @property
    def has_lines(self) -> bool:
        """Tell whether lines wait to be stored."""
        return bool(self._waiting)

    def set_waker(self, wake: Callable[[], None] | None) -> None:
        """Name what is called when the first line begins to wait."""
        self._wake = wake

    def seal_lines(self, job_ids: Collection[int]) -> None:
        """Encrypt what these jobs say in this execution."""
        with self._lock:
            self._sealed.update(job_ids)

    def add(self, job_id: int, message: str, *, level: str = "INFO", progress_pct: float | None = None) -> None:
        """Take a line. A job's lines beyond its share are dropped, and the last one says so.

        A step of progress is kept when its whole percent or its message is another than the last one's.
        """
        line = Line(job_id, datetime.now(UTC), level, storable_text(message[:MAX_MESSAGE_LENGTH]), progress_pct)
        with self._lock:
            said = self._said.setdefault(job_id, _Said())
            if progress_pct is not None:
                if said.step == (step := (int(progress_pct), line.message)):
                    return
                if said.lines >= MAX_LINES_A_JOB and said.step and said.step[0] == step[0]:
                    return
                said.step = step
            if len(self._waiting) >= MAX_WAITING or (said.lines >= MAX_LINES_A_JOB and progress_pct is None):
                if said.has_dropped:
                    return
                said.has_dropped = True
                line = Line(job_id, line.at, "WARNING", DROPPED)
            if job_id in self._sealed and line.message:
                line = replace(line, message=seal_text(line.message))
            said.lines += 1
            self._waiting.append(line)
            is_first = len(self._waiting) == 1
        if is_first and self._wake:
            self._wake()

    def flush(self) -> int:
        """Store what waits, on this thread's connection; return how many lines. What cannot be stored waits on.

        Raises:
            django.db.Error: PostgreSQL did not take them.
        """
        if not self._waiting:
            return 0
        with self._storing:
            with self._lock:
                lines, self._waiting = list(self._waiting), deque()
                self.stored_at = time.monotonic()
            try:
                _store(lines)
            except BaseException:
                with self._lock:
                    self._waiting.extendleft(reversed(lines))
                raise
            return len(lines)

    def try_flush(self) -> None:
        """Store what waits, or let it wait on."""
        try:
            self.flush()
        except Error as error:
            logger.warning("log lines wait for PostgreSQL", extra={"error": str(error)})

    def forget(self, job_ids: Collection[int]) -> None:
        """Stop counting what these jobs say: their execution is over."""
        with self._lock:
            for job_id in job_ids:
                self._said.pop(job_id, None)
                self._sealed.discard(job_id)


def _store(lines: Collection[Line]) -> None:
    columns: list[list[Any]] = [
        [line.job_id for line in lines],
        [line.at for line in lines],
        [line.level for line in lines],
        [line.message for line in lines],
        [line.progress_pct for line in lines],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)


_journal = Journal()


def journal() -> Journal:
    """Return this process's journal."""
    return _journal


@contextmanager
def speaking_for(job_id: int | None) -> Iterator[None]:
    """Let what is logged inside, in this thread or task, stand in the job's own log; None: in nobody's."""
    token = current_job.set(job_id)
    try:
        yield
    finally:
        current_job.reset(token)


class JournalHandler(logging.Handler):
    """Adds what is logged while a job is worked on to that job's log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record to the log of the current job, if there is one."""
        job_id = current_job.get()
        if job_id is None:
            return
        try:
            _journal.add(job_id, self.format(record), level=record.levelname)
        except Exception:  # noqa: BLE001 what a handler must do with any error: say it on stderr and go on
            self.handleError(record)
