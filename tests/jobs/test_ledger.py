"""What enqueueing promises."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.batch import NewJob
from jobs.ledger import BadPayload, enqueue, enqueue_many
from jobs.models import Job, JobKey, Priority, State
from jobs.permits import transport
from jobs.registry import UnknownTask

pytestmark = pytest.mark.django_db


def test_a_job_is_written_as_asked() -> None:
    new = NewJob("act", {"a": 1}, tenant="7", priority=Priority.HIGH, group="g", meta={"source": "test"})
    job = Job.objects.get(pk=enqueue(new).job_id)
    assert (job.task, job.queue, job.tenant, job.priority, job.grp) == ("act", "workload", "7", Priority.HIGH, "g")
    assert (job.state, job.attempt, job.max_attempts) == (State.PENDING, 0, 3)
    assert (job.payload, job.meta) == ({"a": 1}, {"source": "test"})


def test_a_delayed_job_is_scheduled_and_a_gated_one_waits_at_its_gate() -> None:
    delayed = Job.objects.get(pk=enqueue(NewJob("act", {}, delay_s=60)).job_id)
    gated = Job.objects.get(pk=enqueue(NewJob("act", {}, gates=["domain:x"])).job_id)
    assert (delayed.state, gated.state) == (State.SCHEDULED, State.GATED)
    assert timedelta(seconds=55) < delayed.run_at - timezone.now() < timedelta(seconds=61)


def test_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(UnknownTask, match=r"'nope'.*act"):
        enqueue(NewJob("nope", {}))


@pytest.mark.parametrize("text", ["a\x00b", "half of a pair: \ud83d", "\udc4d\ud83d"])
def test_a_payload_that_postgresql_cannot_keep_is_refused_with_its_reason(text: str) -> None:
    with pytest.raises(BadPayload, match="NUL, or half"):
        enqueue(NewJob("act", {"text": text}))
    assert not Job.objects.exists()


def test_a_payload_may_tell_of_what_postgresql_cannot_keep() -> None:
    payload = {"text": r"a \u0000, a \ud83d", "thumb": "👍"}
    assert Job.objects.get(pk=enqueue(NewJob("act", payload)).job_id).payload == payload


def test_enqueueing_nothing_writes_nothing() -> None:
    assert enqueue_many([]) == []


def test_a_job_of_a_rolled_back_transaction_never_was() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue(NewJob("act", {}))
        raise RuntimeError
    assert not Job.objects.exists()


def test_an_equal_key_answers_with_the_first_job() -> None:
    first = enqueue(NewJob("act", {"n": 1}, key="k"))
    second = enqueue(NewJob("act", {"n": 2}, key="k"))
    assert (second.job_id, second.is_duplicate) == (first.job_id, True)
    assert Job.objects.get().payload == {"n": 1}


def test_equal_keys_in_one_call_become_one_job() -> None:
    answers = enqueue_many([NewJob("act", {"n": n}, key="k") for n in range(3)])
    assert [answer.is_duplicate for answer in answers] == [False, True, True]
    assert {answer.job_id for answer in answers} == {Job.objects.get().pk}


def test_a_key_belongs_to_its_task() -> None:
    assert not enqueue(NewJob("act", {}, key="k")).is_duplicate
    assert not enqueue(NewJob("noop-16", {}, key="k")).is_duplicate


def test_an_expired_key_can_be_taken_again() -> None:
    first = enqueue(NewJob("act", {}, key="k"))
    JobKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    second = enqueue(NewJob("act", {}, key="k"))
    assert not second.is_duplicate
    assert second.job_id != first.job_id


@pytest.mark.django_db(transaction=True)
def test_permits_are_pushed_after_the_commit_and_not_before() -> None:
    transport().delete("rq:queue:noop-16")
    with transaction.atomic():
        enqueue_many([NewJob("noop-16", {}) for _ in range(40)])
        assert transport().llen("rq:queue:noop-16") == 0
    assert transport().llen("rq:queue:noop-16") == 3
    enqueue_many([NewJob("noop-16", {}) for _ in range(40)])
    assert transport().llen("rq:queue:noop-16") == 3
