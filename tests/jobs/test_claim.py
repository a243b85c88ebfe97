"""What one claim takes: due jobs in their order, of each task up to its own batch size."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.execution import by_task, work
from jobs.ledger import enqueue_many
from jobs.models import Job, Priority, State
from jobs.permits import batch_size_of
from jobs.session import Session
from tests.workload.models import Execution

pytestmark = pytest.mark.django_db
SIZES = {"mixed-4": 4, "mixed-64": 64}
FEW, MANY = SIZES


def _enqueue(*tasks: str, priority: Priority = Priority.NORMAL) -> list[int]:
    return [it.job_id for it in enqueue_many([NewJob(task, {"subject": "a"}, priority=priority) for task in tasks])]


def _claim(session: Session, limit: int = 64) -> list[int]:
    return [job.id for job in claim("mixed", worker_id=session.worker_id, limit=limit)]


def test_each_task_of_a_queue_gets_a_batch_of_its_own_size(session: Session) -> None:
    due = _enqueue(*[FEW] * 4, *[MANY] * 60)
    assert batch_size_of("mixed") == 64
    assert _claim(session) == due


def test_a_claim_ends_before_a_job_that_its_task_has_no_room_for(session: Session) -> None:
    due = _enqueue(*[FEW] * 4, *[MANY] * 10, FEW, *[MANY] * 10)
    assert _claim(session) == due[:14]
    assert _claim(session) == due[14:]


def test_what_is_urgent_is_overtaken_by_no_other_task(session: Session) -> None:
    later = _enqueue(*[MANY] * 3)
    urgent = _enqueue(*[FEW] * 5, priority=Priority.CRITICAL)
    assert _claim(session) == urgent[:4]
    assert _claim(session) == [urgent[4], *later]


def test_of_a_claim_of_several_tasks_the_most_urgent_one_runs_first(session: Session) -> None:
    _enqueue(FEW)
    _enqueue(MANY, priority=Priority.CRITICAL)
    jobs = claim("mixed", worker_id=session.worker_id, limit=64)
    assert [task.name for task, _ in by_task(jobs)] == [MANY, FEW]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=st.lists(st.sampled_from([FEW, MANY]), max_size=20), limit=st.integers(1, 70))
def test_claims_take_all_that_is_due_in_order_and_no_task_gets_too_many(
    session: Session, tasks: list[str], limit: int
) -> None:
    Job.objects.all().delete()
    due = _enqueue(*tasks)
    taken: list[int] = []
    while claimed := _claim(session, limit):
        counts = Counter(Job.objects.filter(pk__in=claimed).values_list("task", flat=True))
        assert all(count <= SIZES[task] for task, count in counts.items())
        assert len(claimed) <= limit
        taken += claimed
        is_full = len(claimed) == limit or len(taken) == len(due)
        assert is_full or counts[tasks[len(taken)]] == SIZES[tasks[len(taken)]]
    assert taken == due


@pytest.mark.django_db(transaction=True)  # a permit looks after its own connection
def test_one_permit_works_a_queue_of_unlike_tasks_to_its_end(session: Session) -> None:
    _enqueue(*[FEW] * 9, *[MANY] * 70, *[FEW] * 2)
    assert work("mixed") == 81
    assert set(Job.objects.values_list("state", flat=True)) == {State.COMPLETED}
    ran = Counter(Execution.objects.values_list("batch_size", flat=True))
    assert ran == {4: 8, 1: 1, 63: 63, 7: 7, 2: 2}
