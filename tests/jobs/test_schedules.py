"""Schedules: each due time once, whoever dies or competes; what operators do."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from jobs.dispatch import Dispatcher
from jobs.models import Audit, Job, Priority, Schedule
from jobs.registry import UnknownTask
from jobs.schedules import (
    InvalidSchedule,
    create_declared_schedules,
    delete_schedule,
    disable_schedule,
    enable_schedule,
    fire_due_schedules,
    reason_for_disabling,
    run_schedule_now,
    save_schedule,
    schedule_problems,
)
from marketplace import settings as product_settings
from tests.jobs.fleet import Fleet

pytestmark = pytest.mark.django_db
BY = {"actor": "ada", "reason": "To see."}
GATE = 777_001  # an advisory lock at which the next statement on a schedule is held


def make_schedule(**fields: Any) -> Schedule:
    """An hourly schedule that was due half a minute ago."""
    due_at = timezone.now().replace(microsecond=0) - timedelta(seconds=30)
    defaults = {"name": "hourly", "task": "act", "every_s": 3600, "created_at": due_at, "next_run_at": due_at}
    return Schedule.objects.create(**(defaults | fields))


def every_minute(*, missed: int, **fields: Any) -> Schedule:
    """A schedule each minute that has missed so many times, the last one half a minute ago."""
    first = timezone.now().replace(microsecond=0) - timedelta(minutes=missed - 1, seconds=30)
    return make_schedule(every_s=60, created_at=first, next_run_at=first, **fields)


def due_times() -> list[datetime]:
    return [
        datetime.fromisoformat(meta["due_at"]) for meta in Job.objects.order_by("id").values_list("meta", flat=True)
    ]


# --- firing -------------------------------------------------------------------------------------------


def test_what_is_due_is_enqueued_once_and_its_next_time_noted() -> None:
    schedule = make_schedule(payload={"subject": "a"}, tenant="7", priority=Priority.LOW)
    due_at = schedule.next_run_at
    assert fire_due_schedules() == 1
    assert fire_due_schedules() == 0
    job = Job.objects.get()
    assert (job.task, job.payload, job.tenant, job.priority) == ("act", {"subject": "a"}, "7", Priority.LOW)
    assert job.key == f"cron:hourly:{due_at.astimezone(UTC).isoformat()}"
    assert job.meta == {"source": "cron", "schedule": "hourly", "due_at": due_at.isoformat()}
    schedule.refresh_from_db()
    assert schedule.next_run_at == due_at + timedelta(hours=1)
    assert (schedule.last_run_at, schedule.last_job_id) == (due_at, job.pk)


def test_what_is_not_due_or_disabled_is_left_alone() -> None:
    make_schedule(name="later", next_run_at=timezone.now() + timedelta(minutes=1))
    make_schedule(name="disabled", is_enabled=False)
    assert fire_due_schedules() == 0
    assert not Job.objects.exists()


def test_the_databases_clock_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    in_an_hour = timezone.now() + timedelta(hours=1)
    make_schedule(next_run_at=in_an_hour)
    monkeypatch.setattr(timezone, "now", lambda: in_an_hour + timedelta(hours=1))  # a host whose clock is wrong
    assert fire_due_schedules() == 0
    assert create_declared_schedules() == 0


def test_a_row_written_by_hand_gets_its_first_time_from_now() -> None:
    schedule = make_schedule(next_run_at=None)
    assert fire_due_schedules() == 0
    schedule.refresh_from_db()
    assert schedule.next_run_at == schedule.created_at + timedelta(hours=1)


@pytest.mark.parametrize(("catch_up", "runs"), [("all", [0, 1, 2, 3]), ("one", [3]), ("skip", [3])])
def test_missed_times_are_caught_up_as_the_schedule_says(catch_up: str, runs: list[int]) -> None:
    schedule = every_minute(missed=4, catch_up=catch_up)
    first = schedule.created_at
    assert fire_due_schedules() == len(runs)
    assert due_times() == [first + timedelta(minutes=n) for n in runs]
    schedule.refresh_from_db()
    assert schedule.next_run_at == first + timedelta(minutes=4)


def test_skipping_runs_nothing_for_a_time_long_gone() -> None:
    past = timezone.now().replace(microsecond=0) - timedelta(minutes=30)
    schedule = make_schedule(catch_up="skip", created_at=past, next_run_at=past)
    assert fire_due_schedules() == 0
    schedule.refresh_from_db()
    assert schedule.next_run_at == past + timedelta(hours=1)
    assert (schedule.is_enabled, schedule.last_run_at) == (True, None)


def test_a_long_outage_is_caught_up_in_portions_and_completely() -> None:
    schedule = every_minute(missed=230, catch_up="all")
    assert [fire_due_schedules() for _ in range(4)] == [100, 100, 30, 0]
    assert due_times() == [schedule.created_at + timedelta(minutes=n) for n in range(230)]


def test_one_that_cannot_be_kept_is_disabled_with_the_reason_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = [
        make_schedule(name="a-unknown-task", task="gone"),
        make_schedule(name="b-bad-crontab", every_s=None, crontab="61 * * * *"),
        make_schedule(name="c-bad-zone", every_s=None, crontab="0 * * * *", time_zone="Mars/Olympus"),
        make_schedule(name="d-bad-priority", priority=9),
    ]
    make_schedule(name="e-good")
    assert fire_due_schedules() == 1
    assert Job.objects.get().meta["schedule"] == "e-good"
    reasons = []
    for schedule in broken:
        schedule.refresh_from_db()
        assert (schedule.is_enabled, schedule.next_run_at) == (False, None)
        reasons.append(reason_for_disabling(schedule))
    assert all(reason.startswith("by dispatcher: It could not be run (") for reason in reasons)
    for reason, says in zip(
        reasons, ("no task is named 'gone'", "61 * * * *", "Mars/Olympus", "9 is not"), strict=True
    ):
        assert says in reason
    assert caplog.text.count("a schedule was disabled") == len(broken)


def test_the_leaders_tick_fires() -> None:
    make_schedule()
    Dispatcher().tick()
    assert Job.objects.get().meta["schedule"] == "hourly"


# --- exactly once -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_dispatchers_that_fire_together_each_time_is_enqueued_by_one() -> None:
    made: list[int] = []

    def fire(barrier: threading.Barrier) -> None:
        barrier.wait(timeout=20)
        made.append(fire_due_schedules())
        connection.close()

    for number in range(10):
        every_minute(missed=3, name=f"all-{number}", catch_up="all")
        make_schedule(name=f"hourly-{number}")
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=fire, args=(barrier,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    made.append(fire_due_schedules())  # what a loser of one race skipped and the winner had not yet
    assert sum(made) == 40
    assert Job.objects.count() == 40
    assert Job.objects.values("meta__schedule", "meta__due_at").distinct().count() == 40


@pytest.fixture
def held_updates(transactional_db: None) -> Iterator[Any]:
    """Updates of a schedule wait in the database while the yielded cursor holds GATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW; END $$;"
            " CREATE TRIGGER hold BEFORE UPDATE ON jobs_schedule FOR EACH ROW EXECUTE FUNCTION hold()"
        )
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
        yield cursor
    other.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION hold() CASCADE")


