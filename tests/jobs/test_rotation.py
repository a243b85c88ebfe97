"""A new key, while the work goes on."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from jobs import rotation
from jobs.models import DeadLetter, Job, JobAttempt, JobGroup, JobLine, Schedule
from jobs.rotation import SEALABLE, rotate_keys
from jobs.sealing import opened, opened_text, seal, seal_text

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def keys(settings: Any) -> Any:
    """The old key alone; a test puts the new one before it."""
    settings.JOB_ENCRYPTION_KEYS = [OLD]
    return settings


def sealed_job(**fields: Any) -> Job:
    defaults = {"task": "keep-secret", "queue": "workload", "payload": seal({"a": 1}), "state": "running"}
    return Job.objects.create(**{**defaults, **fields})


def every_sealed_row() -> None:
    """One row in each table, with each column that may be sealed."""
    now, text = timezone.now(), seal_text("It broke.")
    job = sealed_job(result=seal([1]), error_message=text)
    JobAttempt.objects.create(
        job=job, attempt=1, started_at=now, ended_at=now, family="bug", error_message=text, traceback=text
    )
    DeadLetter.objects.create(
        job=job, task=job.task, reason="permanent", error_message=text, traceback=text, enqueued_at=now,
        last_attempt_at=now,
    )  # fmt: skip
    JobLine.objects.create(job=job, message=text)
    Schedule.objects.create(name="nightly", task="keep-secret", payload=seal({"a": 1}), every_s=60)
    JobGroup.objects.create(name="g", then_payload=seal({"a": 1}), otherwise_payload=seal({"b": 2}))


def stored_values() -> Iterator[Any]:
    for sealable in SEALABLE:
        for row in sealable.model._default_manager.values(*sealable.columns):
            yield from row.values()


def command(**options: Any) -> tuple[dict[str, Any], int]:
    out, status = io.StringIO(), 0
    try:
        call_command("rotate_job_keys", json=True, stdout=out, **options)
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    return json.loads(out.getvalue()), status


def test_every_column_that_may_be_sealed_moves_to_the_new_key(keys: Any) -> None:
    every_sealed_row()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate_keys().rotated == len(SEALABLE)
    keys.JOB_ENCRYPTION_KEYS = [NEW]
    values = [opened_text(value) if isinstance(value, str) else opened(value) for value in stored_values()]
    assert values == [{"a": 1}, [1], *["It broke."] * 6, {"a": 1}, {"a": 1}, {"b": 2}]


def test_every_column_of_the_ledger_that_may_be_sealed_is_known() -> None:
    sealable = {(one.model._meta.model_name, column) for one in SEALABLE for column in one.columns}
    kept = ("payload", "then_payload", "otherwise_payload", "result", "error_message", "traceback")
    models = {Job, JobAttempt, DeadLetter, JobLine, Schedule, JobGroup}
    assert sealable - {("jobline", "message")} == {
        (model._meta.model_name, field.name) for model in models for field in model._meta.fields if field.name in kept
    }


def test_a_second_run_finds_nothing_to_do(keys: Any) -> None:
    every_sealed_row()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    rotate_keys()
    before = list(stored_values())
    again = rotate_keys()
    assert (again.rotated, again.current, again.unknown) == (0, len(SEALABLE), 0)
    assert list(stored_values()) == before


def test_what_is_plain_is_left_alone(keys: Any) -> None:
    job = sealed_job(payload={"$sealed": "mine", "a": 1}, result="$sealed", error_message="sealed: by whom?")
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate_keys().rotated == 0
    job.refresh_from_db()
    assert (job.payload, job.result) == ({"$sealed": "mine", "a": 1}, "$sealed")
    assert job.error_message == "sealed: by whom?"


def test_nothing_but_what_is_sealed_changes(keys: Any) -> None:
    sealed_job()
    before: dict[str, Any] = dict(Job.objects.values().get())
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    rotate_keys()
    after: dict[str, Any] = dict(Job.objects.values().get())
    assert {name for name, value in after.items() if value != before[name]} == {"payload"}


def test_a_row_that_a_worker_wrote_meanwhile_keeps_what_it_wrote(keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = sealed_job()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    resealed = rotation.resealed
    worker_wrote = seal({"a": "newer"})

    def while_a_worker_writes(value: Any) -> Any:
        Job.objects.filter(pk=job.pk).update(payload=worker_wrote, state="completed")
        return resealed(value)

    monkeypatch.setattr("jobs.rotation.resealed", while_a_worker_writes)
    done = rotate_keys()
    job.refresh_from_db()
    assert (job.payload, job.state) == (worker_wrote, "completed")
    assert (done.rotated, done.current, done.contended) == (0, 1, 0)


def test_a_row_that_no_key_opens_stays_and_is_named_beside_its_neighbours(keys: Any) -> None:
    lost = sealed_job(error_message=seal_text("It broke."))
    keys.JOB_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    sealed_job()
    keys.JOB_ENCRYPTION_KEYS = [NEW, *keys.JOB_ENCRYPTION_KEYS]
    done = rotate_keys()
    assert (done.rotated, done.unknown, done.unknown_rows) == (1, 1, [f"job {lost.pk}"])
    keys.JOB_ENCRYPTION_KEYS = [OLD]
    lost.refresh_from_db()
    assert (opened(lost.payload), opened_text(lost.error_message)) == ({"a": 1}, "It broke.")


def test_a_stopped_run_is_gone_on_with_by_the_next(keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.rotation.WINDOW_ROWS", 2)
    for _ in range(5):
        sealed_job()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    asked = iter([False, True])
    first = rotate_keys(is_stopping=lambda: next(asked))
    assert (first.rotated, first.is_whole) == (2, False)
    second = rotate_keys()
    assert (second.rotated, second.current, second.is_whole) == (3, 2, True)


def test_a_dry_run_counts_and_changes_nothing(keys: Any) -> None:
    every_sealed_row()
    before = list(stored_values())
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    said, status = command(dry_run=True)
    assert (said["dry_run"], said["rotated"], status) == (True, len(SEALABLE), 1)
    assert list(stored_values()) == before


def test_the_command_succeeds_once_the_old_key_is_not_needed(keys: Any) -> None:
    sealed_job()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    said, status = command()
    assert (said["rotated"], said["unknown"], status) == (1, 0, 0)
    keys.JOB_ENCRYPTION_KEYS = [OLD]
    said, status = command()
    assert (said["rotated"], said["unknown"], status) == (0, 1, 1)


def test_the_command_needs_a_key(keys: Any) -> None:
    keys.JOB_ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="JOB_ENCRYPTION_KEYS is empty"):
        call_command("rotate_job_keys")


def test_the_command_tells_people_in_one_line(keys: Any, capsys: pytest.CaptureFixture[str]) -> None:
    sealed_job()
    keys.JOB_ENCRYPTION_KEYS = [NEW, OLD]
    call_command("rotate_job_keys")
    assert capsys.readouterr().out == "1 rotated, 0 unknown, 0 busy, 0 under the first key already\n"


def test_commits_wait_for_the_disk_again_afterwards(keys: Any) -> None:
    rotate_keys()
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
