"""Tenants take turns within a lane, in proportion to their weights."""

import threading
from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs.batch import NewJob
from jobs.claim import claim
from jobs.dispatch import Dispatcher, release_scheduled
from jobs.fairness import make_lanes, set_weight
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Job, JobEvent, Lane, Priority, State, Tenant
from jobs.permits import transport
from jobs.session import Session

pytestmark = pytest.mark.django_db
QUEUE = "noop-256"  # and its task, whose batches are as large as any claim here


@pytest.fixture(autouse=True)
def lanes(db: None) -> None:
    make_lanes()


def _jobs(tenant: str, count: int, **options: Any) -> None:
    enqueue_many([NewJob(QUEUE, {"subject": f"{tenant}-{n}"}, tenant=tenant, **options) for n in range(count)])


def _claim_order(session: Session, *, batch: int, count: int) -> list[str]:
    order: list[str] = []
    while len(order) < count:
        jobs = claim(QUEUE, worker_id=session.worker_id, limit=batch)
        if not jobs:
            break
        order += [job.tenant for job in jobs]
    return order


@pytest.mark.parametrize("batch", [8, 64, 256])
def test_ten_jobs_behind_ten_thousand_of_another_tenant_are_in_the_next_batch_or_two(
    session: Session, batch: int
) -> None:
    _jobs("big", 10_000)
    claim(QUEUE, worker_id=session.worker_id, limit=batch)
    _jobs("small", 10)
    order = _claim_order(session, batch=batch, count=max(24, 2 * batch))
    assert order[: max(24, 2 * batch)].count("small") == 10


def test_weights_share_a_lane(session: Session) -> None:
    Tenant.objects.create(name="premium", weight=4)
    _jobs("premium", 400)
    _jobs("basic", 400)
    assert Counter(_claim_order(session, batch=10, count=500)[:500]) == {"premium": 400, "basic": 100}


def test_a_weight_counts_for_jobs_that_wait_already(session: Session) -> None:
    _jobs("rising", 400)
    _jobs("basic", 400)
    set_weight("rising", 4)
    first = Counter(_claim_order(session, batch=10, count=100)[:100])
    assert first == {"rising": 80, "basic": 20}


def test_a_tenant_that_was_idle_gains_nothing_by_it(session: Session) -> None:
    _jobs("busy", 200)
    assert len(_claim_order(session, batch=50, count=100)) == 100
    _jobs("late", 100)
    assert Counter(_claim_order(session, batch=10, count=100)[:100]) == {"busy": 50, "late": 50}


def test_priority_goes_before_fairness(session: Session) -> None:
    _jobs("a", 50)
    _jobs("b", 5, priority=Priority.HIGH)
    assert _claim_order(session, batch=5, count=5) == ["b"] * 5


def test_retries_line_up_behind_their_tenants_other_jobs(session: Session) -> None:
    _jobs("failing", 100)
    _jobs("good", 100)
    Job.objects.filter(tenant="failing").update(state=State.SCHEDULED, run_at=timezone.now())
    release_scheduled()
    _jobs("failing", 100)
    assert Counter(_claim_order(session, batch=10, count=100)[:100]) == {"failing": 50, "good": 50}


def test_lanes_follow_what_is_claimed_and_never_go_back(session: Session) -> None:
    _jobs("a", 20)
    seen = []
    for _ in range(4):
        claim(QUEUE, worker_id=session.worker_id, limit=5)
        seen.append(Lane.objects.get(queue=QUEUE, priority=Priority.NORMAL).vtime)
    assert seen == [5.0, 10.0, 15.0, 20.0]


@pytest.mark.django_db(transaction=True)
def test_four_enqueuers_of_one_tenant_at_a_time_get_one_share(session: Session) -> None:
    """Their transactions do not see each other, so their jobs share virtual times, until the tick has stamped them."""
    transport().flushdb()
    make_lanes()
    inside, done = threading.Barrier(4), []

    def enqueue_some() -> None:
        with transaction.atomic():
            _jobs("crowd", 100)
            inside.wait(10)  # all four have written, none has committed
        done.append(1)
        connection.close()

    threads = [threading.Thread(target=enqueue_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert JobEvent.objects.filter(kind="overlap").count() == 3
    Dispatcher().tick()
    _jobs("other", 100)
    assert Counter(_claim_order(session, batch=10, count=200)[:200]) == {"crowd": 100, "other": 100}
    assert Job.objects.filter(tenant="crowd").values("vtime").distinct().count() == 400


@pytest.mark.django_db(transaction=True)
def test_stamping_anew_waits_for_nobody(session: Session) -> None:
    make_lanes()
    first, second = (enqueue(NewJob(QUEUE, {}, tenant="a")).job_id for _ in range(2))
    other = connection.copy()
    with closing(other), other.cursor() as holder, connection.cursor() as cursor:
        holder.execute("BEGIN")
        holder.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [first])
        cursor.execute("SET lock_timeout = '2s'")
        set_weight("a", 4)
        cursor.execute("RESET lock_timeout")
        holder.execute("ROLLBACK")

    stamps = dict(Job.objects.values_list("pk", "vtime"))
    assert (stamps[first], stamps[second]) == (1.0, 0.25)


def test_a_single_job_lands_behind_its_tenants_last(session: Session) -> None:
    ids = [enqueue(NewJob(QUEUE, {}, tenant="a")).job_id for _ in range(3)]
    assert list(Job.objects.filter(pk__in=ids).order_by("pk").values_list("vtime", flat=True)) == [1.0, 2.0, 3.0]
