"""When what the engine stands on fails: PostgreSQL and Redis, the leader, and the clocks of the machines."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict

from jobs.batch import NewJob
from jobs.bulk import start_bulk_retry
from jobs.dispatch import LEADER_KEY, RECLAIM_PAUSE_S, Dispatcher
from jobs.execution import run_once
from jobs.gates import close_gate, set_gate
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, JobAttempt, JobKey, Schedule, State, Worker
from jobs.permits import transport
from jobs.reclaim import reclaim_lost_jobs
from jobs.selection import LetterFilter
from jobs.session import LOCK_CLASS, Session
from marketplace.stack.postgres import postgres_service
from marketplace.stack.services import Ports, redis_service
from tests.chaos.members import Member
from tests.jobs.fleet import Fleet
from tests.workload.models import Effect, Execution


def _is_any_open() -> bool:
    return Job.objects.exclude(state__in=["completed", "failed", "dead"]).exists()


# --- PostgreSQL -----------------------------------------------------------------------------------
@pytest.fixture
def postgres(transactional_db: None, tmp_path: Path) -> Iterator[Member]:
    """A PostgreSQL of the test's own, which may be struck; the test is connected to it."""
    service, addresses = postgres_service(tmp_path, Ports(tmp_path / "ports.json"))
    member = Member(service, environ=os.environ, log=tmp_path / "postgres.log")
    member.start()
    original = connections["default"]
    own = original.copy()
    address = conninfo_to_dict(addresses["DATABASE_URL"])
    own.settings_dict |= {
        name.removeprefix("db").upper(): str(address[name]) for name in ("dbname", "user", "password", "host", "port")
    }
    connections["default"] = own
    try:
        yield member
    finally:
        own.close()
        connections["default"] = original
        if member.is_alive:
            member.process.send_signal(signal.SIGQUIT)
            member.process.wait()


@pytest.fixture
def struck(postgres: Member, tmp_path: Path) -> Iterator[Fleet]:
    """Processes on the PostgreSQL that may be struck, with tables and a spool of their own."""
    fleet = Fleet(tmp_path / "fleet.log")
    fleet.set(VAR_DIR=str(tmp_path))
    fleet.until(postgres.is_well, "PostgreSQL")
    migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--skip-checks", "--verbosity", "0"]
    subprocess.run(migrate, cwd=settings.BASE_DIR, env=fleet.environment, check=True)
    yield fleet
    fleet.end()
    transport().flushdb()


def test_postgresql_killed_and_back_makes_nobody_a_crash_and_what_was_done_meanwhile_is_settled(
    struck: Fleet, postgres: Member, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    struck.start("dispatcher")
    struck.worker("noop-16")
    struck.worker("workload")
    held = enqueue(NewJob("act-when-told", {"subject": "held", "told": str(told)})).job_id
    enqueue_many([NewJob("act", {"subject": f"s{n}", "do": "sleep", "s": 0.05}) for n in range(30)])
    struck.until(Job.objects.filter(task="act", state=State.COMPLETED).exists, "the first jobs")
    struck.until(Execution.objects.filter(job_id=held).exists, "the job that waits to be told")

    postgres.kill(back_in_s=0)
    connection.close()
    told.touch()
    struck.until(lambda: any(tmp_path.glob("spool*/*.json")), "its outcome to be kept on disk")
    postgres.start()
    struck.until(postgres.is_well, "PostgreSQL to be back")
    # The tick that makes it due has looked for lost workers before: the pause is over by then.
    enqueue(NewJob("act", {"subject": "late"}, delay_s=RECLAIM_PAUSE_S + 1))
    struck.until(lambda: not _is_any_open(), "all jobs")

    assert set(Job.objects.values_list("state", flat=True)) == {State.COMPLETED}
    assert Counter(Effect.objects.values_list("subject", flat=True)) == dict.fromkeys(
        ["told held", "late", *(f"s{n}" for n in range(30))], 1
    )
    assert not JobAttempt.objects.filter(family="crash").exists()
    assert Worker.objects.filter(ended_at=None).count() == Worker.objects.count() == 2
    assert Execution.objects.filter(job_id=held).count() == 1
    assert not list(tmp_path.glob("spool*/*.json"))


# --- Redis ----------------------------------------------------------------------------------------
@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[Member, str]]:
    """A Redis of the test's own, which may be struck, and its address."""
    service, addresses = redis_service(tmp_path, Ports(tmp_path / "ports.json"))
    member = Member(service, environ=os.environ, log=tmp_path / "redis.log")
    member.start()
    yield member, addresses["REDIS_URL"]
    member.kill(back_in_s=0)


