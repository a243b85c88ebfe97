"""Answers about the queues. Counts are capped, so that no page or tick pays for a million rows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from jobs.models import DeadLetter, Job, JobAttempt, TaskMinute, Worker

MAX_COUNT = 10_000
WINDOW_MINUTES = 5
BEAT_FRESH_S = 5

_DEPTHS = """
SELECT queue, state, count(*), min(run_at) FROM (
       SELECT wanted.queue, wanted.state, job.run_at
         FROM unnest(%s::text[]) AS names (queue)
        CROSS JOIN unnest(%s::text[]) AS states (state)
        CROSS JOIN LATERAL (SELECT names.queue, states.state) AS wanted
        CROSS JOIN LATERAL (SELECT run_at FROM jobs_job
                             WHERE queue = wanted.queue AND state = wanted.state LIMIT %s) AS job) AS capped
 GROUP BY queue, state
"""


def group_counts(group: str) -> dict[str, dict[str, int]]:
    """Count the group's jobs: {task: {state: jobs}}."""
    counts: dict[str, dict[str, int]] = {}
    rows = Job.objects.filter(grp=group).values_list("task", "state").annotate(jobs=Count("id")).order_by()
    for task, state, jobs in rows:
        counts.setdefault(task, {})[state] = jobs
    return counts


def group_retries(group: str) -> int:
    """Count the executions of the group's jobs that failed and were followed by another."""
    failed = JobAttempt.objects.filter(job__grp=group).count()
    return failed - DeadLetter.objects.filter(job__grp=group).count()


def queue_stats() -> dict[str, Any]:
    """Tell depth, throughput and workers of each queue, and the size of the dead-letter queue.

    Depths stop counting at MAX_COUNT; rates and means are of the last five minutes.
    """
    depths = _depths()
    workers = list(Worker.objects.filter(ended_at=None, beat_at__gte=timezone.now() - timedelta(seconds=BEAT_FRESH_S)))
    return {
        "queues": [
            {
                "name": queue,
                **{state: depths.get((queue, state), (0, None))[0] for state in _COUNTED},
                "oldest_pending_s": _age_s(depths.get((queue, "pending"), (0, None))[1]),
                "workers": sum(queue in worker.queues for worker in workers),
                "busy_workers": sum(queue in worker.queues and worker.status == "busy" for worker in workers),
            }
            for queue in settings.JOB_QUEUES
        ],
        "tasks": task_rates(),
        "workers": len(workers),
        "utilisation": round(sum(w.status == "busy" for w in workers) / len(workers), 3) if workers else None,
        "dead_letters": DeadLetter.objects.filter(resolution="")[: MAX_COUNT + 1].count(),
        "count_limit": MAX_COUNT,
    }


_COUNTED = ("waiting", "scheduled", "gated", "pending", "running")


def task_rates(*, minutes: int = WINDOW_MINUTES) -> list[dict[str, Any]]:
    """Tell, for each task that ran in the last minutes, its rate, means and failures."""
    since = timezone.now() - timedelta(minutes=minutes)
    rows = (
        TaskMinute.objects.filter(minute__gte=since)
        .values("task")
        .annotate(
            completed=Sum("completed"),
            failed=Sum("failed"),
            retried=Sum("retried"),
            run=Sum("run_s"),
            wait=Sum("wait_s"),
        )
        .order_by("task")
    )
    return [_rate(row, minutes) for row in rows]


def _rate(row: Mapping[str, Any], minutes: int) -> dict[str, Any]:
    ended = row["completed"] + row["failed"]
    executions = ended + row["retried"]
    return {
        "task": row["task"],
        "completed": row["completed"],
        "failed": row["failed"],
        "retried": row["retried"],
        "jobs_per_min": round(ended / minutes, 1),
        "mean_run_ms": round(row["run"] / executions * 1000, 2) if executions else None,
        "mean_wait_ms": round(row["wait"] / executions * 1000, 2) if executions else None,
        "failure_rate": round(row["failed"] / ended, 4) if ended else None,
    }


def _depths() -> dict[tuple[str, str], tuple[int, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_DEPTHS, [list(settings.JOB_QUEUES), list(_COUNTED), MAX_COUNT])
        return {(queue, state): (count, oldest) for queue, state, count, oldest in cursor.fetchall()}


def _age_s(since: Any) -> float | None:
    return None if since is None else round(max(0.0, (timezone.now() - since).total_seconds()), 3)
