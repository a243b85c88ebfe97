"""What a run has left behind, as PostgreSQL, the store and the submitter's own notes tell it."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

_JOBS = """
SELECT id, payload->>'subject', payload->>'do', state, attempt + waits, error_code
  FROM jobs_job WHERE task IN ('chaos', 'chaos-bulk') ORDER BY id
"""
_EFFECTS = "SELECT job_id, subject, count(*) FROM workload_effect GROUP BY 1, 2"
_GROUPS = "SELECT name FROM jobs_jobgroup"
_LEFT = """
SELECT count(*) FROM jobs_job WHERE state NOT IN ('completed', 'failed', 'dead', 'cancelled')
"""
_GROUPS_LEFT = "SELECT count(*) FROM jobs_jobgroup WHERE final_at IS NULL"


@dataclass(frozen=True, slots=True)
class JobFact:
    """A job's row: `runs_counted` is how often the ledger thinks that its handler ran to an outcome."""

    id: int
    subject: str
    do: str
    state: str
    runs_counted: int
    error_code: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a verdict needs.

    Args:
        accepted: ids whose commit was confirmed to the submitter.
        jobs: every row of the ledger.
        effects: how many rows of effect there are, by (job id, subject).
        groups: names of the groups that were opened.
        things: the second store: subject -> id of the job that wrote it last.
        runs: how often each job's handler ran.
    """

    accepted: frozenset[int]
    jobs: tuple[JobFact, ...]
    effects: Counter[tuple[int, str]]
    groups: frozenset[str]
    things: dict[str, int]
    runs: dict[int, int]


def read_facts(*, database_url: str, store_url: str, accepted: Path) -> Facts:
    """Read everything."""
    with psycopg.connect(database_url) as connection:
        jobs = tuple(JobFact(*row) for row in connection.execute(_JOBS))
        effects = Counter({(job_id, subject): count for job_id, subject, count in connection.execute(_EFFECTS)})
        groups = frozenset(row[0] for row in connection.execute(_GROUPS))
    with redis.Redis.from_url(store_url, decode_responses=True) as store:
        things = {subject: int(job_id) for subject, job_id in store.hgetall("things").items()}
        runs = {int(job_id): int(count) for job_id, count in store.hgetall("runs").items()}
    ids = frozenset(job_id for line in accepted.read_text().splitlines() for job_id in json.loads(line))
    return Facts(accepted=ids, jobs=jobs, effects=effects, groups=groups, things=things, runs=runs)


def count_left(database_url: str) -> int:
    """Count the jobs and groups that are not final."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        rows = (connection.execute(query).fetchone() for query in (_LEFT, _GROUPS_LEFT))
        return sum(row[0] for row in rows if row)
