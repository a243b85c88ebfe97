"""Outcomes on disk: what a dead worker has done is settled from there, once, and only where it still counts."""

import json
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from jobs.batch import Batch, NewJob
from jobs.batch_records import CorruptRecord, decode, encode_batch
from jobs.claim import claim
from jobs.effects import UnknownEffect, bind, effect
from jobs.errors import PermanentError, RateLimitedError, RetryableError
from jobs.ledger import enqueue, enqueue_many
from jobs.models import DeadLetter, Job, JobAttempt, Priority, State
from jobs.registry import get_task
from jobs.retry import family_of
from jobs.session import Session
from jobs.spool import Spooled, replay, spool_batch
from tests.workload.models import Effect
from tests.workload.tasks import note_effects

pytestmark = pytest.mark.django_db


class PageGone(PermanentError):
    """The page is gone."""

    code = "workload.page_gone"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """A spool of the test's own."""
    settings.JOB_SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"


@pytest.fixture
def claimed(session: Session) -> Callable[[int], Batch]:
    """Claim jobs that were enqueued for it."""

    def take(count: int) -> Batch:
        enqueue_many([NewJob("act", {"subject": f"s{n}"}, key=f"k{n}", tenant="7") for n in range(count)])
        return Batch(jobs=claim("workload", worker_id=session.worker_id, limit=count))

    return take


def _spool(batch: Batch) -> Spooled:
    spooled = spool_batch(batch, task=get_task("act"), worker_name="test-worker", run_s=0.5)
    assert spooled is not None
    return spooled


def _die(spooled: Spooled) -> None:
    """Let the file be what a dead process leaves: whole, and locked by nobody."""
    spooled.file.close()


def test_a_dead_worker_s_outcomes_are_settled_from_its_file(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(4)
    done, failed, late, left = batch.jobs
    batch.complete(done, result={"price": Decimal("1.50")}, then=[NewJob("act", {"subject": "next"})])
    batch.fail(failed, PageGone(status_code=410))
    batch.fail(late, RateLimitedError("slow down", retry_after_s=30))
    batch.release(left)
    batch.on_settle(bind(note_effects, "noted"))
    _die(_spool(batch))
    assert Job.objects.filter(state=State.RUNNING).count() == 4
    assert replay() == 1
    rows = {job.pk: job for job in Job.objects.all()}
    assert (rows[done.id].state, rows[done.id].result) == (State.COMPLETED, {"price": "1.50"})
    assert (rows[failed.id].state, rows[failed.id].error_code) == (State.FAILED, "workload.page_gone")
    assert (rows[late.id].state, rows[late.id].attempt, rows[late.id].waits) == (State.SCHEDULED, 0, 1)
    assert (rows[left.id].state, rows[left.id].attempt) == (State.PENDING, 0)
    child = Job.objects.get(payload__subject="next")
    assert (child.parent_id, child.tenant, child.priority) == (done.id, "7", Priority.NORMAL)
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.status_code, letter.error_message) == ("permanent", 410, "The page is gone.")
    assert [e.subject for e in Effect.objects.filter(subject__startswith="noted")] == ["noted s0"]
    assert not list(folder.glob("*.json"))


