"""An earlier system's jobs go on here, once."""

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max
from django.utils import timezone

from jobs.imports import Order, import_jobs
from jobs.models import Audit, DeadLetter, ImportedJob, Job, JobAttempt, Priority, State
from jobs.sealing import is_sealed, is_sealed_text, opened, opened_text
from tests.workload.models import Effect

pytestmark = pytest.mark.django_db
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
RECORD = {"type": "act", "created_at": "2024-05-01T12:00:00Z", "tenant": "7", "payload": {"subject": "s"}}
FINAL = {**RECORD, "processed_at": "2024-05-01T12:00:10Z", "completed_at": "2024-05-01T12:00:11Z"}


def lines(*records: Any) -> list[tuple[int, bytes | None]]:
    return [(number, json.dumps(record).encode()) for number, record in enumerate(records, start=1)]


def the_job(external_id: str = "1") -> Job:
    return Job.objects.get(pk=ImportedJob.objects.get(source="old", external_id=external_id).job_id)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.imports.BATCH_LINES", 20)


@pytest.fixture
def import_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[dict[str, Any], int]]:
    """Run the command on records; return what it says and its exit status."""

    def run(*records: Any, **options: Any) -> tuple[dict[str, Any], int]:
        file = tmp_path / "jobs.jsonl"
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        status = 0
        out = io.StringIO()
        try:
            call_command("import_jobs", str(file), source="old", json=True, stdout=out, **options)
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return json.loads(out.getvalue()), status

    return run


def test_a_completed_job_becomes_history_with_its_own_times() -> None:
    report = import_jobs(
        lines({**FINAL, "id": 1, "status": "completed", "result": {"n": 1}, "attempts": 1}), Order(source="old")
    )
    job = the_job()
    assert (job.task, job.queue, job.tenant, job.state) == ("act", "workload", "7", State.COMPLETED)
    assert (job.payload, job.result, job.attempt) == ({"subject": "s"}, {"n": 1}, 1)
    assert (job.created_at, job.run_at) == (NOON, NOON)
    assert (job.started_at, job.finished_at) == (NOON + timedelta(seconds=10), NOON + timedelta(seconds=11))
    assert (report.history, report.live, report.refused) == ({"completed": 1}, 0, 0)
    assert not DeadLetter.objects.exists()
    assert not JobAttempt.objects.exists()


def test_a_dead_job_opens_a_dead_letter_and_keeps_its_attempts() -> None:
    history = [{"attempt": n, "started_at": NOON.isoformat(), "error": f"error {n}", "traceback": "T"} for n in (1, 2)]
    record = {**FINAL, "id": 1, "status": "dead", "error": "gave up", "attempts": 2, "history": history}
    report = import_jobs(lines(record), Order(source="old"))
    job, letter = the_job(), DeadLetter.objects.get()
    assert (job.state, job.error_code, job.error_message) == (State.DEAD, "imported.failed", "gave up")
    assert (letter.job, letter.task, letter.tenant, letter.reason) == (job, "act", "7", "exhausted")
    assert (letter.resolution, letter.traceback, letter.enqueued_at) == (DeadLetter.Resolution.OPEN, "T", NOON)
    assert letter.created_at == job.finished_at
    assert [(one.attempt, one.error_message, one.family) for one in job.attempts.all()] == [
        (1, "error 1", "retryable"),
        (2, "error 2", "retryable"),
    ]
    assert (report.attempts, report.dead_letters_open, report.dead_letters_resolved) == (2, 1, 0)


def test_a_failed_job_was_a_permanent_error() -> None:
    import_jobs(lines({**FINAL, "id": 1, "status": "failed", "error": "bad"}), Order(source="old"))
    assert DeadLetter.objects.get().reason == "permanent"
    assert JobAttempt.objects.get().family == "permanent"


def test_a_dead_letter_that_nobody_could_retry_is_born_resolved() -> None:
    unknown = {**FINAL, "id": 1, "type": "long-gone", "queue": "old-queue", "status": "dead", "error": "x"}
    import_jobs(lines(unknown), Order(source="old"))
    assert (the_job().task, the_job().queue) == ("long-gone", "old-queue")
    import_jobs(lines({**FINAL, "id": 2, "status": "dead", "error": "x"}), Order(source="old", history_only=True))
    assert [(one.resolution, one.resolved_by, one.resolution_note) for one in DeadLetter.objects.order_by("id")] == [
        ("discarded", "import", "no task is named long-gone here"),
        ("discarded", "import", "imported as history"),
    ]


