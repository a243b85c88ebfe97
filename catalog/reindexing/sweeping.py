"""Collections that nobody searches any more are taken away after a while."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from catalog import index
from catalog.models import SearchIndex

KEPT = timedelta(hours=1)  # a process that has not heard of the change still asks the old index

State = SearchIndex.State


def drop_old_indexes() -> list[int]:
    """Drop the collections of indexes that ended more than an hour ago; return their rows' ids.

    Collections that the active index or the one in the making has in common with them stay.
    """
    over = timezone.now() - KEPT
    given_up = Q(state__in=[State.FAILED, State.CANCELLED], finished_at__lt=over)
    old = SearchIndex.objects.filter(given_up | Q(state=State.RETIRED, retired_at__lt=over), dropped_at=None)
    dropped = []
    for row in old.order_by("id"):
        with index.write_lock():
            used = SearchIndex.objects.filter(state__in=[State.ACTIVE, State.BUILDING])
            if row.fingerprint and not used.filter(fingerprint=row.fingerprint).exists():
                index.drop_collection(row.fingerprint)
            pictures = row.picture_fingerprint
            if pictures and not used.filter(picture_fingerprint=pictures).exists():
                index.drop_collection(pictures, index.Kind.PICTURES)
            SearchIndex.objects.filter(pk=row.pk).update(dropped_at=timezone.now())
        dropped.append(row.pk)
    return dropped