def test_a_dispatcher_killed_between_the_job_and_the_next_time_leaves_neither(held_updates: Any, fleet: Fleet) -> None:
    schedule = make_schedule()
    dispatcher = fleet.start("dispatcher")
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    with connection.cursor() as cursor:

        def is_count(expected: int) -> bool:
            cursor.execute(waits, [GATE])
            return bool(cursor.fetchone()[0] == expected)

        fleet.until(lambda: is_count(1), "the dispatcher to write the next time")  # its job is inserted, uncommitted
        assert fire_due_schedules() == 0  # another one does not wait for it
        dispatcher.kill()
        dispatcher.wait()
        held_updates.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        fleet.until(lambda: not _is_locked(schedule), "PostgreSQL to give up the dead one's transaction")
    assert not Job.objects.exists()
    assert fire_due_schedules() == 1
    assert fire_due_schedules() == 0
    assert Job.objects.count() == 1


def _is_locked(schedule: Schedule) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM jobs_schedule WHERE id = %s FOR UPDATE SKIP LOCKED", [schedule.pk])
        return cursor.fetchone() is None


def test_when_the_database_fails_in_between_the_schedule_stays_due_and_enabled(transactional_db: None) -> None:
    schedule = make_schedule()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION 'going down' USING ERRCODE = 'admin_shutdown'; END $$;"
            " CREATE TRIGGER fail BEFORE UPDATE ON jobs_schedule FOR EACH ROW EXECUTE FUNCTION fail()"
        )
        try:
            with pytest.raises(OperationalError, match="going down"):
                fire_due_schedules()
        finally:
            cursor.execute("DROP FUNCTION fail() CASCADE")
    assert not Job.objects.exists()
    assert not Audit.objects.exists()
    assert fire_due_schedules() == 1
    schedule.refresh_from_db()
    assert schedule.is_enabled


# --- those that come with the code --------------------------------------------------------------------


def test_declared_schedules_are_created_once_and_left_as_staff_set_them(settings: Any) -> None:
    settings.JOB_SCHEDULES = {"nightly": {"task": "act", "crontab": "0 3 * * *", "time_zone": "Europe/Berlin"}}
    assert create_declared_schedules() == 1
    schedule = Schedule.objects.get()
    assert (schedule.is_declared, schedule.is_enabled) == (True, True)
    assert schedule.next_run_at > timezone.now()
    schedule.crontab = "0 4 * * *"
    save_schedule(schedule, **BY)
    disable_schedule(schedule, **BY)
    assert create_declared_schedules() == 0
    schedule.refresh_from_db()
    assert (schedule.crontab, schedule.is_enabled) == ("0 4 * * *", False)


