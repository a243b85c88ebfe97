"""Which jobs, or which dead letters: filters that an API, a command and an admin page can all say."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from jobs.models import DeadLetter, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Jobs that match all that is given; what is left empty matches any."""

    state: str = ""
    task: str = ""
    queue: str = ""
    tenant: str = ""
    group: str = ""
    priority: int | None = None
    error_code: str = ""
    created_before: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is given, as the audit log keeps it."""
        return _given(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Open dead letters that match all that is given; what is left empty matches any."""

    task: str = ""
    tenant: str = ""
    error_code: str = ""
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what is given, as the audit log and a bulk retry keep it."""
        return _given(self)


def jobs_matching(wanted: JobFilter) -> QuerySet[Job]:
    """Find the jobs that match."""
    equal = {
        "state": wanted.state,
        "task": wanted.task,
        "queue": wanted.queue,
        "tenant": wanted.tenant,
        "grp": wanted.group,
        "error_code": wanted.error_code,
    }
    found = Job.objects.filter(**{name: value for name, value in equal.items() if value})
    if wanted.priority is not None:
        found = found.filter(priority=wanted.priority)
    if wanted.created_before is not None:
        found = found.filter(created_at__lt=wanted.created_before)
    return found


def open_letters_matching(wanted: LetterFilter) -> QuerySet[DeadLetter]:
    """Find the open dead letters that match."""
    return DeadLetter.objects.filter(resolution="", **_given(wanted))


def _given(wanted: JobFilter | LetterFilter) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(wanted).items()
        if value not in ("", None)
    }
