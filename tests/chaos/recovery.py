"""How long the jobs of a killed worker take to be somebody's again, by PostgreSQL's own word."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

# A worker that was taken for dead before goes on under another row with the same pid.
_HELD = """
SELECT job.id, job.lease FROM jobs_job job JOIN jobs_worker worker ON worker.id = job.worker_id
 WHERE worker.pid = %s AND job.state = 'running'
"""
# Those with work for a while, the latest first: they will still hold it in a moment.
_BUSY = """
SELECT worker.pid FROM jobs_job job JOIN jobs_worker worker ON worker.id = job.worker_id
 WHERE job.state = 'running' AND (job.payload->>'s')::float8 >= 0.1
 GROUP BY worker.pid ORDER BY max(job.started_at) DESC
"""
_STILL_HELD = """
SELECT count(*) FILTER (WHERE job.lease = held.lease AND job.state = 'running'),
       count(*) FILTER (WHERE job.lease > held.lease)
  FROM jobs_job job JOIN unnest(%s::bigint[], %s::bigint[]) AS held (id, lease) USING (id)
"""


@dataclass(slots=True)
class Wait:
    """The jobs of a killed worker that are not pending or claimed again yet."""

    killed_at: float
    ids: list[int]
    leases: list[int]
    is_disturbed: bool


class Watch:
    """Watches kills. `recovered_s` holds the plain ones, `disturbed_s` those amid another fault of what recovers."""

    def __init__(self, database_url: str, tell: Callable[[str], None]) -> None:
        self.recovered_s: list[float] = []
        self.disturbed_s: list[float] = []
        self._url, self._tell = database_url, tell
        self._connection: psycopg.Connection | None = None
        self._waits: list[Wait] = []

    def busy_pids(self) -> list[int]:
        """List the processes that hold jobs of some length; nothing where PostgreSQL is away."""
        for _ in range(2):  # a connection of before PostgreSQL was killed fails once
            try:
                return [row[0] for row in self._connected().execute(_BUSY)]
            except psycopg.OperationalError:
                self._connection = None
        return []

    def note_kill(self, pid: int, killed_at: float, *, is_disturbed: bool) -> None:
        """Note what the worker held when it was killed."""
        try:
            rows = self._connected().execute(_HELD, [pid]).fetchall()
        except psycopg.OperationalError:
            self._connection = None
            return
        if rows:
            self._waits.append(Wait(killed_at, [row[0] for row in rows], [row[1] for row in rows], is_disturbed))

    def note_disturbance(self) -> None:
        """Note that PostgreSQL or a dispatcher was struck: the waits of now say nothing of ordinary recovery."""
        for wait in self._waits:
            wait.is_disturbed = True

    def look(self) -> None:
        """End the waits whose jobs are all pending or claimed again."""
        try:
            for wait in list(self._waits):
                row = self._connected().execute(_STILL_HELD, [wait.ids, wait.leases]).fetchone()
                held, moved = row or (0, 0)
                if held:
                    continue
                self._waits.remove(wait)
                if moved:  # else its last settlement was under way when it was killed
                    times = self.disturbed_s if wait.is_disturbed else self.recovered_s
                    times.append(time.monotonic() - wait.killed_at)
                    self._tell(f"recovered {len(wait.ids)} jobs after {times[-1]:.2f} s{' *' * wait.is_disturbed}")
        except psycopg.OperationalError:
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
