"""What the open dead letters have in common, and whether there are too many of them."""

import logging
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.db import connection

from jobs.models import DeadLetter
from jobs.sensitive import shown_line
from jobs.stats import MAX_COUNT

logger = logging.getLogger(__name__)

ALERT_ABOVE = 50
CRITICAL_ABOVE = 500
MAX_GROUPS = 200
MAX_SCANNED = 100_000

_GROUPS = """
SELECT found.task, found.error_code, found.jobs, found.first_at, found.last_at, latest.error_message
  FROM (SELECT task, error_code, count(*) AS jobs, min(created_at) AS first_at, max(created_at) AS last_at,
               max(id) AS latest_id
          FROM (SELECT id, task, error_code, created_at FROM jobs_deadletter
                 WHERE resolution = '' ORDER BY id DESC LIMIT %s) AS newest
         GROUP BY task, error_code
         ORDER BY count(*) DESC, task, error_code LIMIT %s) AS found
  JOIN jobs_deadletter latest ON latest.id = found.latest_id
 ORDER BY found.jobs DESC, found.task, found.error_code
"""


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
    """Group the open dead letters by task and code, the most frequent first, each with its latest message.

    Of more than MAX_SCANNED the latest are looked at.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, [MAX_SCANNED, MAX_GROUPS])
        return [replace(FailureGroup(*row), message=shown_line(row[-1])) for row in cursor.fetchall()]


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


def warn_of_open_letters() -> Alert | None:
    """Log the alert, if there is one; the leader asks once a minute."""
    alert = alert_for(open_letter_count())
    if alert is not None:
        level = logging.ERROR if alert.severity == "critical" else logging.WARNING
        logger.log(level, "too many dead letters are open", extra={"alert": asdict(alert)})
    return alert
