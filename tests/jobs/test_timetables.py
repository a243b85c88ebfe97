"""When schedules run: clock changes, catching up, and what cannot be a timetable."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.timetables import MAX_CATCH_UP, Timetable, due_runs, next_runs, timetable_problems

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# A day and a half around a change of the clock: forward, back, by half an hour, from before midnight.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 28, 18, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 18, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 6, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 12, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 5, 20, tzinfo=UTC)),
    ("UTC", datetime(2026, 3, 28, 18, tzinfo=UTC)),
]


def crontab(text: str, time_zone: str = "UTC") -> Timetable:
    return Timetable(crontab=text, every_s=None, time_zone=time_zone, anchor_at=START)


def every(every_s: int) -> Timetable:
    return Timetable(crontab="", every_s=every_s, time_zone="UTC", anchor_at=START)


def local_runs(timetable: Timetable, after: datetime, count: int) -> list[str]:
    zone = ZoneInfo(timetable.time_zone)
    runs = islice(next_runs(timetable, after=after.replace(tzinfo=zone)), count)
    return [f"{run.astimezone(zone):%d %H:%M %Z}" for run in runs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["28 02:30 CET", "29 03:00 CEST", "30 02:30 CEST"]),
        ("*/40 2 * * *", ["28 02:00 CET", "28 02:40 CET", "29 03:00 CEST", "30 02:00 CEST"]),
        ("0 3 * * *", ["28 03:00 CET", "29 03:00 CEST", "30 03:00 CEST"]),
    ],
)
def test_a_time_that_the_clock_skips_runs_once_as_soon_as_it_has_skipped(text: str, expected: list[str]) -> None:
    timetable = crontab(text, "Europe/Berlin")
    assert local_runs(timetable, datetime(2026, 3, 28), len(expected)) == expected  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["25 02:30 CEST", "26 02:30 CET"]),
        ("0,30 2 * * *", ["25 02:00 CEST", "25 02:30 CEST", "26 02:00 CET"]),
        ("30 * * * *", ["25 00:30 CEST", "25 01:30 CEST", "25 02:30 CEST", "25 02:30 CET", "25 03:30 CET"]),
        ("0 3 * * *", ["25 03:00 CET", "26 03:00 CET"]),
    ],
)
def test_of_a_time_that_comes_twice_the_first_counts_unless_each_hour_does(text: str, expected: list[str]) -> None:
    timetable = crontab(text, "Europe/Berlin")
    assert local_runs(timetable, datetime(2026, 10, 25), len(expected)) == expected  # noqa: DTZ001


def test_the_second_of_the_equal_hours_gives_a_daily_job_no_second_run() -> None:
    in_the_second_hour = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 CET
    first = next(next_runs(crontab("30 2 * * *", "Europe/Berlin"), after=in_the_second_hour))
    assert first == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_day_that_a_zone_left_out_is_caught_at_its_end() -> None:
    # Samoa crossed the date line: after 29 December 2011 came the 31st.
    timetable = crontab("0 12 30 12 *", "Pacific/Apia")
    assert next(next_runs(timetable, after=datetime(2011, 12, 1, tzinfo=UTC))) == datetime(2011, 12, 30, 10, tzinfo=UTC)


@given(
    change=st.sampled_from(CHANGES),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.none() | st.sets(st.integers(0, 23), min_size=1, max_size=6),
    skip=st.integers(0, 24 * 60),
)
def test_runs_are_those_that_a_watch_checked_each_minute_would_give(
    change: tuple[str, datetime], minutes: set[int], hours: set[int] | None, skip: int
) -> None:
    zone_name, start = change
    after, until = start + skip * MINUTE, start + timedelta(hours=36)
    listed = ",".join(map(str, sorted(hours))) if hours else "*"
    timetable = crontab(f"{','.join(map(str, sorted(minutes)))} {listed} * * *", zone_name)
    assert list(next_runs(timetable, after=after, until=until)) == list(watch(zone_name, minutes, hours, after, until))


def watch(
    zone_name: str, minutes: set[int], hours: set[int] | None, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Look at the clock on the wall each minute, and at the minutes that it left out since the last look."""
    zone = ZoneInfo(zone_name)
    at = after
    shown = at.astimezone(zone).replace(tzinfo=None)
    while at < until:
        at += MINUTE
        local = at.astimezone(zone)
        now_shown = local.replace(tzinfo=None)
        skipped = [shown + n * MINUTE for n in range(1, int((now_shown - shown) / MINUTE) + 1)] or [now_shown]
        shown = now_shown
        is_match = any(wall.minute in minutes and (hours is None or wall.hour in hours) for wall in skipped)
        if is_match and (hours is None or not local.fold):
            yield at


@given(every_s=st.integers(1, 10**6), offset_s=st.floats(0, 10**7))
def test_intervals_count_from_their_anchor_whatever_the_time_of_asking(every_s: int, offset_s: float) -> None:
    after = START + timedelta(seconds=offset_s)
    first, second = islice(next_runs(every(every_s), after=after), 2)
    assert after < first <= after + timedelta(seconds=every_s)
    assert (first - START) % timedelta(seconds=every_s) == timedelta(0)
    assert second - first == timedelta(seconds=every_s)


def test_an_interval_begins_with_its_anchor() -> None:
    assert next(next_runs(every(60), after=START - timedelta(days=3))) == START


