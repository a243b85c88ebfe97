"""A worker as PostgreSQL sees it: its row, its lock, and what it is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.departure import hand_back
from jobs.journal import journal
from jobs.ledger import enqueue_many
from jobs.models import Job, JobKey, JobLine, State, Worker
from jobs.seats import process_name
from jobs.session import LOCK_CLASS, Session, _direct_connection
from tests.jobs.fleet import Fleet

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Session]


@pytest.fixture
def open_session(transactional_db: None) -> Iterator[Open]:
    """Open sessions that beat; end them with the test."""
    opened: list[Session] = []

    def start(**options: Any) -> Session:
        session = Session(**{"name": "w", "queues": ["workload"], **options})
        session.open()
        opened.append(session)
        return session

    yield start
    for session in opened:
        session.close()


def _until(fleet: Fleet, **values: object) -> None:
    fleet.until(lambda: Worker.objects.filter(**values).exists(), f"a worker with {values}", deadline_s=15)


def _has_lock(worker_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s",
            [LOCK_CLASS, worker_id],
        )
        return bool(cursor.fetchone()[0])


def test_the_row_tells_what_the_worker_is_and_does(fleet: Fleet, open_session: Open) -> None:
    session = open_session(is_warm=False)
    worker = Worker.objects.get()
    assert (worker.status, worker.batch) == ("active", None)
    assert {"act", "act-each"} <= set(worker.capabilities)
    assert worker.max_concurrency == 5
    session.is_warm = True
    _until(fleet, status="idle", memory_bytes__gt=1_000_000)
    session.hold("act", list(range(1, 31)))
    _until(fleet, status="busy", batch__task="act", batch__count=30, batch__ids=list(range(1, 21)))
    session.let_go()
    session.note_failure("the disk is full")
    _until(fleet, status="error", batch__isnull=True, last_error="the disk is full")
    session.note_success()
    _until(fleet, status="idle", last_error="the disk is full")


def test_who_was_in_the_seat_before_is_counted(open_session: Open) -> None:
    for reason in ("crashed", "recycled"):
        open_session(name=process_name("s"), seat="s").close(reason)
    open_session(name=process_name("s.x"), seat="s.x").close()
    open_session(name=process_name("s"), seat="s")
    open_session(name=process_name("s"), seat="s")
    assert list(Worker.objects.order_by("id").values_list("restarts", flat=True)) == [0, 1, 0, 2, 2]


def test_a_session_that_was_cut_comes_back_on_its_row(fleet: Fleet, open_session: Open) -> None:
    returned: list[bool] = []
    session = open_session()
    session.on_reconnect = lambda: returned.append(True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
            [session.worker_id],
        )
    fleet.until(lambda: bool(returned), "the session to return", deadline_s=15)
    assert Worker.objects.get().pk == session.worker_id
    assert _has_lock(session.worker_id)


def test_a_session_that_was_declared_dead_goes_on_under_a_new_row(fleet: Fleet, open_session: Open) -> None:
    first = open_session().worker_id
    Worker.objects.update(ended_at="2026-01-01T00:00Z")
    _until(fleet, pk__gt=first, ended_at=None)
    assert not _has_lock(first)


def test_the_server_frees_the_lock_of_a_host_that_fell_silent(
    fleet: Fleet, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_SILENCE_S = 0.2
    monkeypatch.setattr("jobs.session.PAST_SILENCE_S", 0.1)
    session = Session(name="w", queues=[])
    silent = _direct_connection()
    session._beat(silent)  # once, and never again
    assert _has_lock(session.worker_id)
    fleet.until(lambda: not _has_lock(session.worker_id), "the lock to be freed")
    silent.close()


def test_what_a_job_says_is_stored_while_it_runs(fleet: Fleet, open_session: Open) -> None:
    open_session()
    journal().add(1, "still here")
    fleet.until(lambda: JobLine.objects.filter(job_id=1, message="still here").exists(), "the line")


def test_a_cancellation_is_noticed_while_the_job_runs(fleet: Fleet, open_session: Open) -> None:
    session = open_session()
    first, second = enqueue_many([NewJob("act", {"n": n}) for n in range(2)])
    claim("workload", worker_id=session.worker_id, limit=8)
    Job.objects.filter(pk=first.job_id).update(is_cancelling=True)
    fleet.until(lambda: session.cancelled == {first.job_id}, "the cancellation to be noticed")
    assert second.job_id not in session.cancelled


def test_what_is_handed_back_spends_nothing_and_the_cancelled_end(transactional_db: None) -> None:
    worker = Worker.objects.create(name="w", hostname="h", pid=1, queues=[])
    kept, cancelled = enqueue_many([NewJob("act", {"n": n}, key=f"k{n}") for n in range(2)])
    claim("workload", worker_id=worker.pk, limit=8)
    Job.objects.filter(pk=cancelled.job_id).update(is_cancelling=True)
    assert hand_back(worker_id=worker.pk, reason="cancelled a job") == {"workload": 1}
    rows = dict(Job.objects.values_list("pk", "state"))
    assert rows == {kept.job_id: State.PENDING, cancelled.job_id: State.CANCELLED}
    job = Job.objects.get(pk=kept.job_id)
    assert (job.attempt, job.lease, job.is_suspect, job.crashes, job.worker_id) == (0, 2, False, 0, None)
    assert [key.job_id for key in JobKey.objects.all()] == [kept.job_id]
    worker.refresh_from_db()
    assert (worker.status, worker.end_reason, worker.batch) == ("offline", "cancelled a job", None)
