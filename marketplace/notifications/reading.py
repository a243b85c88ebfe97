"""A seller's list of notifications: what is new, all that one is about, and what was read."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from marketplace.notifications.grouping import subjects_of
from marketplace.notifications.models import Notification

MAX_COUNTED = 100


def notifications_of(seller_id: int) -> QuerySet[Notification]:
    """Find what a seller was told, newest first."""
    return Notification.objects.filter(seller=seller_id).order_by("-id")


def unread_of(seller_id: int) -> QuerySet[Notification]:
    """Find what a seller has not read yet, newest first."""
    return notifications_of(seller_id).filter(read_at=None)


def unread_count(seller_id: int) -> int:
    """Count what a seller has not read yet, up to 100."""
    return unread_of(seller_id)[:MAX_COUNTED].count()


def all_subjects(notification: Notification) -> list[dict[str, Any]]:
    """Return all that a notification is about, as it was when it was made."""
    return subjects_of(notification.entries.order_by("pk"))


def mark_read(seller_id: int, *, ids: Collection[int] | None = None, up_to: int | None = None) -> int:
    """Note that a seller has read these, or all up to an id; return how many were unread."""
    unread = Notification.objects.filter(seller=seller_id, read_at=None)
    if ids is not None:
        unread = unread.filter(pk__in=list(ids))
    if up_to is not None:
        unread = unread.filter(pk__lte=up_to)
    return unread.update(read_at=timezone.now())
