"""The tasks of accounts: mails with a way in. Who asked for one has had the same answer whatever comes of it."""

from collections.abc import Callable
from typing import Any

from jobs.batch import Batch, ClaimedJob
from jobs.registry import task
from marketplace.accounts.asking import mail_new_password as send_new_password
from marketplace.accounts.members import invite_registered
from marketplace.notifications.tasks import BATCH, MAIL_RETRIES

# Somebody waits for it: five tries take three quarters of an hour, then another is asked for.
WAITED_FOR: dict[str, Any] = {
    "queue": "notify-seller",
    "batch_size": BATCH,
    "attempts": 5,
    "retry": MAIL_RETRIES,
    "keep_completed": 0,
}


@task(**WAITED_FOR)
def mail_login(batch: Batch) -> None:
    """Mail each address the links to act for its shops; killed in between, it mails the same ones again."""
    _mail_each(batch, lambda job: invite_registered(job.payload["email"], occasion=f"job {job.id}"))


@task(**WAITED_FOR)
def mail_new_password(batch: Batch) -> None:
    """Mail each member a link to a new password; killed in between, it mails another: the one used first holds."""
    _mail_each(batch, lambda job: send_new_password(job.payload["email"]))


def _mail_each(batch: Batch, mail: Callable[[ClaimedJob], object]) -> None:
    for job in batch:
        if batch.is_stopping():
            batch.release(job)
            continue
        try:
            mail(job)
        except Exception as error:  # noqa: BLE001 it is this job's alone: raised, it would have the others mail again
            batch.fail(job, error)
