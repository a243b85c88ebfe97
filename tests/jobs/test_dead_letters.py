"""Dead letters: retried as a new job, discarded, and never twice."""

from collections.abc import Callable

import pytest

from jobs.batch import NewJob
from jobs.dead_letters import AlreadyResolved, discard_dead_letter, retry_dead_letter
from jobs.ledger import enqueue
from jobs.models import Audit, DeadLetter, Job, State

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(drain: Callable[[], None]) -> DeadLetter:
    enqueue(NewJob("act", {"do": "fail", "subject": "x"}, tenant="7", key="k", meta={"source": "api"}))
    drain()
    return DeadLetter.objects.get()


def test_retry_is_a_new_job_that_names_the_old_one(letter: DeadLetter) -> None:
    answer = retry_dead_letter(letter.pk, actor="ada", reason="fixed")
    job = Job.objects.get(pk=answer.job_id)
    assert (job.origin_id, job.state, job.attempt, job.tenant, job.key) == (letter.job_id, State.PENDING, 0, "7", "k")
    assert (job.meta["source"], job.meta["by"]) == ("dlq-retry", "ada")
    letter.refresh_from_db()
    assert (letter.resolution, letter.resolved_by, letter.resolution_note) == ("retried", "ada", "fixed")
    audit = Audit.objects.get()
    assert (audit.actor, audit.subject, audit.reason) == ("ada", f"job {letter.job_id}", "fixed")


def test_discard_closes_it_and_enqueues_nothing(letter: DeadLetter) -> None:
    discard_dead_letter(letter.pk, actor="ada", reason="old")
    letter.refresh_from_db()
    assert letter.resolution == "discarded"
    assert Job.objects.count() == 1


def test_a_resolved_letter_is_not_resolved_again(letter: DeadLetter) -> None:
    discard_dead_letter(letter.pk, actor="ada", reason="old")
    with pytest.raises(AlreadyResolved, match="discarded by ada"):
        retry_dead_letter(letter.pk, actor="bob", reason="")
    assert Job.objects.count() == 1
    assert Audit.objects.count() == 1
