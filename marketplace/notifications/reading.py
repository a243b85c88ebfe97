"""A seller's list of notifications: what is new, all that one is about, and what was read."""

import json
from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from marketplace.notifications.models import Notification, OutboxEntry
from marketplace.notifications.telling import IDENTIFIED_BY

MAX_COUNTED = 100
_IDENTITY = ", ".join(f"'{field} ' || (subject ->> '{field}')" for field in IDENTIFIED_BY)
# As grouping.subjects_of does, but in the database: a sync may tell of a hundred thousand products at once.
_SUBJECTS = f"""
SELECT subject
  FROM (SELECT DISTINCT ON (identity) subject, entry, number
          FROM (SELECT subject, it.id AS entry, number, COALESCE({_IDENTITY}, it.id || '.' || number) AS identity
                  FROM {OutboxEntry._meta.db_table} it,
                       jsonb_array_elements(it.subjects) WITH ORDINALITY AS parts (subject, number)
                 WHERE it.notification_id = %s) told
         ORDER BY identity, entry DESC, number DESC) latest
 ORDER BY entry, number LIMIT %s OFFSET %s
"""  # noqa: S608 of our own names


def notifications_of(seller_id: int) -> QuerySet[Notification]:
    """Find what a seller was told, newest first."""
    return Notification.objects.filter(seller=seller_id).order_by("-id")


def unread_of(seller_id: int) -> QuerySet[Notification]:
    """Find what a seller has not read yet, newest first."""
    return notifications_of(seller_id).filter(read_at=None)


def unread_count(seller_id: int) -> int:
    """Count what a seller has not read yet, up to 100."""
    return unread_of(seller_id)[:MAX_COUNTED].count()


def subjects_told(notification: Notification, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Return what a notification is about, as it was when it was made, `limit` subjects from the one at `offset`.

    Each is there once, as it was told of last, and in the order of that; there are `notification.count` in all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUBJECTS, [notification.pk, limit, offset])
        return [json.loads(subject) for (subject,) in cursor.fetchall()]


def mark_read(seller_id: int, *, ids: Collection[int] | None = None, up_to: int | None = None) -> int:
    """Note that a seller has read these, or all up to an id; return how many were unread."""
    unread = Notification.objects.filter(seller=seller_id, read_at=None)
    if ids is not None:
        unread = unread.filter(pk__in=list(ids))
    if up_to is not None:
        unread = unread.filter(pk__lte=up_to)
    return unread.update(read_at=timezone.now())
