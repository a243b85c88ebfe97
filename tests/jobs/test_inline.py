"""Jobs that run where they were enqueued: like a worker's, and nothing of theirs reaches the caller."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from jobs.batch import NewJob
from jobs.gates import pause
from jobs.inline import close_inline_session, run_inline
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, State, TaskSwitch, Worker
from jobs.permits import transport
from jobs.reclaim import reclaim_lost_jobs
from jobs.session import Session
from tests.jobs.fleet import Fleet
from tests.workload.models import Effect, Execution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def signed_off(transactional_db: None) -> Iterator[None]:
    """End the session that inline jobs open."""
    yield
    close_inline_session()


def _act(**payload: object) -> int:
    return enqueue(NewJob("act", {"subject": "s", **payload})).job_id


def test_a_job_runs_now_as_a_worker_would_run_it() -> None:
    job_id = _act()
    run_inline([job_id])
    job = Job.objects.get()
    assert (job.state, job.attempt, job.lease) == (State.COMPLETED, 1, 1)
    assert Effect.objects.count() == 1
    worker = Worker.objects.get()
    assert (job.worker_id, worker.queues, worker.ended_at) == (worker.pk, [], None)
    run_inline([job_id])
    assert Execution.objects.count() == 1
    close_inline_session()
    worker.refresh_from_db()
    assert (worker.status, worker.end_reason) == ("offline", "stopped")


def test_how_a_job_fails_stands_in_the_ledger_and_reaches_nobody_else() -> None:
    ids = [_act(do="fail"), _act(do="bug"), _act(do="retry"), _act()]
    run_inline(ids)
    states = [Job.objects.get(pk=job_id).state for job_id in ids]
    assert states == [State.FAILED, State.PENDING, State.PENDING, State.PENDING]  # a bug: each runs alone
    for job_id in ids[1:]:
        run_inline([job_id])
    states = [Job.objects.get(pk=job_id).state for job_id in ids]
    assert states == [State.FAILED, State.SCHEDULED, State.SCHEDULED, State.COMPLETED]
    assert DeadLetter.objects.count() == 1


def test_an_effect_that_breaks_hands_the_job_to_the_workers(caplog: pytest.LogCaptureFixture) -> None:
    run_inline([_act(do="effect_bug")])
    job = Job.objects.get()
    assert (job.state, job.attempt, job.lease, job.worker_id) == (State.PENDING, 0, 2, None)
    assert not Effect.objects.exists()
    assert "could not run inline" in caplog.text


def test_a_task_switched_to_inline_has_run_when_the_transaction_is_over() -> None:
    TaskSwitch.objects.create(task="act", mode="inline")
    with transaction.atomic():
        job_id = _act(do="follow")
        assert Job.objects.get(pk=job_id).state == State.PENDING
    assert set(Job.objects.values_list("state", flat=True)) == {State.COMPLETED}
    assert Job.objects.count() == 2  # its follow-up ran inline too, after it
    assert Execution.objects.count() == 2


def test_of_a_paused_task_nothing_runs() -> None:
    job_id = _act()
    pause("queue:workload")
    run_inline([job_id])
    assert Job.objects.get().state == State.PENDING


def test_inside_a_worker_it_is_the_worker_s_session_that_holds_them(session: Session) -> None:
    run_inline([_act()])
    assert Job.objects.get().worker_id == session.worker_id
    assert Worker.objects.count() == 1


def test_jobs_of_a_process_that_dies_inline_go_back(fleet: Fleet, tmp_path: Any) -> None:
    job_id = _act(do="kill")
    code = f"import django; django.setup(); from jobs.inline import run_inline; run_inline([{job_id}])"
    died = subprocess.run([sys.executable, "-c", code], env=fleet.environment, timeout=60, capture_output=True)
    assert died.returncode == -9
    assert Job.objects.get().state == State.RUNNING
    fleet.until(lambda: bool(reclaim_lost_jobs()), "the job to go back")
    job = Job.objects.get()
    assert (job.state, job.attempt, job.is_suspect, job.crashes) == (State.PENDING, 0, True, 1)


def test_many_threads_of_one_process_share_a_session(fleet: Fleet) -> None:
    transport().flushdb()
    ids = [enqueued.job_id for enqueued in enqueue_many([NewJob("act", {"subject": f"s{n}"}) for n in range(6)])]
    code = (
        "import django; django.setup(); from jobs.inline import run_inline; import threading; "
        f"threads = [threading.Thread(target=run_inline, args=([i],)) for i in {ids}]; "
        "[t.start() for t in threads]; [t.join() for t in threads]"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=fleet.environment, timeout=60, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    assert set(Job.objects.values_list("state", flat=True)) == {State.COMPLETED}
    assert list(Worker.objects.values_list("end_reason", flat=True)) == ["stopped"]
