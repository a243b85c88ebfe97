"""Jobs that wait for others; sets with a follow-up."""

import pytest

from jobs.batch import NewJob
from jobs.dispatch import release_scheduled
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Job, JobDependency, JobKey, State
from jobs.workflows import cancel_live, finish_groups, open_group, release_waiting

pytestmark = pytest.mark.django_db


def _state(job_id: int) -> str:
    return Job.objects.get(pk=job_id).state


def _end(*job_ids: int, state: State = State.COMPLETED) -> None:
    Job.objects.filter(pk__in=job_ids).update(state=state)


def test_a_job_waits_until_all_that_it_waits_for_are_final() -> None:
    first, second = (enqueue(NewJob("act", {})).job_id for _ in range(2))
    last = enqueue(NewJob("act", {}, after=[first, second])).job_id
    assert _state(last) == State.WAITING
    _end(first)
    assert release_waiting() == 0
    assert _state(last) == State.WAITING
    _end(second)
    assert release_waiting() == 1
    release_scheduled()
    assert _state(last) == State.PENDING
    assert not JobDependency.objects.exists()


@pytest.mark.parametrize("state", [State.FAILED, State.DEAD, State.CANCELLED])
def test_a_job_that_waited_in_vain_is_cancelled_and_so_is_what_waits_for_it(state: State) -> None:
    first = enqueue(NewJob("act", {})).job_id
    second = enqueue(NewJob("act", {}, after=[first], key="second")).job_id
    third = enqueue(NewJob("act", {}, after=[second])).job_id
    anyway = enqueue(NewJob("act", {}, after=[first], runs_anyway=True)).job_id
    _end(first, state=state)
    assert release_waiting() == 1
    assert (_state(second), _state(third), _state(anyway)) == (State.CANCELLED, State.WAITING, State.SCHEDULED)
    assert Job.objects.get(pk=second).error_code == "jobs.dependency_not_completed"
    assert not JobKey.objects.filter(key="second").exists()
    release_waiting()
    assert _state(third) == State.CANCELLED


def test_waiting_for_a_job_that_is_final_already_is_met_at_once() -> None:
    first = enqueue(NewJob("act", {})).job_id
    _end(first)
    second = enqueue(NewJob("act", {}, after=[first])).job_id
    release_waiting()
    assert _state(second) == State.SCHEDULED


def test_ten_thousand_that_wait_for_one_cost_the_tick_one_look(django_assert_max_num_queries: object) -> None:
    first = enqueue(NewJob("act", {})).job_id
    enqueue_many([NewJob("act", {}, after=[first]) for _ in range(10_000)])
    assert release_waiting() == 0
    _end(first)
    with django_assert_max_num_queries(4):
        assert release_waiting() == 10_000


def test_a_set_of_ten_thousand_has_one_follow_up_with_its_counts() -> None:
    open_group("big", tenant="7", then=NewJob("act", {"subject": "then"}))
    enqueue_many([NewJob("act", {}, group="big") for _ in range(10_000)])
    assert finish_groups() == 0
    Job.objects.filter(grp="big").update(state=State.COMPLETED)
    assert finish_groups() == 1
    assert finish_groups() == 0
    follow_up = Job.objects.get(grp=None)
    assert follow_up.meta == {"group": {"name": "big", "completed": 10_000}}
    assert follow_up.tenant == "7"


@pytest.mark.parametrize(("is_whole", "subject"), [(True, "then"), (False, "otherwise")])
def test_a_set_may_have_another_follow_up_when_some_failed(is_whole: bool, subject: str) -> None:
    then, otherwise = NewJob("act", {"subject": "then"}), NewJob("act", {"subject": "otherwise"})
    open_group("g", then=then, otherwise=otherwise)
    first, second = enqueue_many([NewJob("act", {}, group="g") for _ in range(2)])
    _end(first.job_id)
    _end(second.job_id, state=State.COMPLETED if is_whole else State.DEAD)
    finish_groups()
    assert Job.objects.get(grp=None).payload == {"subject": subject}


def test_a_set_without_a_callback_for_failure_calls_the_one_that_it_has() -> None:
    open_group("g", then=NewJob("act", {"subject": "then"}))
    _end(enqueue(NewJob("act", {}, group="g")).job_id, state=State.DEAD)
    finish_groups()
    follow_up = Job.objects.get(grp=None)
    assert (follow_up.payload, follow_up.meta["group"]["dead"]) == ({"subject": "then"}, 1)


def test_what_waits_is_cancelled_at_once_and_what_runs_is_told() -> None:
    pending, running, done = (enqueue(NewJob("act", {}, key=f"{n}")).job_id for n in range(3))
    _end(running, state=State.RUNNING)
    _end(done)
    states = cancel_live([pending, running, done], code="x", message="why")
    assert states == {pending: State.CANCELLED, running: State.RUNNING}
    assert Job.objects.get(pk=running).is_cancelling
    assert set(JobKey.objects.values_list("job_id", flat=True)) == {running, done}
