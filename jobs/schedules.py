"""Schedules: jobs that are enqueued at set times, once for each time, however many dispatchers run.

A due schedule's jobs and its next time are written in one transaction under the row's lock: a dispatcher that dies
anywhere leaves either both or neither, and of two dispatchers one finds the row taken or not due any more. The
database's clock decides, so that hosts need not agree on the time.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import DateTimeField, Q, QuerySet
from django.db.models.functions import Now
from django.forms.models import model_to_dict

from jobs.audit import record
from jobs.batch import NewJob
from jobs.ledger import Enqueued, enqueue, enqueue_many
from jobs.models import Audit, Priority, Schedule
from jobs.registry import all_tasks
from jobs.timetables import Timetable, due_runs, next_runs, timetable_problems

logger = logging.getLogger(__name__)

ENGINE = "dispatcher"  # who disables a schedule that cannot be kept
EDITABLE = (
    "name", "task", "payload", "tenant", "priority", "crontab", "every_s", "time_zone", "catch_up", "is_enabled",
)  # fmt: skip
TIMING = {"crontab", "every_s", "time_zone", "is_enabled"}


class InvalidSchedule(ValueError):
    """The schedule cannot be kept as it is; `problems` says why, by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


# --- reading ----------------------------------------------------------------------------------------


def timetable_of(schedule: Schedule) -> Timetable:
    """Return when the schedule runs; intervals count from its creation."""
    return Timetable(
        crontab=schedule.crontab,
        every_s=schedule.every_s,
        time_zone=schedule.time_zone,
        anchor_at=schedule.created_at.replace(microsecond=0),
    )


def schedule_problems(schedule: Schedule) -> dict[str, str]:
    """Say what is wrong with a schedule, by field; nothing when it can be kept."""
    problems = timetable_problems(timetable_of(schedule))
    known = [task.name for task in all_tasks()]
    if schedule.task not in known:
        problems["task"] = f"No task is named {schedule.task!r}. There are: {', '.join(known)}."
    if not isinstance(schedule.payload, dict):
        problems["payload"] = 'A payload is a JSON object, like {"seller": 7}.'
    return problems


def coming_runs(schedule: Schedule, *, count: int) -> list[datetime]:
    """Return the next times of the schedule, as if it were enabled; none when it cannot be kept."""
    if timetable_problems(timetable_of(schedule)):
        return []
    return list(islice(_runs_from_now(schedule), count))


def reason_for_disabling(schedule: Schedule) -> str:
    """Return who disabled the schedule and why; empty while it is enabled, or when nobody said."""
    if schedule.is_enabled:
        return ""
    entry = Audit.objects.filter(subject=_subject(schedule), action="disable schedule").first()
    return f"by {entry.actor}: {entry.reason}" if entry else ""


# --- firing: the dispatcher's -----------------------------------------------------------------------


def fire_due_schedules() -> int:
    """Enqueue what is due, each due time once; return how many jobs that made.

    A schedule that cannot be kept (its task is unknown, say) is logged and disabled, and stops no other.
    """
    return sum(_fire(pk) for pk in list(_due_schedules().values_list("pk", flat=True)))


def create_declared_schedules() -> int:
    """Create those of settings.JOB_SCHEDULES that are missing; return how many. What is there is left as it is.

    Rows whose declaration is gone go on, but may be deleted from now on.
    """
    declared = settings.JOB_SCHEDULES
    Schedule.objects.filter(is_declared=True).exclude(name__in=declared).update(is_declared=False)
    known = set(Schedule.objects.filter(name__in=declared).values_list("name", flat=True))
    created = 0
    for name in sorted(set(declared) - known):
        schedule = Schedule(name=name, is_declared=True, **declared[name])
        if problems := schedule_problems(schedule):
            logger.error("a declared schedule is wrong", extra={"schedule": name, "problems": problems})
            continue
        schedule.next_run_at = _next_run(schedule)
        created += len(Schedule.objects.bulk_create([schedule], ignore_conflicts=True))
    return created


def _due_schedules() -> QuerySet[Schedule]:
    # Now() is the statement's time, not the transaction's; clock_timestamp() could not use the index.
    is_due = Q(next_run_at__lte=Now()) | Q(next_run_at=None)
    return Schedule.objects.filter(is_due, is_enabled=True).order_by("next_run_at")


def _fire(pk: int) -> int:
    try:
        with transaction.atomic():
            due = _due_schedules().filter(pk=pk).annotate(now=Now(output_field=DateTimeField()))
            schedule = due.select_for_update(skip_locked=True).first()
            return _enqueue_due(schedule, now=schedule.now) if schedule else 0
    except (OperationalError, InterfaceError):
        raise  # the database's failure, not the schedule's: it is due still
    except Exception as error:  # whatever is wrong with one schedule must not stop the others
        logger.exception("a schedule was disabled", extra={"schedule_id": pk})
        _disable_broken(pk, error)
        return 0


def _enqueue_due(schedule: Schedule, *, now: datetime) -> int:
    timetable = timetable_of(schedule)
    if schedule.next_run_at is None:  # a row that was written by hand
        schedule.next_run_at = next(next_runs(timetable, after=now))
        schedule.save(update_fields=["next_run_at"])
        return 0
    due = due_runs(timetable, catch_up=schedule.catch_up, next_run_at=schedule.next_run_at, now=now)
    if due.next_run_at is None:
        raise InvalidSchedule({"crontab": "There is no later run."})
    made = enqueue_many([_job(schedule, source="cron", due_at=due_at) for due_at in due.times])
    if made:
        schedule.last_run_at = due.times[-1]
        schedule.last_job_id = made[-1].job_id
    schedule.next_run_at = due.next_run_at
    schedule.save(update_fields=["next_run_at", "last_run_at", "last_job_id"])
    return sum(not enqueued.is_duplicate for enqueued in made)