@pytest.mark.parametrize("status", ["pending", "processing", "retrying"])
def test_a_live_job_goes_on_here_with_what_it_has_spent(status: str, drain: Callable[[], None]) -> None:
    record = {**RECORD, "id": 1, "status": status, "priority": "low", "attempts": 2, "max_attempts": 5, "error": "x"}
    report = import_jobs(lines(record), Order(source="old"))
    job = the_job()
    assert (job.state, job.attempt, job.max_attempts, job.priority) == (State.PENDING, 2, 5, Priority.LOW)
    assert (job.created_at, report.live) == (NOON, 1)
    assert [one.error_message for one in job.attempts.all()] == ["x"]
    drain()
    assert (the_job().state, the_job().attempt) == (State.COMPLETED, 3)
    assert Effect.objects.get().subject == "s"


def test_a_live_job_has_one_attempt_left_at_least() -> None:
    import_jobs(lines({**RECORD, "id": 1, "status": "retrying", "attempts": 3, "max_attempts": 3}), Order(source="old"))
    assert (the_job().attempt, the_job().max_attempts) == (3, 4)


def test_a_retry_whose_time_is_ahead_waits_for_it() -> None:
    at = timezone.now() + timedelta(hours=2)
    import_jobs(lines({**RECORD, "id": 1, "status": "retrying", "run_at": at.isoformat()}), Order(source="old"))
    assert the_job().state == State.SCHEDULED
    assert abs(the_job().run_at - at) < timedelta(minutes=1)


def test_a_live_job_of_an_unknown_task_is_refused_with_what_to_do() -> None:
    record = {**RECORD, "id": 1, "type": "long-gone", "status": "pending"}
    report = import_jobs(lines(record), Order(source="old"))
    assert [(one.line, one.field) for one in report.refusals] == [(1, "type")]
    assert "--rename long-gone=NAME" in report.refusals[0].reason
    assert not Job.objects.exists()
    import_jobs(lines(record), Order(source="old", renames={"long-gone": "act"}))
    assert the_job().task == "act"


def test_a_name_with_underscores_finds_ours_with_dashes() -> None:
    import_jobs(lines({**RECORD, "id": 1, "type": "act_each", "status": "pending"}), Order(source="old"))
    assert the_job().task == "act-each"


def test_history_only_leaves_live_jobs_for_a_later_run() -> None:
    records = lines({**RECORD, "id": 1, "status": "pending"}, {**FINAL, "id": 2, "status": "completed"})
    first = import_jobs(records, Order(source="old", history_only=True))
    assert (first.left_out, first.live, first.history) == (1, 0, {"completed": 1})
    second = import_jobs(records, Order(source="old"))
    assert (second.already, second.live, second.history) == (1, 1, {})


def test_importing_twice_changes_nothing() -> None:
    records = lines(*({**FINAL, "id": n, "status": "dead", "error": "x"} for n in range(3)), {**RECORD, "id": 3})
    import_jobs(records, Order(source="old"))
    before = (
        Job.objects.count(),
        JobAttempt.objects.count(),
        DeadLetter.objects.count(),
        Job.objects.aggregate(Max("id")),
    )
    again = import_jobs(records, Order(source="old"))
    assert (again.already, again.live, again.history, again.attempts) == (4, 0, {}, 0)
    assert before == (
        Job.objects.count(), JobAttempt.objects.count(), DeadLetter.objects.count(), Job.objects.aggregate(Max("id"))
    )  # fmt: skip


def test_an_id_belongs_to_its_source() -> None:
    import_jobs(lines({**RECORD, "id": 1}), Order(source="old"))
    import_jobs(lines({**RECORD, "id": 1}), Order(source="older"))
    assert Job.objects.count() == 2


def test_a_bad_record_is_refused_alone() -> None:
    report = import_jobs(
        [
            *lines({**RECORD, "id": 1}, {**RECORD, "id": 2, "status": "odd"}),
            (3, None),
            *[(4, b"{")],
            *[(5, b'{"id":1}')],
        ],
        Order(source="old"),
    )
    assert [(one.line, one.field) for one in report.refusals] == [
        (2, "status"), (3, "record"), (4, "record"), (5, "created_at"),
    ]  # fmt: skip
    assert (report.lines, report.live, report.refused) == (5, 1, 4)


