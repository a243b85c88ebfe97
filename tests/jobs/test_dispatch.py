"""The tick: time, groups, forgotten queues and who leads."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from jobs.batch import NewJob
from jobs.dispatch import Dispatcher, log_progress, release_scheduled, wake_forgotten_queues
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Job, JobGroup, JobKey, Priority, State
from jobs.permits import transport
from jobs.session import LOCK_CLASS
from jobs.workflows import finish_groups, open_group

pytestmark = pytest.mark.django_db


def test_what_is_due_becomes_pending_and_what_is_gated_goes_to_its_gate() -> None:
    due, gated, later = enqueue_many(
        [
            NewJob("act", {}, delay_s=60),
            NewJob("act", {}, delay_s=60, gates=["domain:x"]),
            NewJob("act", {}, delay_s=600),
        ]
    )
    Job.objects.filter(pk__in=[due.job_id, gated.job_id]).update(run_at=timezone.now())
    assert release_scheduled() == {"workload": 1}
    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {due.job_id: State.PENDING, gated.job_id: State.GATED, later.job_id: State.SCHEDULED}


def test_a_group_starts_its_follow_up_once_when_its_last_job_is_final() -> None:
    open_group("g", tenant="7", then=NewJob("act", {"subject": "after"}, priority=Priority.HIGH))
    first, second = enqueue_many([NewJob("act", {}, group="g") for _ in range(2)])
    Job.objects.filter(pk=first.job_id).update(state=State.COMPLETED)
    assert finish_groups() == 0
    Job.objects.filter(pk=second.job_id).update(state=State.DEAD)
    assert finish_groups() == 1
    assert finish_groups() == 0
    follow_up = Job.objects.get(payload={"subject": "after"})
    assert (follow_up.tenant, follow_up.priority, follow_up.grp) == ("7", Priority.HIGH, None)
    assert JobGroup.objects.get().final_at is not None


def test_a_queue_without_a_permit_is_woken() -> None:
    transport().flushdb()
    enqueue(NewJob("act", {}))
    wake_forgotten_queues()
    wake_forgotten_queues()
    assert transport().llen("rq:queue:workload") == 1
    assert transport().llen("rq:queue:noop-16") == 0


def test_without_redis_the_tick_goes_on(settings, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    transport.cache_clear()
    try:
        enqueue(NewJob("act", {}))
        Dispatcher().tick()
        assert "work waits in the ledger" in caplog.text
    finally:
        transport.cache_clear()


def test_progress_is_logged_for_each_running_group(caplog: pytest.LogCaptureFixture) -> None:
    open_group("sync:1", tenant="7")
    enqueue_many([NewJob("act", {}, group="sync:1") for _ in range(3)])
    Job.objects.filter(pk=Job.objects.first().pk).update(state=State.COMPLETED)
    with caplog.at_level("INFO"):
        log_progress()
    record = next(record for record in caplog.records if record.message == "progress")
    assert (record.group, record.done, record.jobs) == ("sync:1", 1, 3)


def test_expired_keys_are_swept() -> None:
    enqueue_many([NewJob("act", {}, key="old"), NewJob("act", {}, key="held")])
    JobKey.objects.filter(key="old").update(expires_at=timezone.now() - timedelta(minutes=1))
    dispatcher = Dispatcher()

    def is_swept() -> bool:  # retention goes on for a few milliseconds a tick
        dispatcher.tick()
        return not JobKey.objects.filter(key="old").exists()

    _until(is_swept)
    assert list(JobKey.objects.values_list("key", flat=True)) == ["held"]


@pytest.mark.django_db(transaction=True)
def test_only_the_leader_ticks() -> None:
    enqueue(NewJob("act", {}, delay_s=0.01))
    other = connections.create_connection("default")
    stop = threading.Event()
    dispatcher = Dispatcher()
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, 0)", [LOCK_CLASS])
            thread.start()
            assert not stop.wait(0.7)  # three ticks long it must not lead
            assert not dispatcher.is_leader
            assert Job.objects.get().state == State.SCHEDULED
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK_CLASS])
        _until(lambda: Job.objects.get().state == State.PENDING)
        assert dispatcher.is_leader
    finally:
        stop.set()
        thread.join()
        other.close()
        connection.close()


def _until(is_done) -> None:  # type: ignore[no-untyped-def]
    for _ in range(200):
        if is_done():
            return
        threading.Event().wait(0.05)
    raise AssertionError("not within ten seconds")
