"""Which businesses lack the vector that they should have, and how they get it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from marketplace.directory import MAX_BULK, Occasion, follow_seller, request_embeddings
from marketplace.models import DirectoryEntry, Seller

# A job that was cancelled leaves its business queued. Where the job still waits, asking again is answered with it.
LOST_AFTER = timedelta(hours=1)


def stale_entries(*, fingerprint: str, now: datetime) -> QuerySet[DirectoryEntry]:
    """Find businesses without a vector of this fingerprint for which no job is known to be on its way.

    Those that failed are not among them: they wait in the dead-letter queue for somebody to look.
    """
    statuses = DirectoryEntry.Embedding
    return DirectoryEntry.objects.filter(
        Q(embedding_status=statuses.NONE)
        | Q(embedding_status=statuses.DONE) & ~Q(embedding_fingerprint=fingerprint)
        | Q(embedding_status=statuses.QUEUED, updated_at__lt=now - LOST_AFTER)
    )


def refresh_directory(*, fingerprint: str, occasion: Occasion, now: datetime) -> int:
    """Give sellers who have none an entry, and ask for all vectors that are stale; return how many jobs are new."""
    for seller in Seller.objects.filter(directory_entry=None).iterator():
        follow_seller(seller, source=occasion.source, by=occasion.by)
    stale = stale_entries(fingerprint=fingerprint, now=now)
    return sum(request_embeddings(ids, occasion=occasion).queued for ids in _in_steps(stale))


def _in_steps(entries: QuerySet[DirectoryEntry]) -> Iterator[list[int]]:
    last = 0
    while ids := list(entries.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:MAX_BULK]):
        yield ids
        last = ids[-1]
