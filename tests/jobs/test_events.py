"""What happened reaches the streams in order, numbered, in batches, and after Redis was away."""

from collections.abc import Callable

import pytest
import redis
from django.db import transaction

from jobs import events
from jobs.batch import NewJob
from jobs.events import ALL_JOBS, publish, read, relay, topic_of_tenant
from jobs.ledger import enqueue, enqueue_many
from jobs.models import JobEvent
from jobs.permits import transport

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    transport().flushdb()


def _kinds_of(job_id: int, topic: str = ALL_JOBS) -> list[str]:
    return [event.kind for event in read(topic, limit=10_000) if job_id in [job[0] for job in event.jobs]]


def test_each_state_change_of_a_job_is_told_in_order(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("act", {"do": "retry", "until": 2, "subject": "s"}, tenant="7", group="sync:1")).job_id
    drain()
    relay()
    expected = ["pending", "running", "scheduled", "pending", "running", "completed"]
    assert _kinds_of(job_id) == expected
    assert _kinds_of(job_id, topic_of_tenant("7")) == expected
    assert read(topic_of_tenant("7"))[0].jobs == [[job_id, "act", "sync:1"]]
    assert not JobEvent.objects.exists()


def test_a_batch_is_one_event_and_each_tenant_hears_of_its_own_jobs_only() -> None:
    enqueue_many([NewJob("act", {}, tenant=str(n % 2)) for n in range(100)])
    relay()
    (event,) = read(ALL_JOBS)
    assert len(event.jobs) == 100
    ids = {tenant: {job[0] for event in read(topic_of_tenant(tenant)) for job in event.jobs} for tenant in "01"}
    assert len(ids["0"]) == len(ids["1"]) == 50
    assert not ids["0"] & ids["1"]


def test_a_late_reader_goes_on_from_the_last_number_that_it_has_seen() -> None:
    for n in range(5):
        publish("sync:7", "step", {"n": n})
    relay()
    first = read("sync:7", limit=2)
    rest = read("sync:7", after=first[-1].seq)
    assert [event.body["n"] for event in first + rest] == [0, 1, 2, 3, 4]
    seqs = [event.seq for event in first + rest]
    assert seqs == sorted(set(seqs))


def test_numbers_go_on_after_redis_was_wiped() -> None:
    publish("t", "step", 1)
    relay()
    before = read("t")[-1].seq
    transport().flushdb()
    publish("t", "step", 2)
    relay()
    (after,) = read("t", after=before)
    assert after.body == 2


def test_nothing_is_told_of_what_was_rolled_back() -> None:
    with transaction.atomic():
        enqueue(NewJob("act", {}))
        publish("t", "step", {})
        transaction.set_rollback(True)
    assert relay() == (0, [])


def test_events_wait_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    publish("t", "step", {})
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(events, "transport", lambda: away)
        with pytest.raises(redis.ConnectionError), transaction.atomic():
            relay()
    assert JobEvent.objects.count() == 1
    relay()
    assert len(read("t")) == 1


def test_an_outbox_beyond_bounds_loses_its_oldest_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "MAX_BACKLOG", 2)
    for n in range(5):
        publish("t", "step", n)
    assert events.drop_backlog() == 3
    relay()
    assert [event.body for event in read("t")] == [3, 4]
    assert "events were dropped" in caplog.text
