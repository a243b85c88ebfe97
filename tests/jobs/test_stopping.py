"""Real workers that are stopped, recycled, pooled and swept: nothing is lost, no attempt is spent."""

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.models import Job, State, Worker
from jobs.permits import transport
from tests.jobs.fleet import Fleet
from tests.workload.models import Effect, Execution


def _enqueue(count: int, *, task: str = "act", **payload: object) -> list[int]:
    new = [NewJob(task, {"subject": f"s{n}", **payload}) for n in range(count)]
    return [enqueued.job_id for enqueued in enqueue_many(new)]


def _all_completed() -> bool:
    return not Job.objects.exclude(state=State.COMPLETED).exists()


def _assert_each_took_effect_once(count: int) -> None:
    assert Counter(Effect.objects.values_list("subject", flat=True)) == {f"s{n}": 1 for n in range(count)}


def _alive() -> list[int]:
    return list(Worker.objects.filter(ended_at=None, status__in=["idle", "busy"]).values_list("pid", flat=True))


def _busy_with(fleet: Fleet, process: subprocess.Popen[bytes], count: int) -> None:
    fleet.until(lambda: Execution.objects.count() == count, f"a batch of {count} to start")
    assert process.poll() is None


def test_when_its_grace_is_over_a_worker_hands_everything_back(fleet: Fleet) -> None:
    fleet.set(JOB_GRACE_S="0.3")
    worker = fleet.worker("noop-16")
    _enqueue(3, task="act-long", s=50)
    _busy_with(fleet, worker, 3)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    rows = set(Job.objects.values_list("state", "attempt", "lease", "is_suspect", "worker_id"))
    assert rows == {(State.PENDING, 0, 2, False, None)}
    assert Worker.objects.get().end_reason == "stopped when its grace was over"


def test_a_second_signal_ends_a_worker_at_once(fleet: Fleet) -> None:
    fleet.set(JOB_GRACE_S="600")
    worker = fleet.worker("noop-16")
    _enqueue(3, task="act-long", s=50)
    _busy_with(fleet, worker, 3)

    def has_ended_when_asked_again() -> bool:
        worker.send_signal(signal.SIGTERM)
        return worker.poll() is not None

    fleet.until(has_ended_when_asked_again, "the worker to end")
    assert worker.returncode == 0
    assert set(Job.objects.values_list("state", "attempt", "is_suspect")) == {(State.PENDING, 0, False)}
    assert Worker.objects.get().end_reason == "stopped at once"


def test_a_spent_worker_finishes_its_batch_and_makes_room(fleet: Fleet) -> None:
    fleet.set(JOB_WORKER_MAX_JOBS="8")
    worker = fleet.worker()
    _enqueue(20)
    assert worker.wait(timeout=20) == 0
    assert Worker.objects.get().end_reason == "recycled"
    assert Counter(Job.objects.values_list("state", "attempt")) == {(State.COMPLETED, 1): 8, (State.PENDING, 0): 12}


def test_a_cancelled_job_that_does_not_listen_is_ended_with_its_process(fleet: Fleet) -> None:
    fleet.set(JOB_CANCEL_GRACE_S="0.3")
    worker = fleet.worker("noop-16")
    deaf, *others = _enqueue(3, task="act-long", s=50)
    _busy_with(fleet, worker, 3)
    Job.objects.filter(pk=deaf).update(is_cancelling=True)
    fleet.until(lambda: worker.poll() is not None, "the worker to end")
    assert worker.returncode == 75
    assert Job.objects.get(pk=deaf).state == State.CANCELLED
    rows = set(Job.objects.filter(pk__in=others).values_list("state", "attempt", "is_suspect"))
    assert rows == {(State.PENDING, 0, False)}
    assert Worker.objects.get().end_reason == "cancelled a job"
    assert not Effect.objects.exists()


def test_a_pool_replaces_a_killed_child_and_stops_in_peace(fleet: Fleet) -> None:
    fleet.start("dispatcher")
    pool = fleet.start("rqworker-pool", "workload", "--num-workers", "2")
    fleet.until(lambda: len(_alive()) == 2, "two children")
    _enqueue(30, do="sleep", s=0.05)
    fleet.until(Execution.objects.exists, "the first batch")
    os.kill(_alive()[0], signal.SIGKILL)
    fleet.until(_all_completed, "all jobs")
    fleet.until(lambda: len(_alive()) == 2, "another child")
    pool.send_signal(signal.SIGTERM)
    assert pool.wait(timeout=20) == 0
    assert Counter(Worker.objects.values_list("end_reason", flat=True)) == {"crashed": 1, "stopped": 2}
    _assert_each_took_effect_once(30)


def test_the_children_of_a_killed_pool_finish_their_batches_and_end(fleet: Fleet) -> None:
    pool = fleet.start("rqworker-pool", "workload", "--num-workers", "2")
    fleet.until(lambda: len(_alive()) == 2, "two children")
    _enqueue(60, do="sleep", s=0.1)
    fleet.until(lambda: Execution.objects.count() >= 2, "the children to be busy")
    pool.send_signal(signal.SIGKILL)
    fleet.until(lambda: Worker.objects.filter(end_reason="stopped").count() == 2, "the children to end")
    states = Counter(Job.objects.values_list("state", "attempt"))
    assert set(states) == {(State.COMPLETED, 1), (State.PENDING, 0)}
    assert Effect.objects.count() == states[State.COMPLETED, 1]


def test_a_worker_of_every_queue_outlives_rq_s_sweep_of_a_dead_one_s_permit(fleet: Fleet, tmp_path: Path) -> None:
    told = tmp_path / "told"
    dead = fleet.worker("noop-16")
    _enqueue(5, task="act-when-told", told=str(told))
    _busy_with(fleet, dead, 5)
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    told.touch()
    queue = Queue("noop-16", connection=transport(), serializer=JSONSerializer)
    started = StartedJobRegistry(queue=queue)
    entry: Any
    (entry,) = transport().zrange(started.key, 0, -1)
    transport().zadd(started.key, {entry: 1})  # as if an hour had passed
    fleet.start("dispatcher")
    fleet.start("rqworker")
    fleet.until(_all_completed, "all jobs")
    assert Counter(Effect.objects.values_list("subject", flat=True)) == {f"told s{n}": 1 for n in range(5)}
    assert FailedJobRegistry(queue=queue).count == 1
    assert len(Worker.objects.get(end_reason="").queues) > 5
