"""A worker without a process, for what one process can show; real processes are in test_worker.py."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from jobs.dispatch import release_scheduled
from jobs.execution import run_once
from jobs.models import Job, Worker
from jobs.permits import batch_size_of, transport
from jobs.session import Session, set_current_session
from tests.jobs.fleet import Fleet


@pytest.fixture
def session(db: None) -> Iterator[Session]:
    """A session whose row stands in the test's own transaction; it does not beat."""
    opened = Session(name="test-worker", queues=["workload"])
    opened.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=["workload"]).pk
    set_current_session(opened)
    yield opened
    set_current_session(None)


@pytest.fixture
def drain(session: Session) -> Callable[[], None]:
    """Run the workload queue dry, retries included, without waiting for their time."""

    def run() -> None:
        while True:
            claimed = run_once("workload", session=session, limit=batch_size_of("workload"))
            Job.objects.filter(state="scheduled").update(run_at=timezone.now())
            if not claimed and not release_scheduled():
                return

    return run


@pytest.fixture
def fleet(transactional_db: None, tmp_path: Path) -> Iterator[Fleet]:
    """Real processes on the test's database, ended with the test."""
    transport().flushdb()
    started = Fleet(tmp_path / "fleet.log")
    yield started
    started.end()