def _job(schedule: Schedule, *, source: str, due_at: datetime, **meta: str) -> NewJob:
    """Return one run's job; one of the calendar's has a key that names its time."""
    return NewJob(
        schedule.task,
        schedule.payload,
        tenant=schedule.tenant,
        priority=Priority(schedule.priority),
        key=f"cron:{schedule.name}:{due_at.isoformat()}" if source == "cron" else None,
        meta={"source": source, "schedule": schedule.name, "due_at": due_at.isoformat(), **meta},
    )


def _disable_broken(pk: int, error: Exception) -> None:
    with transaction.atomic():
        schedule = _due_schedules().filter(pk=pk).select_for_update(skip_locked=True).first()
        if schedule is not None:
            _disable(schedule, actor=ENGINE, reason=f"It could not be run ({type(error).__name__}): {error}"[:1000])


# --- what operators do ------------------------------------------------------------------------------


@transaction.atomic
def run_schedule_now(schedule: Schedule, *, actor: str, reason: str) -> Enqueued:
    """Enqueue one run now, beside those of the timetable, enabled or not.

    Raises:
        UnknownTask: the schedule's task is not declared here.
    """
    schedule = _locked(schedule)
    now = _now()
    enqueued = enqueue(_job(schedule, source="admin", due_at=now, by=actor))
    schedule.last_run_at = now
    schedule.last_job_id = enqueued.job_id
    schedule.save(update_fields=["last_run_at", "last_job_id"])
    _audit(schedule, actor=actor, action="run schedule", reason=reason)
    return enqueued


@transaction.atomic
def enable_schedule(schedule: Schedule, *, actor: str, reason: str) -> bool:
    """Let the schedule run from its next time on; what it missed meanwhile stays missed. False when it was enabled.

    Raises:
        InvalidSchedule: it cannot be kept as it is.
    """
    schedule = _locked(schedule)
    if schedule.is_enabled:
        return False
    _check(schedule)
    schedule.is_enabled = True
    schedule.next_run_at = _next_run(schedule)
    schedule.save(update_fields=["is_enabled", "next_run_at"])
    _audit(schedule, actor=actor, action="enable schedule", reason=reason)
    return True


@transaction.atomic
def disable_schedule(schedule: Schedule, *, actor: str, reason: str) -> bool:
    """Stop the schedule; jobs that it has enqueued go on. False when it was disabled."""
    schedule = _locked(schedule)
    if not schedule.is_enabled:
        return False
    _disable(schedule, actor=actor, reason=reason)
    return True


@transaction.atomic
def save_schedule(schedule: Schedule, *, actor: str, reason: str) -> None:
    """Create or change a schedule, and note what changed; when its times change, the next one counts from now.

    Raises:
        InvalidSchedule: it could not be kept.
    """
    _check(schedule)
    old = Schedule.objects.select_for_update().get(pk=schedule.pk) if schedule.pk else None
    before = model_to_dict(old, EDITABLE) if old else {}
    after = model_to_dict(schedule, EDITABLE)
    changed = {field: value for field, value in after.items() if old is None or before[field] != value}
    if old is None or TIMING & changed.keys():
        schedule.next_run_at = _next_run(schedule) if schedule.is_enabled else None
    else:
        schedule.next_run_at = old.next_run_at  # a dispatcher may have moved it since the caller read it
    schedule.save(update_fields=[*EDITABLE, "next_run_at"] if old else None)
    shown = "; ".join(f"{field}: {before[field]} → {value}" for field, value in changed.items()) if old else ""
    _audit(
        schedule,
        actor=actor,
        action="change schedule" if old else "create schedule",
        reason=f"{reason} ({shown})" if shown else reason,
    )


@transaction.atomic
def delete_schedule(schedule: Schedule, *, actor: str, reason: str) -> None:
    """Delete a schedule of the staff's own; its jobs stay.

    Raises:
        InvalidSchedule: it comes with the code, which would create it anew.
    """
    if schedule.is_declared:
        raise InvalidSchedule({"name": "It comes with the code: disable it instead."})
    _audit(schedule, actor=actor, action="delete schedule", reason=reason)
    schedule.delete()


def _check(schedule: Schedule) -> None:
    if problems := schedule_problems(schedule):
        raise InvalidSchedule(problems)


def _disable(schedule: Schedule, *, actor: str, reason: str) -> None:
    schedule.is_enabled = False
    schedule.next_run_at = None
    schedule.save(update_fields=["is_enabled", "next_run_at"])
    _audit(schedule, actor=actor, action="disable schedule", reason=reason)


def _locked(schedule: Schedule) -> Schedule:
    return Schedule.objects.select_for_update().get(pk=schedule.pk)


def _next_run(schedule: Schedule) -> datetime:
    return next(_runs_from_now(schedule))


def _runs_from_now(schedule: Schedule) -> Iterator[datetime]:
    return next_runs(timetable_of(schedule), after=_now())


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def _subject(schedule: Schedule) -> str:
    return f"schedule {schedule.name}"


def _audit(schedule: Schedule, *, actor: str, action: str, reason: str) -> None:
    record(actor=actor, action=action, subject=_subject(schedule), reason=reason)