def test_a_redis_that_hangs_keeps_no_tick_from_reclaiming_and_is_used_again_when_it_goes_on(
    fleet: Fleet, own_redis: tuple[Member, str], tmp_path: Path
) -> None:
    member, url = own_redis
    fleet.until(member.is_well, "Redis")
    fleet.set(REDIS_URL=url, CACHE_URL=url)
    fleet.start("dispatcher")
    worker = fleet.worker("noop-16")
    held = enqueue(NewJob("act-when-told", {"subject": "held", "told": str(tmp_path / "never")})).job_id
    fleet.until(Execution.objects.exists, "the batch")
    member.stop(for_s=0)
    worker.send_signal(signal.SIGKILL)
    fleet.until(Job.objects.filter(pk=held, state=State.PENDING, is_suspect=True).exists, "the job to go back")
    later = enqueue(NewJob("act", {"subject": "later", "delay_s": 0.01})).job_id
    fleet.until(Job.objects.filter(pk=later, state=State.PENDING).exists, "what was scheduled to be due")
    assert member.is_stopped
    member.go_on()
    with redis.Redis.from_url(_database_of_this_process(url), socket_timeout=5) as client:
        fleet.until(lambda: all(client.llen(f"rq:queue:{name}") for name in ("noop-16", "workload")), "permits")


def _database_of_this_process(url: str) -> str:
    """Return the address with the number of the database that tests.settings gives this process."""
    return f"{url.rsplit('/', 1)[0]}/{settings.REDIS_URL.rsplit('/', 1)[1]}"


