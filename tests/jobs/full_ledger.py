"""A ledger with a long past and a deep queue, made by the server itself, and a look at how it is read."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

LIVE_WORKER = 1_000_001
STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

_JOBS = """
INSERT INTO jobs_job (task, queue, tenant, priority, vtime, state, attempt, max_attempts, waits, crashes, is_suspect,
                      lease, payload, meta, error_code, error_message, created_at, run_at, started_at, finished_at,
                      grp, gate, key, worker_id, parent_id)
SELECT task, queue, 't' || n % 97, n % 4, n, state, CASE WHEN worker_id IS NULL THEN 0 ELSE 1 END, 3, 0, 0, false,
       0, '{"subject": "a"}', '{}', error_code, '',
       now() - age, now() - age + delay, CASE WHEN worker_id IS NOT NULL THEN now() END,
       CASE WHEN state IN ('completed', 'failed', 'dead', 'cancelled') THEN now() - age END, grp, gate, key, worker_id,
       NULL
  FROM (SELECT n, """
_NOTHING = "'' AS error_code, NULL AS grp, NULL AS gate, NULL AS key, NULL::bigint AS worker_id"
_QUEUE = """CASE WHEN n % 10 < 7 THEN 'noop-64' WHEN n % 10 = 7 THEN 'mixed-64' WHEN n % 10 = 8 THEN 'mixed-4'
            ELSE 'act' END AS task,
       CASE WHEN n % 10 < 7 THEN 'noop-64' WHEN n % 10 < 9 THEN 'mixed' ELSE 'workload' END AS queue"""
_AT_ONCE = "interval '1 hour' AS age, interval '0' AS delay"

_FINALS = f"""{_QUEUE}, interval '30 days' AS age, interval '0' AS delay,
       CASE WHEN n % 100 = 7 THEN 'failed' WHEN n % 100 = 8 THEN 'dead' WHEN n % 100 = 9 THEN 'cancelled'
            ELSE 'completed' END AS state,
       CASE WHEN n % 100 IN (7, 8) THEN 'test.broken' ELSE '' END AS error_code,
       CASE WHEN n % 4 = 0 THEN 'old:' || n % 1000 END AS grp, NULL AS gate,
       CASE WHEN n % 20 = 0 THEN 'old' || n END AS key, NULL::bigint AS worker_id"""
_PENDING = f"""{_QUEUE}, {_AT_ONCE}, 'pending' AS state, '' AS error_code,
       CASE WHEN n % 10 = 0 THEN 'new:' || n % 1000 END AS grp, CASE WHEN n % 20 = 3 THEN 'shop:9' END AS gate,
       CASE WHEN n % 20 = 0 THEN 'k' || n END AS key, NULL::bigint AS worker_id"""
_SCHEDULED = f"""'act' AS task, 'workload' AS queue, interval '1 hour' AS age,
       CASE WHEN n % 500 = 0 THEN interval '0' ELSE interval '1 day' END AS delay, 'scheduled' AS state, {_NOTHING}"""
_GATED = f"""'act' AS task, 'workload' AS queue, {_AT_ONCE}, 'gated' AS state, '' AS error_code, NULL AS grp,
       'domain:' || n % 50 || ' gemini' AS gate, NULL AS key, NULL::bigint AS worker_id"""
_RUNNING = f"""'act' AS task, 'workload' AS queue, {_AT_ONCE}, 'running' AS state, '' AS error_code, NULL AS grp,
       NULL AS gate, NULL AS key, {LIVE_WORKER} + n % 20 AS worker_id"""
_WAITING = f"""'act' AS task, 'workload' AS queue, {_AT_ONCE}, 'waiting' AS state, {_NOTHING}"""

# What stands beside the jobs, in the order in which it refers to itself.
_OTHERS = (
    """INSERT INTO jobs_jobkey (task, key, job_id, expires_at)
       SELECT task, key, id, CASE WHEN state = 'completed' THEN now() - interval '29 days' END
         FROM jobs_job WHERE key IS NOT NULL ON CONFLICT DO NOTHING""",
    """INSERT INTO jobs_jobgroup (name, tenant, then_task, then_payload, created_at, final_at, priority)
       SELECT 'old:' || n, '', '', '{}', now() - interval '30 days',
              CASE WHEN n > 7 THEN now() - interval '30 days' END, 2 FROM generate_series(0, 999, 4) n""",
    """INSERT INTO jobs_jobgroup (name, tenant, then_task, then_payload, created_at, priority)
       SELECT 'new:' || n, '', '', '{}', now(), 2 FROM generate_series(0, 999, 10) n""",
    """INSERT INTO jobs_deadletter (job_id, task, tenant, reason, error_code, error_message, traceback, enqueued_at,
                                    last_attempt_at, created_at, resolution, resolved_by, resolution_note)
       SELECT id, task, tenant, 'exhausted', error_code, '', '', now(), now(), now(),
              CASE WHEN id % 2 = 0 THEN 'retried' ELSE '' END, '', ''
         FROM jobs_job WHERE state IN ('failed', 'dead')""",
    """INSERT INTO jobs_jobattempt (job_id, attempt, worker_name, started_at, ended_at, family, error_code,
                                    error_message, traceback, decision)
       SELECT id, n, 'w', now(), now(), 'retryable', error_code, '', '', ''
         FROM jobs_job, generate_series(1, 3) n WHERE state IN ('failed', 'dead')""",
    """INSERT INTO jobs_jobline (job_id, at, level, message)
       SELECT id, now(), 'INFO', 'said' FROM jobs_job WHERE state IN ('failed', 'dead', 'cancelled')""",
    """WITH done AS MATERIALIZED (SELECT min(id) AS id FROM jobs_job WHERE state = 'completed'),
            due AS MATERIALIZED (SELECT min(id) AS id FROM jobs_job WHERE state = 'pending')
       INSERT INTO jobs_jobdependency (job_id, on_id, runs_anyway)
       SELECT job.id, CASE WHEN job.id % 50 = 0 THEN done.id ELSE due.id + job.id % 100 END, false
         FROM jobs_job job, done, due WHERE state = 'waiting'""",
    """INSERT INTO jobs_jobevent (kind, ids, tasks, tenants, groups)
       SELECT 'completed', ARRAY[n], ARRAY['act'], ARRAY['t1'], ARRAY[NULL] FROM generate_series(1, 5000) n""",
    """INSERT INTO jobs_taskminute (minute, task, worker_id, completed, failed, retried, run_s, wait_s)
       SELECT date_trunc('minute', now()) - m * interval '1 minute', 'task-' || t, w, 10, 0, 0, 1, 1
         FROM generate_series(0, 1439) m, generate_series(1, 8) t, generate_series(1, 4) w""",
    """INSERT INTO jobs_worker (id, name, hostname, pid, queues, status, jobs_done, busy_s, memory_bytes, started_at,
                                beat_at, ended_at, end_reason)
       SELECT n, 'w' || n, 'h', n, ARRAY['workload'], 'idle', 0, 0, 0, now() - interval '1 hour', now(),
              CASE WHEN n < """
    + str(LIVE_WORKER)
    + """ THEN now() - interval '30 days' END, ''
         FROM generate_series("""
    + f"{LIVE_WORKER} - 3000, {LIVE_WORKER} + 19) n",
    """INSERT INTO jobs_gate (key, rate_per_s, burst, tokens, refilled_at)
       SELECT 'domain:' || n, 5, 5, 5, now() FROM generate_series(0, 49) n""",
    "INSERT INTO jobs_gate (key, burst, tokens, max_in_flight, refilled_at) VALUES ('gemini', 1, 1, 100, now())",
    """INSERT INTO jobs_lane (queue, priority, vtime)
       SELECT queue, p, 0 FROM unnest(ARRAY['noop-64', 'mixed', 'workload']) queue, generate_series(0, 3) p
       ON CONFLICT DO NOTHING""",
)
_EMPTY = """
TRUNCATE jobs_job, jobs_jobkey, jobs_jobgroup, jobs_deadletter, jobs_jobattempt, jobs_jobline, jobs_jobdependency,
         jobs_jobevent, jobs_taskminute, jobs_worker, jobs_gate, jobs_lane RESTART IDENTITY
"""


def fill(*, pending: int, finals: int) -> None:
    """Fill an emptied ledger; statistics are left as they were when a thousand jobs had been done and none waited."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(_EMPTY)
        _insert(cursor, _FINALS, 1_000)
        for table in _tables():
            cursor.execute(f"ANALYZE {table}")
        with _without_indexes(cursor):
            _insert(cursor, _FINALS, finals)
            _insert(cursor, _PENDING, pending)
            for part, count in ((_SCHEDULED, 50_000), (_GATED, 10_000), (_RUNNING, 500), (_WAITING, 1_000)):
                _insert(cursor, part, count)
        for statement in _OTHERS:
            cursor.execute(statement)


def gather_statistics() -> None:
    """Let the planner know what there is."""
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"ANALYZE {table}")


def _tables() -> list[str]:
    return [name for name in connection.introspection.table_names() if name.startswith("jobs_")]


def _insert(cursor: Any, part: str, count: int) -> None:
    cursor.execute(f"{_JOBS}{part} FROM generate_series(1, {count}) n) new")


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Build the ledger's indexes at the end: three times as quick."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs_job' AND indexname <> 'jobs_job_pkey'"
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the server ran one statement."""

    step: str
    sql: str
    took_ms: float
    buffers: int
    scanned: frozenset[str]  # the tables that it read whole

    def __str__(self) -> str:
        scanned = f"  SCANS {', '.join(sorted(self.scanned))}" if self.scanned else ""
        text = " ".join(self.sql.split())
        return f"{self.took_ms:9.1f} ms {self.buffers:8} buffers  {self.step}: {text[:110]}{scanned}"


class Explainer:
    """Explains each statement that runs while it watches, before it lets it run."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self._step = ""
        self._is_explaining = False

    @contextmanager
    def watching(self, step: str) -> Iterator[None]:
        """Watch a step; what it changes is undone."""
        self._step = step
        with undone("step"), connection.execute_wrapper(self._explain):
            yield

    def _explain(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self._is_explaining and not many and sql.split(None, 1)[0].strip("(").upper() in STATEMENTS:
            self._is_explaining = True
            try:
                self.plans.append(explain(sql, params, step=self._step))
            finally:
                self._is_explaining = False
        return execute(sql, params, many, context)


def explain(sql: str, params: Any, *, step: str = "") -> Plan:
    """Run the statement, undo what it did, and tell how the server ran it."""
    with undone("explained"), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()
    found = (json.loads(answer) if isinstance(answer, str) else answer)[0]
    return Plan(
        step=step,
        sql=sql,
        took_ms=found["Execution Time"] + found.get("Planning Time", 0),
        buffers=_buffers(found["Plan"]),
        scanned=frozenset(node["Relation Name"] for node in _nodes(found["Plan"]) if node["Node Type"] == "Seq Scan"),
    )


@contextmanager
def undone(name: str) -> Iterator[None]:
    """Undo what happens inside, in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SAVEPOINT {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _buffers(root: dict[str, Any]) -> int:
    """Count the pages touched. What a WITH changes and nobody reads runs after the root, and is not in its count."""
    extra = [
        node
        for node in root.get("Plans", ())
        if node["Node Type"] == "ModifyTable" and node.get("Subplan Name", "").startswith("CTE")
    ]
    return sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in (root, *extra))


def worst(plans: Sequence[Plan], count: int = 15) -> str:
    """Write out the most expensive ones."""
    return "\n".join(str(plan) for plan in sorted(plans, key=lambda plan: -plan.buffers)[:count])
