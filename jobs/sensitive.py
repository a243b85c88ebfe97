"""What jobs of sensitive tasks carry: kept encrypted, opened for a handler and, on request, for staff."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.db import transaction

from jobs.batch import Batch
from jobs.models import Audit, DeadLetter, Job, JobLine
from jobs.privacy import redact_text, redacted, scrubbed
from jobs.registry import Task, UnknownTask, get_task
from jobs.sealing import UnknownEncryptionKey, is_sealed, is_sealed_text, opened, opened_text, seal_text

ENCRYPTED = "encrypted"
VIEW_SENSITIVE = "jobs.view_sensitive"
MAX_LINES = 1_000


class SensitiveIsHidden(PermissionDenied):
    """Seeing what a sensitive job carries needs the permission jobs.view_sensitive."""


def stored_text(text: str, *, payload: Any, task: Task | None) -> str:
    """Return an error message or a traceback as the ledger keeps it: redacted, and sealed for a sensitive task."""
    text = redact_text(text, payload=payload, pii=task.pii if task else ())
    return seal_text(text) if task is not None and task.sensitive else text


def readable(batch: Batch) -> Batch:
    """Fail the jobs whose payload no key opens; return the batch of the others, which shares its outcomes."""
    unreadable = [job for job in batch.jobs if is_sealed(job.payload)]
    if not unreadable:
        return batch
    for job in unreadable:
        batch.fail(job, UnknownEncryptionKey())
    return replace(batch, jobs=[job for job in batch.jobs if not is_sealed(job.payload)])


# --- what is shown ---------------------------------------------------------------------------------


def pii_of(task_name: str) -> Collection[str]:
    """Return the fields that the task declares as personal; none for a task that is not declared here."""
    try:
        return get_task(task_name).pii
    except UnknownTask:
        return ()


def shown_json(value: Any, *, task_name: str) -> Any:
    """Return a payload or a result for a list, a page or an export: redacted, or only that it is encrypted."""
    return {ENCRYPTED: True} if is_sealed(value) else redacted(value, pii=pii_of(task_name))


def shown_text(text: str, *, payload: Any, task_name: str) -> str:
    """Return an error message or a traceback for a list, a page or an export: redacted, or that it is encrypted."""
    return f"({ENCRYPTED})" if is_sealed_text(text) else redact_text(text, payload=payload, pii=pii_of(task_name))


def shown_line(message: str) -> str:
    """Return what a job said, for a page or an answer: without e-mail addresses, or that it is encrypted."""
    return f"({ENCRYPTED})" if is_sealed_text(message) else scrubbed(message)


@dataclass(frozen=True, slots=True)
class Revealed:
    """All that a sensitive job carries, opened."""

    payload: Any
    result: Any
    error_message: str
    attempts: Sequence[tuple[int, str, str]]  # number, error message, traceback
    traceback: str
    lines: Sequence[str]


def has_sensitive(job: Job) -> bool:
    """Tell whether something of the job's own row is encrypted."""
    return is_sealed(job.payload) or is_sealed(job.result) or is_sealed_text(job.error_message)


def may_see_sensitive(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether the user may ask for what sensitive jobs carry."""
    return isinstance(user, PermissionsMixin) and user.is_active and user.has_perm(VIEW_SENSITIVE)


def reveal(job_id: int, *, user: AbstractBaseUser | AnonymousUser, reason: str) -> Revealed:
    """Open what a sensitive job carries, for a person who says why; the audit keeps who and why.

    Raises:
        SensitiveIsHidden: the user lacks the permission jobs.view_sensitive.
        Job.DoesNotExist: there is no such job.
        UnknownEncryptionKey: none of the keys opens it.
    """
    if not may_see_sensitive(user):
        raise SensitiveIsHidden
    with transaction.atomic():
        job = Job.objects.get(pk=job_id)
        Audit.objects.create(
            actor=user.get_username(), action="reveal sensitive job", subject=f"job {job_id}", reason=reason
        )
        letter = DeadLetter.objects.filter(job_id=job_id).first()
        return Revealed(
            payload=opened(job.payload),
            result=opened(job.result),
            error_message=opened_text(job.error_message),
            attempts=[
                (attempt.attempt, opened_text(attempt.error_message), opened_text(attempt.traceback))
                for attempt in job.attempts.all()
            ],
            traceback=opened_text(letter.traceback) if letter else "",
            lines=[opened_text(line.message) for line in JobLine.objects.filter(job_id=job_id)[:MAX_LINES]],
        )
