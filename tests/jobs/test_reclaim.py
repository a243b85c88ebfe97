"""What becomes of jobs whose worker died, was silent, or was killed by them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.execution import work
from jobs.ledger import enqueue_many
from jobs.models import DeadLetter, Job, JobAttempt, State, Worker
from jobs.reclaim import MAX_CRASHES, reclaim_lost_jobs
from jobs.session import LOCK_CLASS, Session
from tests.workload.models import Effect

pytestmark = pytest.mark.django_db


def _claim_on_dead_worker(limit: int) -> Worker:
    """Claim under a worker that has no session and whose beat is late."""
    worker = Worker.objects.create(
        name="dead", hostname="h", pid=1, queues=["workload"], beat_at=timezone.now() - timedelta(seconds=3)
    )
    claim("workload", worker_id=worker.pk, limit=limit)
    return worker


def test_a_crashed_batch_goes_back_at_once_without_spending_an_attempt() -> None:
    enqueue_many([NewJob("act", {}) for _ in range(3)])
    worker = _claim_on_dead_worker(8)
    assert reclaim_lost_jobs() == {"workload": 3}
    rows = set(Job.objects.values_list("state", "attempt", "is_suspect", "crashes", "worker_id"))
    assert rows == {(State.PENDING, 0, True, 0, None)}
    worker.refresh_from_db()
    assert (worker.status, worker.end_reason) == ("offline", "crashed")
    assert set(JobAttempt.objects.values_list("family", flat=True)) == {"crash"}


def test_suspects_are_claimed_alone_and_before_others() -> None:
    enqueue_many([NewJob("act", {}) for _ in range(3)])
    _claim_on_dead_worker(2)
    reclaim_lost_jobs()
    worker = Worker.objects.create(name="w", hostname="h", pid=1, queues=["workload"])
    sizes = [len(claim("workload", worker_id=worker.pk, limit=8)) for _ in range(4)]
    assert sizes == [1, 1, 1, 0]
    assert Job.objects.filter(is_suspect=True).count() == 2


@pytest.mark.django_db(transaction=True)  # a permit looks after its own connection
def test_one_permit_works_through_suspects_and_what_waits_behind_them(session: Session) -> None:
    enqueue_many([NewJob("act", {"subject": str(n)}) for n in range(5)])
    _claim_on_dead_worker(3)
    reclaim_lost_jobs()
    assert work("workload") == 5
    assert set(Job.objects.values_list("state", "attempt")) == {(State.COMPLETED, 1)}


def test_a_job_that_kills_three_workers_alone_is_dead_and_buried() -> None:
    enqueue_many([NewJob("act", {"subject": "poison"}, key="k")])
    for _ in range(MAX_CRASHES):
        _claim_on_dead_worker(8)
        reclaim_lost_jobs()
    job = Job.objects.get()
    assert (job.state, job.crashes, job.error_code) == (State.DEAD, MAX_CRASHES, "jobs.quarantined")
    assert DeadLetter.objects.get().reason == "quarantined"
    assert JobAttempt.objects.count() == MAX_CRASHES
    assert Effect.objects.get().subject == "gave up poison"


@pytest.fixture
def living_worker() -> Iterator[Worker]:
    """A worker that holds its lock on a session of its own, and a job."""
    worker = Worker.objects.create(name="stuck", hostname="h", pid=1, queues=["workload"])
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, worker.pk])
    enqueue_many([NewJob("act", {})])
    claim("workload", worker_id=worker.pk, limit=1)
    yield worker
    other.close()


@pytest.mark.parametrize("late_s", [1.3, 29])
def test_a_worker_with_a_late_beat_but_a_living_session_keeps_its_jobs(living_worker: Worker, late_s: float) -> None:
    Worker.objects.update(beat_at=timezone.now() - timedelta(seconds=late_s))
    assert not reclaim_lost_jobs()
    assert Job.objects.get().state == State.RUNNING


def test_silence_alone_counts_after_its_limit_and_makes_no_suspect(living_worker: Worker) -> None:
    Worker.objects.update(beat_at=timezone.now() - timedelta(seconds=31))
    assert reclaim_lost_jobs() == {"workload": 1}
    job = Job.objects.get()
    assert (job.state, job.is_suspect, job.attempt) == (State.PENDING, False, 0)
    living_worker.refresh_from_db()
    assert living_worker.end_reason == "silent"
    assert not JobAttempt.objects.exists()


def test_a_worker_that_stopped_in_peace_is_not_reclaimed() -> None:
    Worker.objects.create(
        name="w", hostname="h", pid=1, queues=[], beat_at=timezone.now() - timedelta(hours=1), ended_at=timezone.now()
    )
    assert not reclaim_lost_jobs()
