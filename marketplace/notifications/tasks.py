"""The tasks of notifications: group what was told, send its mail, write the day's digests, forget what is old."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task
from jobs.retry import Curve, RetryPolicy
from marketplace.history import run_sweep
from marketplace.notifications import digests, grouping, mailing, sweeping
from marketplace.notifications.models import Mail

logger = logging.getLogger(__name__)

# 30 s, 2 min, 8 min … up to six hours: about fifteen hours in all, the night that a mail server may be down.
MAIL_RETRIES = RetryPolicy(curve=Curve(first_s=30, factor=4, cap_s=6 * 3600, jitter=0.2))
# Of all tasks on the queue, so that none cuts another's claims short; a mail may take EMAIL_TIMEOUT.
BATCH = 8
# Digests, and what is overdue, of one run: seconds of work.
AT_ONCE = 200


@effect
def store_notifications(jobs: Sequence[ClaimedJob], _: Any) -> None:
    """Make the notifications of the jobs' entries."""
    waits = {job.payload["entry"]: job.payload.get("waits", 0) for job in jobs}
    grouping.make_notifications(waits, now=timezone.now())


@task(queue="notify-seller", batch_size=BATCH, attempts=8, subject=["entry"])
def notify_seller(batch: Batch) -> None:
    """Make one notification of all that happened of a kind since the job's entry; a second run makes nothing."""
    batch.on_settle(bind(store_notifications))


def give_up_on_mail(given_up: Sequence[GivenUp]) -> None:
    """Keep why a mail could not be sent; what it says stands in the seller's list all the same."""
    for job in given_up:
        Mail.objects.filter(pk=job.payload["mail"]).exclude(state=Mail.State.SENT).update(
            state=Mail.State.GIVEN_UP, error_code=job.error_code, error_message=job.error_message
        )


@effect
def store_sent(jobs: Sequence[ClaimedJob], _: Any) -> None:
    """Note that the jobs' mails were sent, where that could not be noted at once."""
    mailing.record_sent([job.payload["mail"] for job in jobs], now=timezone.now())


@task(
    queue="notify-seller",
    batch_size=BATCH,
    attempts=8,
    retry=MAIL_RETRIES,
    subject=["mail"],
    on_give_up=give_up_on_mail,
)
def send_mail(batch: Batch) -> None:
    """Send each mail that was not sent yet, and note it before the next.

    A mail comes twice only when the worker is killed, or PostgreSQL goes away and the worker with it, after the mail
    server has taken the mail and before that is noted: some milliseconds. It has its old Message-ID then.
    """
    can_note = True
    for job in batch:
        if batch.is_stopping() or not can_note:
            batch.release(job)
            continue
        mail = mailing.waiting_mail(job.payload["mail"])
        if mail is None:
            continue
        try:
            mailing.send(mailing.compose(mail))
        except JobError as error:
            batch.fail(job, error)
        else:
            can_note = _note_sent(mail)
    batch.on_settle(bind(store_sent))


def _note_sent(mail: Mail) -> bool:
    """Note that a mail was sent; False while PostgreSQL is away: the settlement, which outlasts that, notes it then."""
    try:
        mailing.record_sent([mail.pk], now=timezone.now())
    except (OperationalError, InterfaceError):
        logger.warning("a mail that was sent is noted later", extra={"mail": mail.pk}, exc_info=True)
        return False
    return True


@task(queue="notify-seller", batch_size=BATCH, attempts=3)
def send_digests(batch: Batch) -> None:
    """Write the day's digests, and make up for what was never grouped; a second run writes nothing.

    Each is written in a transaction of its own. Where there are more than one run writes, a job that follows goes on.
    """
    for job in batch:
        if batch.is_stopping():
            batch.release(job)
            continue
        due_at = job.meta.get("due_at")
        now = datetime.fromisoformat(due_at) if due_at else timezone.now()
        overdue = grouping.make_overdue(now=timezone.now(), at_most=AT_ONCE)
        written = digests.write_digests(now=now, at_most=AT_ONCE)
        has_more = AT_ONCE in (overdue.looked_at, written.looked_at)
        follow_ups = [NewJob("send-digests", job.payload)] if has_more else []
        batch.complete(job, result={"overdue": len(overdue.made), "digests": written.new}, then=follow_ups)


@task(queue="sync-seller", attempts=3)
def sweep_notifications(batch: Batch) -> None:
    """Delete notifications, mails and webhook messages whose time is over; running twice deletes no more."""
    run_sweep(batch, sweeping.sweep)
