"""Bulk retries: all open dead letters that match, tried again in the background.

A few go first, the canary. When all of them are final and none failed again, the others follow at the chosen pace;
else the bulk retry is held, until somebody lets it go on or stops it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from jobs import audit
from jobs.dead_letters import again, free_keys_of
from jobs.ledger import enqueue_many
from jobs.models import LIVE_STATES, BulkRetry, DeadLetter, Job, State
from jobs.registry import all_tasks
from jobs.selection import LetterFilter, open_letters_matching

logger = logging.getLogger(__name__)

CANARY = 10
RATE_PER_S = 50.0
MAX_RATE_PER_S = 800.0
MAX_A_STEP = 200  # four steps a second

_NAME_ORIGINS = """
UPDATE jobs_job SET origin_id = named.origin_id
  FROM unnest(%s::bigint[], %s::bigint[]) AS named (id, origin_id)
 WHERE jobs_job.id = named.id
"""


class NothingToRetry(Exception):
    """No open dead letter matches."""


class NotHeld(Exception):
    """Only a bulk retry that is held can go on."""


class HasEnded(Exception):
    """The bulk retry has ended already."""


def start_bulk_retry(
    wanted: LetterFilter, *, actor: str, reason: str, rate_per_s: float = RATE_PER_S, canary: int = CANARY
) -> BulkRetry:
    """Begin to retry all open dead letters that match now.

    Args:
        wanted: which ones.
        actor: who asks for it.
        reason: why.
        rate_per_s: how many a second, after the canary.
        canary: how many go first; 0 for none.

    Raises:
        NothingToRetry: none matches.
    """
    with transaction.atomic():
        total = open_letters_matching(wanted).count()
        if not total:
            raise NothingToRetry((NothingToRetry.__doc__ or "").strip())
        audit.record(
            actor=actor,
            action="bulk retry",
            subject="dead letters",
            reason=reason,
            matching=wanted.as_json(),
            count=total,
        )
        return BulkRetry.objects.create(
            filter=wanted.as_json(),
            state=BulkRetry.State.CANARY if canary else BulkRetry.State.RUNNING,
            canary=canary,
            rate_per_s=rate_per_s,
            total=total,
            actor=actor,
            reason=reason,
        )


def continue_bulk_retry(bulk_id: int, *, actor: str, reason: str, now: datetime) -> BulkRetry:
    """Let a held bulk retry go on, although some of its canary failed.

    Raises:
        BulkRetry.DoesNotExist: there is no such bulk retry.
        NotHeld: it is not held.
    """
    with transaction.atomic():
        bulk = BulkRetry.objects.select_for_update().get(pk=bulk_id)
        if bulk.state != BulkRetry.State.HELD:
            raise NotHeld(f"bulk retry {bulk_id} is {bulk.state}")
        audit.record(actor=actor, action="continue bulk retry", subject=str(bulk), reason=reason)
        return _move(bulk, BulkRetry.State.RUNNING, now=now)


def stop_bulk_retry(bulk_id: int, *, actor: str, reason: str, now: datetime) -> BulkRetry:
    """End a bulk retry early; what it has retried stays retried.

    Raises:
        BulkRetry.DoesNotExist: there is no such bulk retry.
        HasEnded: it is over.
    """
    with transaction.atomic():
        bulk = BulkRetry.objects.select_for_update().get(pk=bulk_id)
        if bulk.finished_at is not None:
            raise HasEnded(f"bulk retry {bulk_id} is {bulk.state}")
        audit.record(actor=actor, action="stop bulk retry", subject=str(bulk), reason=reason, count=bulk.retried)
        return _move(bulk, BulkRetry.State.STOPPED, now=now)


def advance_bulk_retries(*, now: datetime) -> int:
    """Take each bulk retry one small step further; return how many dead letters that retried.

    The dispatcher's tick calls it. A step is one transaction, and does nothing twice.
    """
    retried = 0
    moving = [BulkRetry.State.CANARY, BulkRetry.State.RUNNING]
    for pk in BulkRetry.objects.filter(state__in=moving).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            bulk = BulkRetry.objects.select_for_update().filter(pk=pk, state__in=moving).first()
            if bulk is not None:
                retried += _advance(bulk, now=now)
    return retried


def _advance(bulk: BulkRetry, *, now: datetime) -> int:
    if bulk.state == BulkRetry.State.RUNNING:
        return _run(bulk, now=now)
    if not bulk.canary_jobs:
        bulk.canary_jobs = _retry_next(bulk, bulk.canary, now=now)
        _move(bulk, BulkRetry.State.CANARY if bulk.canary_jobs else BulkRetry.State.FINISHED, now=now)
        return len(bulk.canary_jobs)
    # A job that is no longer there was completed: the ledger keeps what failed as long as its dead letter.
    states = set(Job.objects.filter(pk__in=bulk.canary_jobs).values_list("state", flat=True))
    if not states & set(LIVE_STATES):
        has_failed = bool(states & {State.FAILED, State.DEAD})
        _move(bulk, BulkRetry.State.HELD if has_failed else BulkRetry.State.RUNNING, now=now)
    return 0


def _run(bulk: BulkRetry, *, now: datetime) -> int:
    if now < bulk.moved_at:  # written by a machine whose clock is ahead of ours: count from now, or wait for that time
        bulk.moved_at = now
        bulk.save(update_fields=["moved_at"])
    allowed = int((now - bulk.moved_at).total_seconds() * bulk.rate_per_s)
    if allowed < 1:
        return 0
    count = min(allowed, MAX_A_STEP)
    retried = _retry_next(bulk, count, now=now)
    is_capped = count < allowed  # what a slow tick missed is not made up for in a burst
    bulk.moved_at = now if is_capped else bulk.moved_at + timedelta(seconds=count / bulk.rate_per_s)
    bulk.save(update_fields=["moved_at"])
    if len(retried) < count:
        _move(bulk, BulkRetry.State.FINISHED, now=now)
    return len(retried)


def _retry_next(bulk: BulkRetry, count: int, *, now: datetime) -> list[int]:
    """Retry the next `count` letters; return the new jobs' ids, fewer than `count` when there are no more."""
    letters = list(
        open_letters_matching(LetterFilter(**bulk.filter))
        .filter(
            pk__gt=bulk.last_letter_id,
            created_at__lte=bulk.created_at,  # not those of the jobs that it starts
            task__in=[task.name for task in all_tasks()],
        )
        .select_related("job")
        .select_for_update(of=("self",))
        .order_by("pk")[:count]
    )
    if not letters:
        return []
    new_ids = _enqueue_again(letters, actor=bulk.actor)
    DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(
        resolution=DeadLetter.Resolution.RETRIED,
        resolved_at=now,
        resolved_by=bulk.actor,
        resolution_note=f"{bulk}: {bulk.reason}",
    )
    bulk.last_letter_id = letters[-1].pk
    bulk.retried += len(letters)
    bulk.save(update_fields=["last_letter_id", "retried"])
    return new_ids


def _enqueue_again(letters: Sequence[DeadLetter], *, actor: str) -> list[int]:
    free_keys_of([letter.job_id for letter in letters])
    answers = enqueue_many([again(letter.job, actor=actor, source="dlq-retry") for letter in letters])
    fresh = [
        (answer.job_id, letter.job_id)
        for answer, letter in zip(answers, letters, strict=True)
        if not answer.is_duplicate
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NAME_ORIGINS, [[job_id for job_id, _ in fresh], [origin_id for _, origin_id in fresh]])
    return [answer.job_id for answer in answers]


def _move(bulk: BulkRetry, state: BulkRetry.State, *, now: datetime) -> BulkRetry:
    if state != bulk.state:
        logger.info("bulk retry is %s", state, extra={"bulk_retry": bulk.pk, "retried": bulk.retried})
    bulk.state = state
    bulk.moved_at = now
    if state in (BulkRetry.State.FINISHED, BulkRetry.State.STOPPED):
        bulk.finished_at = now
    bulk.save(update_fields=["state", "moved_at", "finished_at", "canary_jobs"])
    return bulk
