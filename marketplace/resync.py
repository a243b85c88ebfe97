"""The daily re-sync: every active seller's catalog is read again each 24 hours, the work spread over the day.

The day has SLOTS_A_DAY slots; a seller's slot follows from the id. Each slot's run starts the syncs of its sellers, and
of those who are overdue because a run was missed, their sync did not start, or they are new. A run starts a bounded
share of all, so that after an outage the sellers come back over hours and not at once: premium first, then who waits
longest.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from django.db.models import BooleanField, Case, DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Mod

from marketplace.models import Seller, SyncRun
from marketplace.syncs import NoCatalogAddress, SellerSuspended, SyncRunning, start_sync

SLOTS_A_DAY = 288
SLOT = timedelta(days=1) / SLOTS_A_DAY  # five minutes
OVERDUE_AFTER = timedelta(days=1) + SLOT
FRESH_FOR = timedelta(hours=1)  # a sync this recent, somebody's own say, makes the slot's superfluous
# Three slots' worth a run: after a whole day's outage all sellers have been read within 288 / 3 runs, that is 8 hours.
SLOTS_A_RUN = 3
MIN_STARTS_A_RUN = 20
# Fibonacci hashing (Knuth, TAOCP 6.4): ids given one after another are spread evenly over the day.
_GOLDEN = 2_654_435_761
_WORD = 2**32


def slot_of_seller(seller_id: int) -> int:
    """Return the slot of the day, from 0, in which the seller's catalog is read; the same for ever."""
    return seller_id * _GOLDEN % _WORD * SLOTS_A_DAY // _WORD


def slot_at(at: datetime) -> int:
    """Return the slot of the day, in UTC, to which an instant belongs."""
    at = at.astimezone(UTC)
    return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)) // SLOT


def sellers_to_sync(*, now: datetime, slot: int) -> QuerySet[Seller]:
    """Select whose catalog is to be read in this slot, most urgent first, as many as one run may start."""
    sellers = Seller.objects.filter(status=Seller.Status.ACTIVE).exclude(catalog_address="")
    most = max(MIN_STARTS_A_RUN, ceil(sellers.count() * SLOTS_A_RUN / SLOTS_A_DAY))
    running = SyncRun.objects.filter(seller=OuterRef("pk"), status=SyncRun.Status.RUNNING)
    in_slot = Q(slot=slot) & (Q(last_started_at=None) | Q(last_started_at__lte=now - FRESH_FOR))
    return (
        sellers.annotate(
            slot=Mod(F("pk") * Value(_GOLDEN), Value(_WORD)) * SLOTS_A_DAY / _WORD,
            last_started_at=Max("syncs__started_at", filter=Q(syncs__origin=SyncRun.Origin.CATALOG)),
            waits_since=Coalesce("last_started_at", "created_at", output_field=DateTimeField()),
            is_premium=Case(When(plan=Seller.Plan.PREMIUM, then=True), default=False, output_field=BooleanField()),
        )
        .filter(in_slot | Q(waits_since__lt=now - OVERDUE_AFTER), ~Exists(running))
        .order_by("-is_premium", "waits_since", "pk")[:most]
    )


def start_due_syncs(*, now: datetime, slot: int) -> Sequence[SyncRun]:
    """Start the syncs of a slot and return those that are new.

    Run twice it starts nothing twice: a started sync runs, or is fresh, and its seller is not selected again.
    """
    started = []
    for seller in sellers_to_sync(now=now, slot=slot):
        try:
            sync, is_new = start_sync(seller=seller, trigger="schedule")
        except (NoCatalogAddress, SellerSuspended, SyncRunning):  # since we looked
            continue
        if is_new:
            started.append(sync)
    return started
