"""When a schedule runs: crontabs and intervals as instants. Pure: neither clock nor database.

Where clocks change, a crontab in local time means this:

* A time that the clock skips (02:30 when it goes from 02:00 to 03:00) runs as soon as it has skipped, at 03:00; several
  skipped times run once, together with one that is due at 03:00 anyway.
* Of a time that comes twice (01:30 when it goes back from 02:00 to 01:00) the first counts, so that a daily job runs
  once a day. A crontab whose hours begin with `*` runs through the day and so in both hours: it leaves no hour out.

An interval counts elapsed seconds from its anchor; clock changes do not touch it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from itertools import islice, takewhile
from math import ceil, floor
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter

from jobs.models import Schedule

MAX_CATCH_UP = 100  # runs of one schedule enqueued at once; the others follow with the next ticks
GRACE_S = 60.0  # a run this late still counts as on time: a dispatcher was replaced, say
FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_NO_FIXED_TIME = re.compile(r"[hr](?:$|[/(])", re.IGNORECASE)  # croniter's random and hashed fields
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_WINDOWS = (timedelta(minutes=1), timedelta(hours=1), _DAY, timedelta(days=31))


@dataclass(frozen=True, slots=True)
class Timetable:
    """A crontab in a time zone, or an interval in seconds from an anchor."""

    crontab: str
    every_s: int | None
    time_zone: str
    anchor_at: datetime


@dataclass(frozen=True, slots=True)
class DueRuns:
    """What to run now, oldest first, and when to look again; None when there is no later run."""

    times: tuple[datetime, ...]
    next_run_at: datetime | None


def timetable_problems(timetable: Timetable) -> dict[str, str]:
    """Say what is wrong with a timetable, by field; nothing when it can be kept."""
    problems: dict[str, str] = {}
    if bool(timetable.crontab) == (timetable.every_s is not None):
        problems["crontab"] = "Give a crontab or an interval: one of the two."
    elif timetable.crontab and (problem := _crontab_problem(timetable.crontab)):
        problems["crontab"] = problem
    elif timetable.every_s is not None and timetable.every_s < 1:
        problems["every_s"] = "An interval is at least one second."
    if timetable.time_zone not in available_timezones():
        near = get_close_matches(timetable.time_zone, available_timezones(), n=1)
        hint = f" Did you mean {near[0]}?" if near else " Zones are named like Europe/Berlin."
        problems["time_zone"] = f"No time zone is named {timetable.time_zone!r}.{hint}"
    return problems


def next_runs(timetable: Timetable, *, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
    """Yield each run later than `after` and not later than `until`, oldest first, in UTC."""
    after = after.astimezone(UTC)
    if timetable.every_s is None:
        runs = _crontab_runs(timetable.crontab, ZoneInfo(timetable.time_zone), after)
    else:
        runs = _interval_runs(timedelta(seconds=timetable.every_s), timetable.anchor_at.astimezone(UTC), after)
    return runs if until is None else takewhile(lambda run: run <= until, runs)


def due_runs(timetable: Timetable, *, catch_up: str, next_run_at: datetime, now: datetime) -> DueRuns:
    """Decide what to run of a schedule that was to run at `next_run_at`, which is not later than `now`.

    `all` runs each missed time, MAX_CATCH_UP at once; `one` runs the latest; `skip` runs the latest if that is at
    most GRACE_S late.
    """
    if catch_up == Schedule.CatchUp.ALL:
        later = list(islice(next_runs(timetable, after=next_run_at), MAX_CATCH_UP))
        times = (next_run_at, *(run for run in later[: MAX_CATCH_UP - 1] if run <= now))
        return DueRuns(times, next(iter(later[len(times) - 1 :]), None))
    latest = _latest_run(timetable, after=next_run_at, until=now) or next_run_at
    is_wanted = catch_up == Schedule.CatchUp.ONE or now - latest <= timedelta(seconds=GRACE_S)
    return DueRuns((latest,) if is_wanted else (), next(next_runs(timetable, after=now), None))


def _latest_run(timetable: Timetable, *, after: datetime, until: datetime) -> datetime | None:
    """Return the last run in (after, until], looking further back only where there is none nearer."""
    for window in (*_WINDOWS, until - after):
        latest = None
        for run in next_runs(timetable, after=max(after, until - window), until=until):
            latest = run
        if latest is not None or until - window <= after:
            return latest
    return None


def _crontab_problem(crontab: str) -> str:
    fields = crontab.split()
    if len(fields) != len(FIELDS):
        return f"A crontab has five fields ({', '.join(FIELDS)}); this one has {len(fields)}."
    if any(_NO_FIXED_TIME.match(field) for field in fields):
        return "H and R name no fixed time: write a number."
    try:
        croniter(crontab, datetime(2000, 1, 1)).get_next(datetime)  # noqa: DTZ001 a wall clock's time
    except CroniterBadDateError:
        return "No day is ever like this."
    except (CroniterError, ValueError, KeyError) as error:
        return f"This is no crontab: {error}."
    return ""


def _interval_runs(every: timedelta, anchor_at: datetime, after: datetime) -> Iterator[datetime]:
    number = max(0, (after - anchor_at) // every + 1)
    while True:
        yield anchor_at + number * every
        number += 1


def _crontab_runs(crontab: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """Walk from one clock change to the next: between two, wall time and UTC differ by a constant."""
    runs_in_both_hours = crontab.split()[1].startswith("*")
    at, is_included = after, False
    while True:
        offset = _offset(zone, at)
        wall = (at + offset).replace(tzinfo=None)
        matches = croniter(crontab, wall - _SECOND if is_included else wall)
        while True:
            try:
                match = matches.get_next(datetime)
            except CroniterBadDateError:
                return
            run = (match - offset).replace(tzinfo=UTC)
            change = _first_change(zone, at, run)
            if change is not None:
                break
            at = run
            if runs_in_both_hours or not at.astimezone(zone).fold:
                yield at
        at = change
        is_skipped = match < (change + _offset(zone, change)).replace(tzinfo=None)
        is_included = not is_skipped
        if is_skipped:
            yield change


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 an aware time has one
    return offset


def _first_change(zone: tzinfo, start: datetime, end: datetime) -> datetime | None:
    """Return the first instant in (start, end] at which the zone's offset is not that of `start`."""
    before = _offset(zone, start)
    low = start
    while low < end:
        high = min(low + _DAY, end)
        if _offset(zone, high) != before:
            return _bisect_change(zone, before, floor(low.timestamp()), ceil(high.timestamp()))
        low = high
    return None


def _bisect_change(zone: tzinfo, before: timedelta, low_s: int, high_s: int) -> datetime:
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset(zone, datetime.fromtimestamp(middle_s, UTC)) == before:
            low_s = middle_s
        else:
            high_s = middle_s
    return datetime.fromtimestamp(high_s, UTC)