def test_a_declared_schedule_is_not_deleted_before_its_declaration_is_gone(settings: Any) -> None:
    settings.JOB_SCHEDULES = {"nightly": {"task": "act", "crontab": "0 3 * * *"}}
    create_declared_schedules()
    with pytest.raises(InvalidSchedule, match="comes with the code"):
        delete_schedule(Schedule.objects.get(), **BY)
    settings.JOB_SCHEDULES = {}
    create_declared_schedules()
    delete_schedule(Schedule.objects.get(), **BY)
    assert not Schedule.objects.exists()


def test_a_wrong_declaration_is_logged_and_hinders_no_other(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.JOB_SCHEDULES = {"a": {"task": "gone", "crontab": "0 3 * * *"}, "b": {"task": "act", "every_s": 60}}
    assert create_declared_schedules() == 1
    assert Schedule.objects.get().name == "b"
    assert "a declared schedule is wrong" in caplog.text


def test_the_products_own_schedules_can_be_kept() -> None:
    assert "resync-sellers" in product_settings.JOB_SCHEDULES
    for name, fields in product_settings.JOB_SCHEDULES.items():
        assert schedule_problems(Schedule(name=name, **fields)) == {}


# --- what operators do --------------------------------------------------------------------------------


def test_a_run_now_is_a_job_beside_the_timetable_and_is_audited() -> None:
    schedule = make_schedule(next_run_at=timezone.now() + timedelta(hours=1))
    next_run_at = schedule.next_run_at
    enqueued = [run_schedule_now(schedule, **BY) for _ in range(2)]
    assert Job.objects.count() == 2
    job = Job.objects.get(pk=enqueued[1].job_id)
    assert (job.meta["source"], job.meta["by"], job.key) == ("admin", "ada", None)
    schedule.refresh_from_db()
    assert (schedule.next_run_at, schedule.last_job_id) == (next_run_at, job.pk)
    entry = Audit.objects.first()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (
        "ada",
        "run schedule",
        "schedule hourly",
        "To see.",
    )


def test_an_unknown_task_cannot_be_run_now() -> None:
    with pytest.raises(UnknownTask, match="gone"):
        run_schedule_now(make_schedule(task="gone"), **BY)
    assert not Audit.objects.exists()


def test_what_was_missed_while_disabled_stays_missed() -> None:
    schedule = every_minute(missed=10, catch_up="all")
    assert disable_schedule(schedule, **BY)
    assert not disable_schedule(schedule, **BY)
    schedule.refresh_from_db()
    assert reason_for_disabling(schedule) == "by ada: To see."
    assert fire_due_schedules() == 0
    assert enable_schedule(schedule, **BY)
    assert not enable_schedule(schedule, **BY)
    schedule.refresh_from_db()
    assert schedule.next_run_at == schedule.created_at + timedelta(minutes=10)
    assert reason_for_disabling(schedule) == ""
    assert fire_due_schedules() == 0


def test_one_that_cannot_be_kept_is_not_enabled() -> None:
    schedule = make_schedule(task="gone", is_enabled=False, next_run_at=None)
    with pytest.raises(InvalidSchedule, match="No task is named 'gone'"):
        enable_schedule(schedule, **BY)


def test_new_times_count_from_now_and_are_noted_in_the_audit_log() -> None:
    schedule = make_schedule()
    schedule.every_s, schedule.crontab = None, "0 0 1 1 *"
    save_schedule(schedule, **BY)
    assert fire_due_schedules() == 0
    schedule.refresh_from_db()
    assert schedule.next_run_at == datetime(timezone.now().year + 1, 1, 1, tzinfo=UTC)
    assert Audit.objects.get().reason == "To see. (crontab:  → 0 0 1 1 *; every_s: 3600 → None)"


def test_a_change_of_something_else_keeps_the_next_time_that_a_dispatcher_wrote_meanwhile() -> None:
    schedule = make_schedule()
    stale = Schedule.objects.get(pk=schedule.pk)
    fire_due_schedules()
    stale.payload = {"subject": "b"}
    save_schedule(stale, **BY)
    schedule.refresh_from_db()
    assert schedule.payload == {"subject": "b"}
    assert schedule.next_run_at == schedule.created_at + timedelta(hours=1)
    assert schedule.last_job_id == Job.objects.get().pk


def test_nothing_invalid_is_saved() -> None:
    with pytest.raises(InvalidSchedule) as caught:
        save_schedule(Schedule(name="x", task="gone", crontab="61 * * * *", time_zone="Nowhere", payload=[]), **BY)
    assert sorted(caught.value.problems) == ["crontab", "payload", "task", "time_zone"]
    assert not Schedule.objects.exists()
    assert not Audit.objects.exists()