# --- the leader -----------------------------------------------------------------------------------
def _leaders() -> list[int]:
    """List the sessions of PostgreSQL that hold the leader's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s::oid AND objid = %s::oid"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_CLASS, LEADER_KEY],
        )
        return [row[0] for row in cursor.fetchall()]


def _release_one(fleet: Fleet) -> None:
    job_id = enqueue(NewJob("act", {}, delay_s=0.01)).job_id
    fleet.until(Job.objects.filter(pk=job_id, state=State.PENDING).exists, "a tick that releases what is due")


def test_a_leader_that_is_stopped_loses_the_lead_and_leads_again_only_when_it_is_free(fleet: Fleet) -> None:
    leader = fleet.start("hasty_dispatcher")
    fleet.until(lambda: bool(_leaders()), "a leader")
    stop = threading.Event()
    standby = Dispatcher()
    thread = threading.Thread(target=standby.run, args=(stop,))
    thread.start()
    try:
        leader.send_signal(signal.SIGSTOP)
        fleet.until(lambda: standby.is_leader, "the standby to lead")
        _release_one(fleet)
        leader.send_signal(signal.SIGCONT)
        fleet.until(lambda: "the tick failed" in fleet.log.read_text(), "the old leader to notice")
        _release_one(fleet)
        assert standby.is_leader
        assert len(_leaders()) == 1
    finally:
        stop.set()
        thread.join()
    _release_one(fleet)
    assert leader.poll() is None


# --- clocks ---------------------------------------------------------------------------------------
@pytest.fixture(params=[-3600, 3600], ids=["an hour behind", "an hour ahead"])
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what sets the clock of this process wrong; PostgreSQL's own stays right."""

    class Skewed(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return dt.datetime.now(tz) + dt.timedelta(seconds=request.param)

    def begin() -> None:
        # Here, not timezone.now: the models' defaults hold that function itself.
        monkeypatch.setattr("django.utils.timezone.datetime", Skewed)

    return begin


@pytest.mark.django_db(transaction=True)
def test_a_wrong_clock_reclaims_releases_and_expires_nothing_early_and_starves_nothing(
    skew: Callable[[], None], fleet: Fleet
) -> None:
    in_half_an_hour = timezone.now() + dt.timedelta(minutes=30)
    Schedule.objects.create(name="due", task="act", every_s=7200, next_run_at=timezone.now())
    Schedule.objects.create(name="not due", task="act", every_s=7200, next_run_at=in_half_an_hour)
    JobKey.objects.create(task="act", key="held", job_id=0, expires_at=in_half_an_hour)
    close_gate("shut", for_s=1800)
    skew()
    session = Session(name="skewed", queues=["workload"])
    session.open()
    set_gate("paced", rate_per_s=1000)
    later, shut, *prompt = (
        enqueued.job_id
        for enqueued in enqueue_many(
            [
                NewJob("act", {"subject": "later"}, delay_s=1800),
                NewJob("act", {"subject": "shut"}, gates=("shut",)),
                NewJob("act", {"subject": "at once"}, key="new"),
                NewJob("act", {"subject": "retried", "do": "retry", "until": 2}),
                NewJob("act", {"subject": "waited", "do": "wait", "until": 1}),
                *(NewJob("act", {"subject": f"paced {n}"}, gates=("paced",)) for n in range(5)),
            ]
        )
    )
    dispatcher = Dispatcher()

    def is_done() -> bool:
        dispatcher.tick()
        run_once("workload", session=session, limit=8)
        return Job.objects.filter(state=State.COMPLETED).count() == len(prompt) + 1  # and that of the schedule

    try:
        fleet.until(is_done, "all that is due")
        assert not dispatcher.tick()
        assert not run_once("workload", session=session, limit=8)
    finally:
        session.close()
    assert dict(Job.objects.filter(pk__in=[later, shut]).values_list("pk", "state")) == {
        later: State.SCHEDULED,
        shut: State.GATED,
    }
    assert set(
        Counter(Execution.objects.exclude(job_id__in=prompt[1:3]).values_list("job_id", flat=True)).values()
    ) == {1}
    assert not JobAttempt.objects.filter(family="crash").exists()
    assert Worker.objects.get().end_reason == "stopped"
    assert set(JobKey.objects.values_list("key", flat=True)) > {"held", "new"}  # and that of the schedule
    assert all(enqueue(NewJob("act", {}, key=key)).is_duplicate for key in ("held", "new"))
    assert Schedule.objects.get(name="not due").next_run_at == in_half_an_hour


@pytest.mark.django_db(transaction=True)
def test_a_worker_with_a_wrong_clock_is_not_taken_for_dead_before_it_has_its_lock(skew: Callable[[], None]) -> None:
    skew()
    row = Session(name="skewed", queues=["workload"])._new_row()
    reclaim_lost_jobs()
    row.refresh_from_db()
    assert row.ended_at is None


@pytest.mark.django_db(transaction=True)
def test_a_bulk_retry_goes_on_under_a_dispatcher_with_a_wrong_clock(skew: Callable[[], None], fleet: Fleet) -> None:
    now = timezone.now()
    for number in range(3):
        job = Job.objects.create(task="act", queue="workload", state="dead", payload={"subject": f"s{number}"})
        DeadLetter.objects.create(job=job, task="act", reason="exhausted", enqueued_at=now, last_attempt_at=now)
    start_bulk_retry(LetterFilter(task="act"), actor="ada", reason="The shop is back.", rate_per_s=100, canary=0)
    skew()
    dispatcher = Dispatcher()

    def is_done() -> bool:
        dispatcher.tick()
        return DeadLetter.objects.filter(resolution="retried").count() == 3

    fleet.until(is_done, "the dead letters to be retried", deadline_s=5)
    assert Job.objects.filter(state=State.PENDING).count() == 3
