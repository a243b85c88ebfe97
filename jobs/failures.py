"""What the open dead letters have in common, and whether there are too many of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from jobs.models import DeadLetter
from jobs.stats import MAX_COUNT

ALERT_ABOVE = 50
CRITICAL_ABOVE = 500
MAX_GROUPS = 200


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Open dead letters of one task that failed with one code."""

    task: str
    error_code: str
    count: int
    first_at: datetime
    last_at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Too many dead letters are open: how bad it is, and what to do."""

    severity: str
    message: str
    action: str


def failure_groups() -> list[FailureGroup]:
    """Group the open dead letters by task and code, the most frequent first, each with its latest message."""
    rows = list(
        DeadLetter.objects.filter(resolution="")
        .order_by()
        .values("task", "error_code")
        .annotate(count=Count("id"), first_at=Min("created_at"), last_at=Max("created_at"), latest=Max("id"))
        .order_by("-count", "task", "error_code")[:MAX_GROUPS]
    )
    messages = dict(
        DeadLetter.objects.filter(pk__in=[row["latest"] for row in rows]).values_list("pk", "error_message")
    )
    return [
        FailureGroup(
            row["task"],
            row["error_code"],
            row["count"],
            row["first_at"],
            row["last_at"],
            messages.get(row["latest"], ""),
        )
        for row in rows
    ]


def open_letter_count() -> int:
    """Count the open dead letters, up to MAX_COUNT."""
    return DeadLetter.objects.filter(resolution="")[:MAX_COUNT].count()


def alert_for(count: int) -> Alert | None:
    """Tell whether so many open dead letters call for somebody; the specification's limit is 50."""
    if count <= ALERT_ABOVE:
        return None
    return Alert(
        severity="critical" if count > CRITICAL_ABOVE else "warning",
        message=f"{count} dead letters are open; more than {ALERT_ABOVE} call for attention.",
        action="Look at the failures grouped by error, mend the cause, then retry them in bulk.",
    )
