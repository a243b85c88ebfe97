"""The tasks of notifications: group what was told, send its mail, write the day's digests, forget what is old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task
from jobs.retry import Curve, RetryPolicy
from marketplace.notifications import digests, grouping, mailing, sweeping
from marketplace.notifications.models import Mail

# 30 s, 2 min, 8 min … up to six hours: about fifteen hours in all, the night that a mail server may be down.
MAIL_RETRIES = RetryPolicy(curve=Curve(first_s=30, factor=4, cap_s=6 * 3600, jitter=0.2))
# Of all tasks on the queue, so that none cuts another's claims short; a mail may take EMAIL_TIMEOUT.
BATCH = 8


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
    """Note that the jobs' mails were sent."""
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
    """Send each mail that was not sent yet."""
    mails = mailing.waiting_mails([job.payload["mail"] for job in batch])
    for job in batch:
        mail = mails.get(job.payload["mail"])
        if batch.is_stopping():
            batch.release(job)
        elif mail is not None:
            try:
                mailing.send(mailing.compose(mail))
            except JobError as error:
                batch.fail(job, error)
    batch.on_settle(bind(store_sent))


@task(queue="notify-seller", batch_size=BATCH, attempts=3)
def send_digests(batch: Batch) -> None:
    """Write the day's digests, and make up for what was never grouped; a second run writes nothing."""

    def store(jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            due_at = job.meta.get("due_at")
            now = datetime.fromisoformat(due_at) if due_at else timezone.now()
            grouping.make_overdue(now=timezone.now())
            digests.write_digests(now=now)

    batch.on_settle(store)


@effect
def store_sweep(_: Sequence[ClaimedJob], __: Any) -> None:
    """Delete what is old."""
    sweeping.sweep(now=timezone.now())


@task(queue="notify-seller", batch_size=BATCH, attempts=3)
def sweep_notifications(batch: Batch) -> None:
    """Delete notifications, mails and webhook messages whose time is over."""
    batch.on_settle(bind(store_sweep))
