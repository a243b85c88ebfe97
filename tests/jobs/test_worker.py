"""Real workers, killed with real signals: nothing is lost and nothing takes effect twice."""

import signal
from collections import Counter
from pathlib import Path

from jobs.batch import NewJob
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, State, Worker
from jobs.permits import transport
from tests.jobs.fleet import Fleet
from tests.workload.models import Effect, Execution

COUNT = 60


def _enqueue(count: int = COUNT, **payload: object) -> None:
    enqueue_many([NewJob("act", {"subject": f"s{n}", "do": "sleep", "s": 0.02, **payload}) for n in range(count)])


def _all_final() -> bool:
    return not Job.objects.exclude(state__in=["completed", "failed", "dead"]).exists()


def _some_done() -> bool:
    return Job.objects.filter(state=State.COMPLETED).exists()


def _assert_each_took_effect_once(count: int = COUNT) -> None:
    effects = Counter(Effect.objects.values_list("subject", flat=True))
    assert effects == {f"s{n}": 1 for n in range(count)}
    assert Job.objects.filter(state=State.COMPLETED).count() == count


def test_after_kill_9_another_worker_finishes_the_work(fleet: Fleet) -> None:
    fleet.start("dispatcher")
    first = fleet.worker()
    _enqueue()
    fleet.until(_some_done, "the first jobs")
    first.send_signal(signal.SIGKILL)
    fleet.worker()
    fleet.until(_all_final, "all jobs to be final")
    _assert_each_took_effect_once()
    assert Worker.objects.get(pid=first.pid).end_reason == "crashed"


def test_flushall_and_a_killed_dispatcher_cost_nothing(fleet: Fleet) -> None:
    dispatcher = fleet.start("dispatcher")
    fleet.worker()
    _enqueue()
    fleet.until(_some_done, "the first jobs")
    transport().flushall()
    dispatcher.send_signal(signal.SIGKILL)
    fleet.start("dispatcher")
    fleet.until(_all_final, "all jobs to be final")
    _assert_each_took_effect_once()


def test_a_worker_of_several_queues_serves_them_in_turn(fleet: Fleet) -> None:
    _enqueue(100)  # two seconds of work, before which the other queue would wait
    enqueue(NewJob("noop-64", {}))
    fleet.start("rqworker", "workload", "noop-64")
    fleet.until(_all_final, "all jobs to be final")
    other = Job.objects.get(queue="noop-64")
    assert other.finished_at < Job.objects.filter(queue="workload").latest("finished_at").finished_at


def test_sigterm_finishes_the_batch_and_signs_off(fleet: Fleet) -> None:
    worker = fleet.worker()
    _enqueue()
    fleet.until(Execution.objects.exists, "the first batch")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    assert Worker.objects.get().end_reason == "stopped"
    states = Counter(Job.objects.values_list("state", "attempt"))
    assert set(states) == {(State.COMPLETED, 1), (State.PENDING, 0)}


def test_an_idle_worker_stops_at_once(fleet: Fleet) -> None:
    worker = fleet.worker()
    name = Worker.objects.get().name
    fleet.until(lambda: transport().hget(f"rq:worker:{name}", "state") == b"idle", "the worker to listen")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    assert Worker.objects.get().end_reason == "stopped"


def test_a_poison_job_is_quarantined_and_its_neighbours_complete(fleet: Fleet) -> None:
    fleet.start("dispatcher")
    enqueue(NewJob("act", {"subject": "poison", "do": "kill"}))
    _enqueue(7)
    worker = fleet.worker()
    while not _all_final():
        dying = worker
        fleet.until(lambda: dying.poll() is not None or _all_final(), "the worker to be killed, or the end")  # noqa: B023
        if worker.poll() is not None:
            worker = fleet.worker()
    assert DeadLetter.objects.get().reason == "quarantined"
    assert Job.objects.filter(state=State.COMPLETED).count() == 7
    assert worker.poll() is None


def test_a_poison_job_cured_in_time_completes(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start("dispatcher")
    cure = tmp_path / "cure"
    enqueue(NewJob("act", {"subject": "s0", "do": "kill", "unless": str(cure)}))
    first = fleet.worker()
    fleet.until(lambda: first.poll() is not None, "the worker to be killed")
    cure.touch()
    fleet.worker()
    fleet.until(_all_final, "all jobs to be final")
    _assert_each_took_effect_once(1)


def test_a_timeout_is_enforced_inside_c_code(fleet: Fleet) -> None:
    worker = fleet.worker()
    enqueue(NewJob("act-hang", {}))
    fleet.until(lambda: worker.poll() is not None, "the watchdog", deadline_s=15)
    assert "Timeout (0:00:01)!" in fleet.log.read_text()


def test_pickle_is_refused_whatever_is_asked_for(fleet: Fleet) -> None:
    fleet.start("rqworker", "workload", "--serializer", "rq.serializers.PickleSerializer")
    enqueue(NewJob("act", {"subject": "s0"}))
    fleet.until(_all_final, "the job")
    _assert_each_took_effect_once(1)


def test_without_redis_work_is_accepted_and_done_directly(fleet: Fleet) -> None:
    fleet.without_redis()
    fleet.start("dispatcher")
    worker = fleet.start("work", "workload", "--direct")
    _enqueue(10)
    enqueue(NewJob("act", {"subject": "s10", "do": "retry", "until": 2}))
    fleet.until(_all_final, "all jobs to be final")
    _assert_each_took_effect_once(11)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    assert Worker.objects.get().end_reason == "stopped"


def test_a_worker_that_starts_while_redis_is_away_waits_for_it(fleet: Fleet) -> None:
    fleet.without_redis()
    waiting = fleet.start("rqworker", "workload")
    fleet.until(lambda: "Redis is away: the worker waits" in fleet.log.read_text(), "the worker to wait")
    assert waiting.poll() is None
    waiting.terminate()
    waiting.wait(timeout=30)