def test_a_dry_run_says_what_would_happen_and_does_nothing() -> None:
    records = [
        *({**FINAL, "id": n, "status": "failed", "error": "x"} for n in range(20)),
        {**FINAL, "id": 0, "status": "failed"},  # in a batch of its own, and known by then
        {**RECORD, "id": "live"},
        {"id": "bad"},
    ]
    would = import_jobs(lines(*records), Order(source="old", dry_run=True))
    for model in (Job, JobAttempt, DeadLetter, ImportedJob, Audit):
        assert not model._default_manager.exists()
    assert would == import_jobs(lines(*records), Order(source="old"))
    assert (would.live, would.history, would.already, would.refused) == (1, {"failed": 20}, 1, 1)
    assert Audit.objects.get().count == 20 + 1


def test_a_stopped_run_is_gone_on_with_by_the_next() -> None:
    records = lines(*({**RECORD, "id": n} for n in range(20 + 5)))
    stopped = iter([False, True])
    first = import_jobs(records, Order(source="old"), is_stopping=lambda: next(stopped))
    assert (first.live, first.is_whole) == (20, False)
    second = import_jobs(records, Order(source="old"))
    assert (second.already, second.live, second.is_whole) == (20, 5, True)


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_imported_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.imports._letter", killed)
    record = {**FINAL, "id": 1, "status": "dead", "error": "x"}
    with pytest.raises(KeyboardInterrupt):
        import_jobs(lines({**RECORD, "id": 2}, record), Order(source="old"))
    assert not Job.objects.exists()
    assert not ImportedJob.objects.exists()


def test_what_a_sensitive_task_carried_is_encrypted_and_redacted() -> None:
    payload = {"guest": "Ada Lovelace", "email": "ada@example.com"}
    record = {
        **FINAL, "id": 1, "type": "keep-secret", "status": "failed", "payload": payload,
        "error": "no room for Ada Lovelace", "history": [{"error": "Ada Lovelace!", "traceback": "T: ada@example.com"}],
    }  # fmt: skip
    done = {**FINAL, "id": 2, "type": "keep-secret", "status": "completed", "payload": payload, "result": [1]}
    import_jobs(lines(record, done), Order(source="old"))
    job, attempt, letter = the_job(), JobAttempt.objects.get(), DeadLetter.objects.get()
    assert is_sealed(job.payload)
    assert opened(job.payload) == payload
    assert opened(the_job("2").result) == [1]
    for text in (job.error_message, letter.error_message, attempt.error_message, attempt.traceback, letter.traceback):
        assert is_sealed_text(text)
    assert opened_text(job.error_message) == "no room for [redacted]"
    assert opened_text(attempt.traceback) == "T: [redacted]"


def test_the_command_answers_machines_in_one_object(import_file: Callable[..., tuple[dict[str, Any], int]]) -> None:
    said, status = import_file({**RECORD, "id": 1}, {**RECORD, "id": 2, "attempts": "many"})
    assert status == 1
    assert (said["source"], said["dry_run"], said["live"], said["refused"], said["cut_off"]) == ("old", False, 1, 1, "")
    assert said["refusals"] == [
        {"line": 2, "field": "attempts", "reason": "is not a whole number from 0 to 32767"},
    ]
    said, status = import_file({**RECORD, "id": 1})
    assert (status, said["already"], said["live"]) == (0, 1, 0)


def test_the_command_tells_people_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "jobs.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8-sig") as stream:
        stream.write(json.dumps({**RECORD, "id": 1}) + "\n\n{\n")
        stream.write(json.dumps({**FINAL, "id": 2, "status": "completed"}))
    with pytest.raises(SystemExit):
        call_command("import_jobs", str(file), "--dry-run")
    out, err = capsys.readouterr()
    assert out == (
        "would import 1 live, 1 as history (1 completed), 0 failed attempts, 0 open dead letters, "
        "0 imported before, 1 refused\n"
    )
    assert err.startswith("line 3: record: is not JSON")
    assert not Job.objects.exists()


def test_a_file_that_is_cut_off_is_imported_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "jobs.jsonl.gz"
    whole = gzip.compress("".join(json.dumps({**RECORD, "id": n}) + "\n" for n in range(1200)).encode(), 0)
    file.write_bytes(whole[: len(whole) // 2])
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("import_jobs", str(file), json=True, stdout=out)
    said = json.loads(out.getvalue())
    assert "cannot be read after line" in said["cut_off"]
    assert Job.objects.count() == said["live"] > 100


def test_a_file_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(CommandError, match="cannot be opened: No such file"):
        call_command("import_jobs", "/nonexistent.jsonl")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps({**RECORD, "id": 1}).encode())))
    call_command("import_jobs", "-", stdout=io.StringIO())
    assert Job.objects.count() == 1
