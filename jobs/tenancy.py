"""What a tenant may read: its own, and nothing else. Every tenant-facing view reads through these functions.

The engine's own jobs have no tenant; nobody who calls as a tenant is shown them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet

from jobs.events import Event, read, topic_of_tenant
from jobs.models import DeadLetter, Job, JobAttempt, JobGroup, JobLine, Schedule, State

# Counting more would cost 1 s a million; the figures say when they are capped.
MAX_COUNTED = 10_000

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class TenantStats:
    """A tenant's newest MAX_COUNTED jobs by state and by task, and its open dead letters."""

    by_state: Mapping[str, int]
    by_task: Mapping[str, int]
    open_dead_letters: int
    is_capped: bool


def jobs_of(tenant: str) -> QuerySet[Job]:
    """Return the tenant's jobs."""
    return _own(Job.objects.all(), tenant)


def attempts_of(tenant: str, job_id: int) -> QuerySet[JobAttempt]:
    """Return the attempts of one of the tenant's jobs; none when the job is not its own."""
    return JobAttempt.objects.filter(job_id=job_id, job__in=jobs_of(tenant))


def dead_letters_of(tenant: str) -> QuerySet[DeadLetter]:
    """Return the tenant's dead letters, resolved ones too."""
    return _own(DeadLetter.objects.all(), tenant)


def lines_of(tenant: str, job_id: int) -> QuerySet[JobLine]:
    """Return what one of the tenant's jobs logged; nothing when the job is not its own."""
    return JobLine.objects.filter(job_id=job_id, job__in=jobs_of(tenant))


def groups_of(tenant: str) -> QuerySet[JobGroup]:
    """Return the tenant's groups."""
    return _own(JobGroup.objects.all(), tenant)


def schedules_of(tenant: str) -> QuerySet[Schedule]:
    """Return the tenant's schedules."""
    return _own(Schedule.objects.all(), tenant)


def events_of(tenant: str, *, after: int = 0, limit: int = 100) -> list[Event]:
    """Return up to `limit` events of the tenant's jobs that come after the number given.

    Raises:
        redis.RedisError: Redis is away.
    """
    return read(topic_of_tenant(tenant), after=after, limit=limit) if tenant else []


def stats_of(tenant: str) -> TenantStats:
    """Count the tenant's newest jobs."""
    newest = list(jobs_of(tenant).order_by("-id").values_list("state", "task")[: MAX_COUNTED + 1])
    counted = newest[:MAX_COUNTED]
    states = Counter(state for state, _ in counted)
    return TenantStats(
        by_state={state: states[state] for state in State.values},
        by_task=dict(Counter(task for _, task in counted).most_common()),
        open_dead_letters=len(
            dead_letters_of(tenant).filter(resolution=DeadLetter.Resolution.OPEN).values_list("pk")[:MAX_COUNTED]
        ),
        is_capped=len(newest) > MAX_COUNTED,
    )


def _own(rows: QuerySet[Row], tenant: str) -> QuerySet[Row]:
    return rows.filter(tenant=tenant) if tenant else rows.none()