def test_no_run_is_later_than_until() -> None:
    runs = list(next_runs(every(60), after=START, until=START + 3 * MINUTE))
    assert runs == [START + n * MINUTE for n in (1, 2, 3)]


timetables = st.one_of(
    st.sampled_from(["* * * * *", "*/5 * * * *", "17 * * * *", "30 2 * * *", "0,30 1-3 * * *"]).flatmap(
        lambda text: st.sampled_from(["UTC", "Europe/Berlin"]).map(lambda zone: crontab(text, zone))
    ),
    st.integers(20, 20_000).map(every),
)
gaps_s = st.lists(st.one_of(st.floats(0.25, 5), st.floats(5, 5_000), st.floats(5_000, 60_000)), max_size=6)
moments = st.sampled_from([START, datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)])


def ticked(
    timetable: Timetable, catch_up: str, start: datetime, gaps: list[float]
) -> tuple[list[list[datetime]], list[datetime]]:
    """Tick after each gap, often enough at the end to empty what was capped; return what fired, and the ticks."""
    next_run_at = next(next_runs(timetable, after=start))
    fired, ticks, now = [], [], start
    for gap_s in gaps:
        now += timedelta(seconds=gap_s)
        while next_run_at <= now:
            due = due_runs(timetable, catch_up=catch_up, next_run_at=next_run_at, now=now)
            assert due.next_run_at is not None
            assert due.next_run_at > next_run_at
            assert len(due.times) <= MAX_CATCH_UP
            next_run_at = due.next_run_at
            fired.append(list(due.times))
            ticks.append(now)
    return fired, ticks


@given(timetable=timetables, start=moments, gaps=gaps_s)
def test_catching_up_with_all_runs_each_time_once_whenever_the_ticks_come(
    timetable: Timetable, start: datetime, gaps: list[float]
) -> None:
    fired, _ = ticked(timetable, "all", start, gaps)
    until = start + sum((timedelta(seconds=gap) for gap in gaps), timedelta(0))
    assert [run for runs in fired for run in runs] == list(next_runs(timetable, after=start, until=until))


@given(timetable=timetables, start=moments, gaps=gaps_s)
def test_catching_up_with_one_runs_the_latest_of_what_was_missed(
    timetable: Timetable, start: datetime, gaps: list[float]
) -> None:
    fired, ticks = ticked(timetable, "one", start, gaps)
    expected = []
    before = start
    for tick in ticks:
        expected.append(list(next_runs(timetable, after=before, until=tick))[-1:])
        before = tick
    assert fired == expected


@given(timetable=timetables, start=moments, gaps=gaps_s)
def test_skipping_runs_only_what_is_at_most_a_minute_late(
    timetable: Timetable, start: datetime, gaps: list[float]
) -> None:
    fired, ticks = ticked(timetable, "skip", start, gaps)
    expected = []
    before = start
    for tick in ticks:
        latest = list(next_runs(timetable, after=before, until=tick))[-1:]
        expected.append([run for run in latest if tick - run <= MINUTE])
        before = tick
    assert fired == expected


def test_catching_up_with_all_goes_on_where_it_was_capped() -> None:
    now = START + timedelta(minutes=250)
    due = due_runs(every(60), catch_up="all", next_run_at=START, now=now)
    assert due.times == tuple(START + n * MINUTE for n in range(100))
    assert due.next_run_at == START + 100 * MINUTE


@pytest.mark.parametrize(
    ("timetable", "field", "says"),
    [
        (crontab("* * * *"), "crontab", "this one has 4"),
        (crontab("0 0 * * * *"), "crontab", "this one has 6"),
        (crontab("@daily"), "crontab", "five fields (minute, hour, day of month, month, day of week)"),
        (crontab("61 * * * *"), "crontab", "[61 * * * *] is not acceptable, out of range"),
        (crontab("a b c d e"), "crontab", "This is no crontab"),
        (crontab("R 3 * * *"), "crontab", "no fixed time"),
        (crontab("H(0-29)/10 3 * * *"), "crontab", "no fixed time"),
        (crontab("0 0 30 2 *"), "crontab", "No day is ever like this"),
        (crontab("0 3 * * *", "Europe/Berln"), "time_zone", "Did you mean Europe/Berlin?"),
        (crontab("0 3 * * *", "../etc/passwd"), "time_zone", "No time zone is named '../etc/passwd'."),
        (crontab("0 3 * * *", "Europe"), "time_zone", "No time zone is named 'Europe'."),
        (crontab(""), "crontab", "one of the two"),
        (Timetable("0 3 * * *", 60, "UTC", START), "crontab", "one of the two"),
        (every(0), "every_s", "at least one second"),
    ],
)
def test_what_cannot_be_a_timetable_is_refused_with_the_reason(timetable: Timetable, field: str, says: str) -> None:
    problems = timetable_problems(timetable)
    assert list(problems) == [field]
    assert says in problems[field]


@pytest.mark.parametrize("text", ["*/5 * * * *", "30 3 * * 1", "0 9 * * mon-fri", "0 0 29 2 *", "0 0 L jan,jul *"])
def test_crontabs_that_can_be_kept_have_no_problem(text: str) -> None:
    assert timetable_problems(crontab(text, "America/New_York")) == {}
    assert next(next_runs(crontab(text, "America/New_York"), after=START)) > START
