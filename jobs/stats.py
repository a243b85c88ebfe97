"""Answers about the queues. Counts are capped, so that no page or tick pays for a million rows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from jobs.depths import depths, estimates
from jobs.gates import paused_queues
from jobs.models import DeadLetter, Gate, Job, JobAttempt, Priority, TaskMinute, Worker

MAX_COUNT = 10_000
WINDOW_MINUTES = 5
BEAT_FRESH_S = 5


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

    Depths stop counting at MAX_COUNT; one that did has an estimate beside it. Rates and means are of the last five
    minutes. The clock is the database's, so that a host whose clock is wrong hides no worker.
    """
    found = depths(limit=MAX_COUNT)
    full = [
        (name, state) for name, depth in found.items() for state, jobs in depth.by_state.items() if jobs >= MAX_COUNT
    ]
    estimated = {key: max(MAX_COUNT, jobs) for key, jobs in estimates(full).items()}
    paused = paused_queues()
    workers = list(Worker.objects.filter(ended_at=None, beat_at__gte=Now() - timedelta(seconds=BEAT_FRESH_S)))
    return {
        "queues": [
            {
                "name": queue,
                "is_paused": queue in paused,
                **{state: depth.by_state.get(state, 0) for state in _COUNTED},
                "depth_by_priority": {priority: depth.by_priority.get(priority, 0) for priority in _PRIORITIES},
                "estimates": {state: estimated[queue, state] for state in _COUNTED if (queue, state) in estimated},
                "oldest_pending_s": depth.oldest_pending_s,
                "workers": sum(queue in worker.queues for worker in workers),
                "busy_workers": sum(queue in worker.queues and worker.status == "busy" for worker in workers),
            }
            for queue, depth in found.items()
        ],
        "tasks": task_rates(),
        "gates": gate_counts(),
        "workers": len(workers),
        "utilisation": round(sum(w.status == "busy" for w in workers) / len(workers), 3) if workers else None,
        "dead_letters": DeadLetter.objects.filter(resolution="")[: MAX_COUNT + 1].count(),
        "count_limit": MAX_COUNT,
        **{name: import_string(function)() for name, function in settings.JOB_STATS_SECTIONS.items()},
    }


_COUNTED = ("waiting", "scheduled", "gated", "pending", "running")
_PRIORITIES = [priority.name.lower() for priority in Priority]


def gate_counts() -> dict[str, int]:
    """Count the gates, those that are paused and those that a circuit breaker has closed. Tenants see it: no names."""
    found = Gate.objects.aggregate(
        total=Count("key"),
        paused=Count("key", filter=Q(is_paused=True)),
        closed=Count("key", filter=Q(closed_until__gt=Now())),
    )
    return {name: int(count) for name, count in found.items()}


def task_rates(*, minutes: int = WINDOW_MINUTES) -> list[dict[str, Any]]:
    """Tell, for each task that ran in the last minutes, its rate, means and failures."""
    since = Now() - timedelta(minutes=minutes)
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
