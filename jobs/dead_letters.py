"""The dead-letter queue: jobs that could not be done, with every attempt, until somebody resolves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from jobs.batch import GivenUp, NewJob
from jobs.ledger import Enqueued, enqueue
from jobs.models import Audit, DeadLetter, Job, Priority
from jobs.registry import Task
from jobs.sensitive import stored_text


class AlreadyResolved(Exception):
    """Somebody has resolved this dead letter already."""


@dataclass(frozen=True, slots=True)
class Burial:
    """What the dead-letter queue keeps of a job."""

    given_up: GivenUp
    traceback: str
    last_attempt_at: datetime
    status_code: int | None = None


def bury(burials: Sequence[Burial], task: Task) -> None:
    """Open a dead letter for each job and tell the task, in the transaction that ended the jobs."""
    if not burials:
        return
    enqueued_at = dict(
        Job.objects.filter(pk__in=[burial.given_up.id for burial in burials]).values_list("pk", "created_at")
    )
    DeadLetter.objects.bulk_create(
        [
            DeadLetter(
                job_id=burial.given_up.id,
                task=burial.given_up.task,
                tenant=burial.given_up.tenant,
                reason=burial.given_up.reason,
                error_code=burial.given_up.error_code,
                error_message=stored_text(burial.given_up.error_message, payload=burial.given_up.payload, task=task),
                traceback=stored_text(burial.traceback, payload=burial.given_up.payload, task=task),
                enqueued_at=enqueued_at[burial.given_up.id],
                last_attempt_at=burial.last_attempt_at,
            )
            for burial in burials
        ]
    )
    if task.on_give_up is not None:
        task.on_give_up([burial.given_up for burial in burials])


def retry_dead_letter(dead_letter_id: int, *, actor: str, reason: str) -> Enqueued:
    """Try the dead job again, as a new job that names the old one and starts with all its attempts.

    Raises:
        DeadLetter.DoesNotExist: there is no such dead letter.
        AlreadyResolved: it was retried or discarded before.
    """
    with transaction.atomic():
        letter = _resolve(dead_letter_id, DeadLetter.Resolution.RETRIED, actor=actor, reason=reason)
        return enqueue(again(letter.job, actor=actor, source="dlq-retry"), origin_id=letter.job_id)


def again(job: Job, *, actor: str, source: str) -> NewJob:
    """Return a job that tries the same as `job`, which is final, with all its attempts."""
    return NewJob(
        task=job.task,
        payload=job.payload,
        tenant=job.tenant,
        priority=Priority(job.priority),
        key=job.key,
        group=job.grp,
        gates=[key for key in (job.gate or "").split() if not key.startswith(("task:", "tenant:"))],
        meta={**job.meta, "source": source, "retried_at": timezone.now(), "by": actor},
    )


def discard_dead_letter(dead_letter_id: int, *, actor: str, reason: str) -> None:
    """Close the dead letter for good; its job and attempts stay on the ledger.

    Raises:
        DeadLetter.DoesNotExist: there is no such dead letter.
        AlreadyResolved: it was retried or discarded before.
    """
    with transaction.atomic():
        _resolve(dead_letter_id, DeadLetter.Resolution.DISCARDED, actor=actor, reason=reason)


def _resolve(dead_letter_id: int, resolution: DeadLetter.Resolution, *, actor: str, reason: str) -> DeadLetter:
    letter = DeadLetter.objects.select_for_update(of=("self",)).select_related("job").get(pk=dead_letter_id)
    if letter.resolution != DeadLetter.Resolution.OPEN:
        raise AlreadyResolved(f"{letter.resolution} by {letter.resolved_by} at {letter.resolved_at:%Y-%m-%d %H:%M}")
    letter.resolution = resolution
    letter.resolved_at = timezone.now()
    letter.resolved_by = actor
    letter.resolution_note = reason
    letter.save(update_fields=["resolution", "resolved_at", "resolved_by", "resolution_note"])
    Audit.objects.create(actor=actor, action=f"dead letter {resolution}", subject=f"job {letter.job_id}", reason=reason)
    return letter
