"""Digests: one mail a day of what a seller does not want at once."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from jobs.batch import NewJob
from jobs.ledger import enqueue
from marketplace.models import Seller
from marketplace.notifications.kinds import MailMode
from marketplace.notifications.models import Mail, Notification

DIGEST_HOUR = 6  # UTC


class Written(NamedTuple):
    """How many digests are new, and how many sellers were looked at for it."""

    new: int
    looked_at: int


def write_digests(*, now: datetime, at_most: int | None = None) -> Written:
    """Write digests of the day that `now` is in, from DIGEST_HOUR on, each in a transaction.

    Where `at_most` sellers were looked at, there may be more. A seller has one a day, which a constraint keeps; what
    comes later in the day waits for the next.
    """
    if now.hour < DIGEST_HOUR or not settings.SENDS_MAIL:
        return Written(0, looked_at=0)
    waiting = Notification.objects.filter(mail=None, mail_mode=MailMode.DIGEST, created_at__lt=now)
    had = Mail.objects.filter(digest_on=now.date()).values("seller")
    due = Seller.objects.filter(pk__in=waiting.exclude(seller__in=had).values("seller")).exclude(email="")
    sellers = list(due.order_by("pk")[:at_most])
    return Written(sum(_write_digest(seller, now=now) for seller in sellers), looked_at=len(sellers))


@transaction.atomic
def _write_digest(seller: Seller, *, now: datetime) -> bool:
    mail, is_new = Mail.objects.get_or_create(seller=seller, digest_on=now.date(), defaults={"to": seller.email})
    if is_new:
        waiting = Notification.objects.filter(seller=seller, mail=None, mail_mode=MailMode.DIGEST, created_at__lt=now)
        waiting.update(mail=mail)
        enqueue(NewJob("send-mail", {"mail": mail.pk}, tenant=seller.tenant, key=str(mail.pk)))
    return is_new
