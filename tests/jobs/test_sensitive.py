"""What a sensitive job carries is read by its handler, and by staff who may and say why."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.utils import timezone

from jobs.batch import NewJob
from jobs.dead_letters import retry_dead_letter
from jobs.execution import run_once
from jobs.journal import journal
from jobs.ledger import enqueue
from jobs.models import Audit, DeadLetter, Job, JobAttempt, JobLine, State
from jobs.sealing import is_sealed, is_sealed_text, opened, opened_text
from jobs.sensitive import SensitiveIsHidden, has_sensitive, reveal, shown_json, shown_line, shown_text
from jobs.session import Session

pytestmark = pytest.mark.django_db
SECRET = "a-very-secret-thing"


def texts_of(job_id: int) -> str:
    """Return all that the database keeps of the job, as one text."""
    rows: list[Any] = [
        *Job.objects.filter(pk=job_id).values(),
        *JobAttempt.objects.filter(job_id=job_id).values(),
        *DeadLetter.objects.filter(job_id=job_id).values(),
        *JobLine.objects.filter(job_id=job_id).values(),
    ]
    return str(rows)


def test_a_handler_reads_what_the_database_cannot(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("keep-secret", {"n": SECRET})).job_id
    assert SECRET not in texts_of(job_id)
    drain()
    journal().flush()
    job = Job.objects.get(pk=job_id)
    assert job.state == State.COMPLETED
    assert SECRET not in texts_of(job_id)
    assert opened(job.result) == {"n": SECRET}
    assert [opened_text(line.message) for line in job.lines.all()] == [f"keeping {SECRET}"]


def test_a_failure_is_kept_and_told_to_nobody(drain: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    job_id = enqueue(NewJob("keep-secret", {"fail": SECRET})).job_id
    drain()
    job, letter = Job.objects.get(pk=job_id), DeadLetter.objects.get()
    assert job.state == State.FAILED
    assert SECRET not in texts_of(job_id)
    assert SECRET not in caplog.text
    assert (opened_text(job.error_message), opened_text(letter.error_message)) == (SECRET, SECRET)
    assert f"PermanentError: {SECRET}" in opened_text(job.attempts.get().traceback)


def test_a_bug_in_a_batch_is_told_without_what_it_says(
    session: Session, drain: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    ids = [enqueue(NewJob("keep-secret", {"bug": SECRET})).job_id for _ in range(2)]
    run_once("workload", session=session, limit=2)
    assert "a batch broke" in caplog.text
    drain()
    assert SECRET not in caplog.text
    assert [Job.objects.get(pk=job_id).state for job_id in ids] == [State.DEAD] * 2
    assert not any(SECRET in texts_of(job_id) for job_id in ids)


def test_a_retry_from_the_dead_letters_reads_the_same(drain: Callable[[], None]) -> None:
    enqueue(NewJob("keep-secret", {"fail": SECRET}))
    drain()
    again = retry_dead_letter(DeadLetter.objects.get().pk, actor="ada", reason="mended").job_id
    assert opened(Job.objects.get(pk=again).payload) == {"fail": SECRET}
    drain()
    assert opened_text(Job.objects.get(pk=again).error_message) == SECRET


def test_a_job_that_no_key_opens_fails_alone(drain: Callable[[], None], settings: Any) -> None:
    lost = enqueue(NewJob("keep-secret", {"n": 1})).job_id
    settings.JOB_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    fine = enqueue(NewJob("keep-secret", {"n": 2})).job_id
    drain()
    job = Job.objects.get(pk=lost)
    assert (job.state, job.error_code) == (State.FAILED, "jobs.unknown_encryption_key")
    assert opened(Job.objects.get(pk=fine).result) == {"n": 2}
    assert job.attempts.get().family == "permanent"


def test_an_ordinary_job_is_kept_as_it_is(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("act", {"subject": "x"})).job_id
    drain()
    job = Job.objects.get(pk=job_id)
    assert (job.payload, job.state) == ({"subject": "x"}, State.COMPLETED)
    assert not has_sensitive(job)


def test_pages_and_answers_show_that_it_is_encrypted(drain: Callable[[], None]) -> None:
    job_id = enqueue(NewJob("keep-secret", {"fail": SECRET})).job_id
    drain()
    job = Job.objects.get(pk=job_id)
    assert has_sensitive(job)
    assert shown_json(job.payload, task_name=job.task) == {"encrypted": True}
    assert shown_text(job.error_message, payload=job.payload, task_name=job.task) == "(encrypted)"
    assert shown_line(job.error_message) == "(encrypted)"


def test_pages_and_answers_mask_what_the_task_declares_and_the_usual() -> None:
    payload = {"guest": "Ada Lovelace", "email": "a@b.example", "n": 1}
    assert shown_json(payload, task_name="keep-secret") == {"guest": "[redacted]", "email": "[redacted]", "n": 1}
    assert shown_json(payload, task_name="long-gone")["guest"] == "Ada Lovelace"
    text = "no room for Ada Lovelace, a@b.example"
    assert shown_text(text, payload=payload, task_name="keep-secret") == "no room for [redacted], [redacted]"
    assert shown_line("told a@b.example") == "told [redacted]"


@pytest.fixture
def failed(drain: Callable[[], None]) -> int:
    """A sensitive job that failed."""
    job_id = enqueue(NewJob("keep-secret", {"fail": SECRET})).job_id
    drain()
    JobLine.objects.create(job_id=job_id, message="a plain line", at=timezone.now())
    return job_id


def test_staff_with_the_permission_see_it_and_leave_a_trace(failed: int) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    ada.user_permissions.add(Permission.objects.get(codename="view_sensitive", content_type__app_label="jobs"))
    shown = reveal(failed, user=ada, reason="a customer asked")
    assert (shown.payload, shown.result, shown.error_message) == ({"fail": SECRET}, None, SECRET)
    assert [(number, message) for number, message, _ in shown.attempts] == [(1, SECRET)]
    assert SECRET in shown.traceback
    assert shown.lines == ["a plain line"]
    audit = Audit.objects.get(action="reveal sensitive job")
    assert (audit.actor, audit.subject, audit.reason) == ("ada", f"job {failed}", "a customer asked")


def test_others_see_nothing_and_leave_no_trace(failed: int) -> None:
    staff = User.objects.create_user("bob", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_job", content_type__app_label="jobs"))
    gone = User.objects.create_superuser("eve", is_active=False)
    for user in (staff, gone, AnonymousUser()):
        with pytest.raises(SensitiveIsHidden):
            reveal(failed, user=user, reason="curious")
    assert not Audit.objects.filter(action="reveal sensitive job").exists()


def test_a_job_that_is_not_there_cannot_be_revealed() -> None:
    with pytest.raises(Job.DoesNotExist):
        reveal(0, user=User.objects.create_superuser("ada"), reason="curious")
    assert not Audit.objects.exists()


def test_the_ledger_tells_sealed_from_plain(failed: int) -> None:
    job = Job.objects.get(pk=failed)
    assert is_sealed(job.payload)
    assert is_sealed_text(job.error_message)