def test_a_file_settled_twice_takes_effect_once(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    batch.on_settle(bind(note_effects, "noted"))
    spooled = _spool(batch)
    copy = spooled.path.read_text()
    _die(spooled)
    replay()
    (folder / "0.json").write_text(copy)
    assert replay() == 1
    assert Effect.objects.count() == 1


def test_what_went_to_another_worker_meanwhile_is_left_alone(claimed: Callable[[int], Batch]) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    batch.on_settle(bind(note_effects, "noted"))
    _die(_spool(batch))
    Job.objects.update(lease=2)
    assert replay() == 1
    assert Job.objects.get().state == State.RUNNING
    assert not Effect.objects.exists()


def test_the_file_of_a_living_worker_is_its_own(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    spooled = _spool(batch)
    assert replay() == 0
    assert Job.objects.get().state == State.RUNNING
    spooled.discard()
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 99}', '{"version": 1, "task": "no-such-task", "jobs": []}']
)
def test_a_file_that_cannot_be_read_is_put_aside_and_the_next_is_settled(
    text: str, claimed: Callable[[int], Batch], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    _die(_spool(batch))
    (folder / "0.json").write_text(text)
    assert replay() == 1
    assert Job.objects.get().state == State.COMPLETED
    assert (folder / "bad/0.json").read_text() == text
    assert "cannot be settled" in caplog.text


def test_an_effect_that_is_not_declared_here_is_not_run(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    batch.on_settle(bind(note_effects, "noted"))
    spooled = _spool(batch)
    record = json.loads(spooled.path.read_text())
    record["effects"][0]["name"] = "os.system"
    spooled.path.write_text(json.dumps(record))
    _die(spooled)
    assert replay() == 0
    assert Job.objects.get().state == State.RUNNING
    assert len(list(folder.glob("bad/*.json"))) == 1


@pytest.mark.django_db(transaction=True)
def test_replay_waits_for_a_database_that_does_not_answer(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    _die(_spool(batch))
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM jobs_job FOR UPDATE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    assert replay() == 0
    assert len(list(folder.glob("*.json"))) == 1
    other.close()
    assert replay() == 1
    assert Job.objects.get().state == State.COMPLETED
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_a_closure_or_what_is_no_json_cannot_be_kept(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    task = get_task("act")
    batch.complete(batch.jobs[0], result=object())
    assert spool_batch(batch, task=task, worker_name="w", run_s=0) is None
    batch.complete(batch.jobs[0])
    batch.on_settle(bind(note_effects, {1, 2}))
    assert spool_batch(batch, task=task, worker_name="w", run_s=0) is None
    batch.effects[:] = [lambda _: None]
    assert spool_batch(batch, task=task, worker_name="w", run_s=0) is None
    assert not folder.exists()


def test_a_full_disk_costs_the_file_only(claimed: Callable[[int], Batch], settings: Any, tmp_path: Path) -> None:
    settings.JOB_SPOOL_DIR = tmp_path / "file" / "spool"
    (tmp_path / "file").write_text("no folder")
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    assert spool_batch(batch, task=get_task("act"), worker_name="w", run_s=0) is None


def test_nobody_else_may_read_what_is_kept(claimed: Callable[[int], Batch], folder: Path) -> None:
    batch = claimed(1)
    batch.complete(batch.jobs[0])
    spooled = _spool(batch)
    assert stat.S_IMODE(spooled.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    spooled.discard()


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error", [PageGone(status_code=410), RetryableError("later"), RateLimitedError(), ZeroDivisionError("one")]
)
def test_errors_keep_their_family_code_and_traceback(claimed: Callable[[int], Batch], error: Exception) -> None:
    batch = claimed(1)
    try:
        _raise(error)
    except Exception as raised:  # noqa: BLE001 any of the above
        batch.fail(batch.jobs[0], raised)
    record = encode_batch(batch, task=get_task("act"), worker_name="w", run_s=0)
    kept: Any = decode(json.loads(json.dumps(record))).batch.outcomes[batch.jobs[0].id]
    assert (family_of(kept.error), type(kept.error).__name__) == (family_of(error), type(error).__name__)
    assert (str(kept.error), getattr(kept.error, "code", "")) == (str(error), getattr(error, "code", ""))
    assert vars(kept.error).items() >= vars(error).items()
    assert "raise error" in kept.error.__notes__[0]
    assert kept.error.__class__.__module__ == type(error).__module__


def test_jobs_come_back_as_they_were(claimed: Callable[[int], Batch]) -> None:
    batch = claimed(2)
    for job in batch:
        batch.complete(job, then=[NewJob("act", {}, priority=Priority.HIGH, gates=["g"], after=[1])])
    record = decode(encode_batch(batch, task=get_task("act"), worker_name="w", run_s=1.5))
    assert list(record.batch.jobs) == list(batch.jobs)
    outcome: Any = record.batch.outcomes[batch.jobs[0].id]
    assert (outcome.then[0].priority, list(outcome.then[0].gates), list(outcome.then[0].after)) == (1, ["g"], [1])
    assert (record.task.name, record.worker_name, record.run_s) == ("act", "w", 1.5)


def test_a_record_without_all_outcomes_is_refused(claimed: Callable[[int], Batch]) -> None:
    batch = claimed(2)
    for job in batch:
        batch.complete(job)
    record: Any = encode_batch(batch, task=get_task("act"), worker_name="w", run_s=0)
    record["jobs"].pop()
    with pytest.raises(CorruptRecord, match="outcomes"):
        decode(record)


def test_effects_are_module_functions_that_were_declared() -> None:
    def local(jobs: Any, data: Any) -> None: ...

    with pytest.raises(ValueError, match="inside a function"):
        effect(local)
    with pytest.raises(UnknownEffect, match="declare it"):
        bind(print)


def test_the_attempts_of_spooled_failures_are_recorded(claimed: Callable[[int], Batch]) -> None:
    batch = claimed(1)
    batch.fail(batch.jobs[0], RetryableError("not yet"))
    _die(_spool(batch))
    replay()
    attempt = JobAttempt.objects.get()
    assert (attempt.error_code, attempt.worker_name, attempt.attempt) == ("jobs.retryable", "test-worker", 1)
    assert "RetryableError: not yet" in attempt.traceback


def test_no_folder_is_no_work() -> None:
    enqueue(NewJob("act", {}))
    assert replay() == 0
