"""Hard trials of real workers: what kills them, what holds them up, and permits that say too much."""

import signal
import subprocess
from collections import Counter

from django.db import connection

from jobs.batch import NewJob
from jobs.dispatch import Dispatcher
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, JobAttempt, State, Worker
from jobs.permits import transport
from jobs.reclaim import BEAT_LATE_S
from tests.jobs.fleet import Fleet
from tests.workload.models import Effect, Execution

SEEN_LATE = 5  # ticks


def _is_any_open() -> bool:
    return Job.objects.exclude(state__in=["completed", "failed", "dead"]).exists()


def _end(pool: subprocess.Popen[bytes]) -> None:
    """End a pool in peace: the children of a killed one would live on into the next test for a while."""
    pool.send_signal(signal.SIGTERM)
    assert pool.wait(timeout=20) == 0


def test_a_poison_job_amid_64_ends_after_three_kills_alone_and_its_63_neighbours_complete(fleet: Fleet) -> None:
    new = [NewJob("act-64", {"subject": f"s{n}"}) for n in range(63)]
    new.insert(31, NewJob("act-64", {"subject": "poison", "do": "kill"}))
    poison = enqueue_many(new)[31].job_id
    fleet.start("dispatcher")
    pool = fleet.start("rqworker-pool", "noop-64", "--num-workers", "1")
    fleet.until(lambda: not _is_any_open(), "all jobs to be final", deadline_s=60)
    _end(pool)
    assert Counter(Job.objects.values_list("state", flat=True)) == {State.COMPLETED: 63, State.DEAD: 1}
    letter = DeadLetter.objects.get()
    assert (letter.job_id, letter.reason) == (poison, "quarantined")
    sizes = Execution.objects.order_by("id").values_list("batch_size", flat=True)
    assert list(sizes.filter(job_id=poison)) == [64, 1, 1, 1]
    assert Counter(sizes.exclude(job_id=poison)) == {64: 63, 1: 63}
    assert set(Counter(Effect.objects.exclude(job_id=poison).values_list("job_id", flat=True)).values()) == {1}
    assert Effect.objects.count() == 63
    crashes = Counter(JobAttempt.objects.values_list("job_id", "family"))
    assert crashes.pop((poison, "crash")) == 4
    assert crashes == {(job_id, "crash"): 1 for job_id in Job.objects.exclude(pk=poison).values_list("pk", flat=True)}


def _is_beat_late() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(clock_timestamp() - beat_at > 2 * %s * interval '1 second') FROM jobs_worker",
            [BEAT_LATE_S],
        )
        return bool(cursor.fetchone()[0])


def test_a_worker_that_cannot_beat_since_c_code_holds_the_gil_keeps_its_job(fleet: Fleet) -> None:
    worker = fleet.worker("noop-16")
    enqueue(NewJob("act-hold", {"subject": "held", "s": 4}))
    dispatcher = Dispatcher()
    seen_late = 0

    def is_done() -> bool:
        nonlocal seen_late
        was_late = _is_beat_late()
        dispatcher.tick()
        seen_late += was_late and _is_beat_late()  # so it was while the tick looked
        return Job.objects.get().state == State.COMPLETED

    fleet.until(is_done, "the job")
    assert seen_late >= SEEN_LATE
    assert Execution.objects.count() == 1
    assert Effect.objects.get().subject == "held"
    assert Job.objects.get().lease == 1
    assert not JobAttempt.objects.exists()
    assert Worker.objects.get(pid=worker.pid).ended_at is None
    assert worker.poll() is None


def test_permits_that_come_two_or_three_times_run_each_job_once(fleet: Fleet) -> None:
    enqueue_many([NewJob("act", {"subject": f"s{n}", "do": "sleep", "s": 0.02}) for n in range(40)])
    key = "rq:queue:workload"
    permits: list[bytes] = transport().lrange(key, 0, -1)  # type: ignore[assignment]
    assert permits
    transport().rpush(key, *permits, *permits)
    pool = fleet.start("rqworker-pool", "workload", "--num-workers", "2")
    fleet.until(lambda: not _is_any_open() and not transport().llen(key), "all jobs and permits")
    _end(pool)
    assert Counter(Effect.objects.values_list("subject", flat=True)) == {f"s{n}": 1 for n in range(40)}
    assert set(Counter(Execution.objects.values_list("job_id", flat=True)).values()) == {1}
    assert set(Job.objects.values_list("state", "attempt", "lease")) == {(State.COMPLETED, 1, 1)}
    assert list(Worker.objects.values_list("end_reason", flat=True)) == ["stopped"] * 2
