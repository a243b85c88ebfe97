"""Make notifications of what is told: one of all that is of a kind, its mail, and its webhooks."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from jobs.batch import NewJob
from jobs.ledger import enqueue
from marketplace.models import Seller, SyncRun
from marketplace.notifications.kinds import MANNERS, Kind, MailMode
from marketplace.notifications.models import Mail, MailPreference, Notification, OutboxEntry
from marketplace.notifications.telling import GROUPED_WITHIN_S, IDENTIFIED_BY
from marketplace.webhooks.publishing import publish_webhooks

EXAMPLES = 10
REASONS = 10
# What waits for the end of a sync waits no longer than this: catalogs that are read politely take hours.
HELD_AT_MOST = timedelta(hours=1)
# Entries whose own job came to nothing are made up for after this.
OVERDUE_AFTER = timedelta(hours=2)


def make_notifications(waits_by_entry: Mapping[int, int], *, now: datetime) -> list[Notification]:
    """Make the notifications that these entries of the outbox call for; call it in the transaction that ends the jobs.

    Each entry has a job of its own, due a minute after it; that of the oldest one takes all that came since. So an
    entry that commits late is never left behind, and running twice makes nothing twice.

    Args:
        waits_by_entry: the entries by id, and how often the job of each has waited for the end of a sync.
        now: the time.
    """
    told = OutboxEntry.objects.filter(pk__in=list(waits_by_entry), notification=None)
    groups = sorted(set(told.values_list("seller_id", "kind")))
    return [
        made
        for seller_id, kind in groups
        if (made := _make_one(seller_id, Kind(kind), waits_by_entry=waits_by_entry, now=now)) is not None
    ]


class Overdue(NamedTuple):
    """The notifications that were made up for, and how many groups of entries were looked at for it."""

    made: list[Notification]
    looked_at: int


def make_overdue(*, now: datetime, at_most: int | None = None) -> Overdue:
    """Make notifications whose own jobs came to nothing, each in a transaction of its own.

    Looks at `at_most` groups, all by default; where it is as many, there may be more, also if another run was faster
    with some. Kinds of a later version are left to it.
    """
    told = OutboxEntry.objects.filter(notification=None, told_at__lt=now - OVERDUE_AFTER, kind__in=list(Kind))
    groups = list(told.order_by("seller_id", "kind").values_list("seller_id", "kind").distinct()[:at_most])
    made = [_make_alone(seller_id, Kind(kind), now=now) for seller_id, kind in groups]
    return Overdue([it for it in made if it is not None], looked_at=len(groups))


@transaction.atomic
def _make_alone(seller_id: int, kind: Kind, *, now: datetime) -> Notification | None:
    return _make_one(seller_id, kind, waits_by_entry={}, now=now)


def _make_one(seller_id: int, kind: Kind, *, waits_by_entry: Mapping[int, int], now: datetime) -> Notification | None:
    entries = list(
        OutboxEntry.objects.filter(seller=seller_id, kind=kind, notification=None).order_by("pk").select_for_update()
    )
    if not entries:  # somebody else was faster
        return None
    oldest = entries[0]
    is_own = oldest.pk in waits_by_entry
    age = now - oldest.told_at
    if not is_own and age < timedelta(seconds=GROUPED_WITHIN_S):
        return None
    if MANNERS[kind].waits_for_sync and age < HELD_AT_MOST and _has_running_sync(seller_id):
        if is_own:
            _wait(oldest, waits=waits_by_entry[oldest.pk] + 1)
        return None
    seller = Seller.objects.get(pk=seller_id)
    notification = _notification(seller, kind, entries)
    OutboxEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(notification=notification)
    if notification.mail_mode == MailMode.INSTANT:
        mail_instantly(notification, to=seller.email)
    publish_webhooks(notification, subjects=subjects_of(entries))
    return notification


def _has_running_sync(seller_id: int) -> bool:
    return SyncRun.objects.filter(seller=seller_id, status=SyncRun.Status.RUNNING).exists()


def _wait(entry: OutboxEntry, *, waits: int) -> None:
    enqueue(
        NewJob(
            "notify-seller",
            {"entry": entry.pk, "waits": waits},
            tenant=str(entry.seller_id),
            key=f"{entry.pk}:{waits}",
            delay_s=GROUPED_WITHIN_S,
        )
    )


def _notification(seller: Seller, kind: Kind, entries: Collection[OutboxEntry]) -> Notification:
    subjects = subjects_of(entries)
    return Notification.objects.create(
        seller=seller,
        kind=kind,
        count=len(subjects),
        examples=subjects[:EXAMPLES],
        reasons=_reasons(subjects),
        facts={name: value for entry in entries for name, value in entry.facts.items()},
        mail_mode=mail_mode(seller, kind),
    )


def subjects_of(entries: Iterable[OutboxEntry]) -> list[dict[str, Any]]:
    """Return what entries are about, each subject once, as the last of them says it."""
    subjects: dict[object, dict[str, Any]] = {}
    for entry in entries:
        for number, subject in enumerate(entry.subjects):
            identity = next(
                ((field, subject[field]) for field in IDENTIFIED_BY if field in subject), (entry.pk, number)
            )
            subjects.pop(identity, None)
            subjects[identity] = subject
    return list(subjects.values())


def _reasons(subjects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Count the reasons that subjects carry, the most frequent first."""
    counted: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        code = subject.get("reason", "")
        if code:
            said = {"code": code, "message": subject.get("message", ""), "remedy": subject.get("remedy", "")}
            counted[code] = {**said, "count": counted.get(code, {"count": 0})["count"] + 1}
    return sorted(counted.values(), key=lambda reason: -reason["count"])[:REASONS]


def mail_mode(seller: Seller, kind: Kind) -> MailMode:
    """Tell when a kind is mailed to a seller."""
    if not (settings.SENDS_MAIL and seller.email):
        return MailMode.OFF
    chosen = MailPreference.objects.filter(seller=seller, kind=kind).values_list("mode", flat=True).first()
    return MailMode(chosen) if chosen else MANNERS[kind].mail


@transaction.atomic
def mail_instantly(notification: Notification, *, to: str) -> Mail:
    """Write a mail of one notification, and the job that sends it."""
    mail = Mail.objects.create(seller_id=notification.seller_id, to=to)
    notification.mail = mail
    notification.save(update_fields=["mail"])
    enqueue(NewJob("send-mail", {"mail": mail.pk}, tenant=str(mail.seller_id), key=str(mail.pk)))
    return mail
