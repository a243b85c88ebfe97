"""Queues run dry in the test's own process, as far as their jobs are due."""

from datetime import timedelta

from django.db.models import F

from jobs.dispatch import release_scheduled
from jobs.execution import run_once
from jobs.models import Job, Worker
from jobs.permits import batch_size_of
from jobs.session import Session, set_current_session


def run_due(queue: str) -> int:
    """Run what is due on a queue, and what follows there at once; return how many jobs were claimed."""
    session = Session(name="test-worker", queues=[queue])
    session.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=[queue]).pk
    set_current_session(session)
    try:
        total = 0
        while claimed := run_once(queue, session=session, limit=batch_size_of(queue)):
            total += claimed
        return total
    finally:
        set_current_session(None)


def run_after(queue: str, wait: timedelta) -> int:
    """Run what is due on a queue after a wait, without waiting; return how many jobs were claimed."""
    Job.objects.filter(queue=queue, state="scheduled").update(run_at=F("run_at") - wait)
    release_scheduled()
    return run_due(queue)
