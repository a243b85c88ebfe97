"""The daily re-sync: who is due when, and that an outage causes no herd."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.execution import run_once
from jobs.models import Job, Priority, Schedule, State, Worker
from jobs.schedules import create_declared_schedules, fire_due_schedules
from jobs.session import Session
from marketplace import settings as product_settings
from marketplace.models import Seller, SyncRun
from marketplace.resync import SLOT, SLOTS_A_DAY, sellers_to_sync, slot_at, slot_of_seller, start_due_syncs
from marketplace.syncs import sync_priority
from tests.marketplace.factories import make_seller, make_sync

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SLOT_OF_NOON = SLOTS_A_DAY // 2


def seller_of_slot(slot: int, **fields: Any) -> Seller:
    """A seller of that slot, registered just now unless told otherwise."""
    taken = set(Seller.objects.values_list("pk", flat=True))
    pk = next(pk for pk in range(1, 100_000) if pk not in taken and slot_of_seller(pk) == slot)
    created_at = fields.pop("created_at", NOON)
    seller = make_seller(pk=pk, **fields)
    Seller.objects.filter(pk=pk).update(created_at=created_at)
    return seller


def synced(seller: Seller, ago: timedelta, **fields: Any) -> SyncRun:
    sync = make_sync(seller, **({"status": "finished"} | fields))
    SyncRun.objects.filter(pk=sync.pk).update(started_at=NOON - ago)
    return sync


def due(now: datetime = NOON, slot: int = SLOT_OF_NOON) -> list[Seller]:
    return list(sellers_to_sync(now=now, slot=slot))


def test_sellers_are_spread_evenly_over_the_day() -> None:
    for first_id in (1, 1_000, 5_000_000):
        counts = Counter(slot_of_seller(pk) for pk in range(first_id, first_id + 100 * SLOTS_A_DAY))
        assert len(counts) == SLOTS_A_DAY
        assert min(counts.values()) >= 95
        assert max(counts.values()) <= 105
    few = Counter(slot_of_seller(pk) * 24 // SLOTS_A_DAY for pk in range(1, 49))  # 48 sellers: about 2 an hour
    assert max(few.values()) <= 3


@pytest.mark.parametrize(
    ("at", "slot"), [("00:00:00", 0), ("00:04:59", 0), ("00:05:00", 1), ("12:00:00", 144), ("23:59:59", 287)]
)
def test_the_day_is_cut_into_slots_of_five_minutes(at: str, slot: int) -> None:
    assert slot_at(datetime.fromisoformat(f"2026-05-04T{at}+00:00")) == slot
    assert timedelta(minutes=5) == SLOT


def test_postgresql_and_python_agree_on_the_slot() -> None:
    ids = [1, 2, 287, 288, 12_345, 999_999_999, 2_147_483_647]
    Seller.objects.bulk_create([Seller(pk=pk, name=str(pk), catalog_address="https://x.example/") for pk in ids])
    Seller.objects.update(created_at=NOON)
    for pk in ids:
        assert pk in [seller.pk for seller in due(slot=slot_of_seller(pk))]
        assert pk not in [seller.pk for seller in due(slot=(slot_of_seller(pk) + 1) % SLOTS_A_DAY)]


def test_in_a_slot_its_sellers_are_due_and_no_others() -> None:
    mine = seller_of_slot(SLOT_OF_NOON)
    before = seller_of_slot(SLOT_OF_NOON)
    synced(before, timedelta(hours=23, minutes=58))
    for seller in (seller_of_slot(SLOT_OF_NOON + 1), seller_of_slot(SLOT_OF_NOON + 2)):
        synced(seller, timedelta(hours=23))
    assert due() == [before, mine]


def test_those_who_cannot_sync_or_just_did_are_not_due() -> None:
    seller_of_slot(SLOT_OF_NOON, status="suspended")
    seller_of_slot(SLOT_OF_NOON, catalog_address="")
    synced(seller_of_slot(SLOT_OF_NOON), timedelta(minutes=59))
    synced(seller_of_slot(SLOT_OF_NOON), timedelta(days=2), status="running")
    assert due() == []


def test_who_is_overdue_is_due_in_any_slot() -> None:
    late = seller_of_slot(7)
    synced(late, timedelta(days=3), status="failed")
    synced(late, timedelta(days=1, minutes=6))
    in_time = seller_of_slot(8)
    synced(in_time, timedelta(days=3))
    synced(in_time, timedelta(days=1, minutes=4))
    never = seller_of_slot(9, created_at=NOON - timedelta(days=1, minutes=7))
    seller_of_slot(10, created_at=NOON - timedelta(days=1, minutes=4))
    assert due() == [never, late]


def test_premium_sellers_go_first_and_then_who_waits_longest() -> None:
    waits = [timedelta(days=2), timedelta(days=4), timedelta(days=3), timedelta(days=2, hours=1)]
    plans = ["free", "standard", "premium", "premium"]
    sellers = [seller_of_slot(slot, plan=plan) for slot, plan in enumerate(plans)]
    for seller, wait in zip(sellers, waits, strict=True):
        synced(seller, wait)
    assert due() == [sellers[2], sellers[3], sellers[1], sellers[0]]


def test_after_a_day_of_downtime_all_come_back_within_hours_and_never_as_a_herd() -> None:
    sellers_read_in_their_slots_until_a_day_before(NOON, count=7 * SLOTS_A_DAY, premium=60)
    waiting = set(Seller.objects.values_list("pk", flat=True))
    starts: list[int] = []
    caught_up_at = NOON
    while waiting and len(starts) < SLOTS_A_DAY:
        caught_up_at += SLOT
        chosen = due(caught_up_at, slot_at(caught_up_at))
        if not starts:
            assert {seller.plan for seller in chosen} == {"premium"}
        starts.append(len(chosen))
        waiting.difference_update(seller.pk for seller in chosen)
        SyncRun.objects.filter(seller__in=chosen).update(started_at=caught_up_at)
    assert max(starts) == 21  # three times a slot's own
    assert caught_up_at - NOON <= timedelta(hours=8, minutes=30)


def sellers_read_in_their_slots_until_a_day_before(end: datetime, *, count: int, premium: int) -> None:
    address = "https://x.example/"
    plans = ["premium"] * premium + ["free"] * (count - premium)
    sellers = Seller.objects.bulk_create([Seller(name=plan, plan=plan, catalog_address=address) for plan in plans])
    syncs = SyncRun.objects.bulk_create(
        [SyncRun(seller=seller, catalog_address=address, status="finished") for seller in sellers]
    )
    for sync in syncs:
        slots_ago = (slot_at(end) - slot_of_seller(sync.seller_id)) % SLOTS_A_DAY
        sync.started_at = end - timedelta(days=1) - slots_ago * SLOT
    SyncRun.objects.bulk_update(syncs, ["started_at"], batch_size=1_000)
    with connection.cursor() as cursor:  # what autovacuum last saw were empty tables
        cursor.execute("ANALYZE marketplace_seller, marketplace_syncrun")


def test_a_run_starts_the_syncs_once_however_often_it_is_repeated() -> None:
    premium = make_seller(plan="premium")
    free = make_seller()
    Seller.objects.update(created_at=timezone.now() - timedelta(days=2))
    started = start_due_syncs(now=timezone.now(), slot=0)
    assert [(sync.seller, sync.trigger, sync.status) for sync in started] == [
        (premium, "schedule", "running"),
        (free, "schedule", "running"),
    ]
    assert start_due_syncs(now=timezone.now(), slot=0) == []
    SyncRun.objects.update(status="finished")
    assert start_due_syncs(now=timezone.now(), slot=0) == []
    jobs = dict(Job.objects.filter(task="sync-seller").values_list("tenant", "priority"))
    assert jobs == {premium.tenant: Priority.NORMAL, free.tenant: Priority.LOW}
    assert Job.objects.filter(task="sync-seller").first().meta["source"] == "schedule"


def test_a_sync_that_somebody_asked_for_overtakes_the_daily_ones() -> None:
    daily = [sync_priority(seller=Seller(plan=plan), trigger="schedule") for plan in ("premium", "free")]
    asked = [sync_priority(seller=Seller(plan=plan), trigger="api") for plan in ("premium", "free")]
    assert (daily, asked) == ([Priority.NORMAL, Priority.LOW], [Priority.HIGH, Priority.NORMAL])


def test_the_schedule_that_comes_with_the_code_starts_the_syncs(settings: Any) -> None:
    settings.JOB_SCHEDULES = {"resync-sellers": product_settings.JOB_SCHEDULES["resync-sellers"]}
    assert create_declared_schedules() == 1
    due_at = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    Schedule.objects.update(next_run_at=due_at)
    seller = make_seller()
    Seller.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert fire_due_schedules() == 1  # for all that it missed since midnight
    session = Session(name="test-worker", queues=["sync-seller"])
    session.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=[]).pk
    assert run_once("sync-seller", session=session, limit=1) == 1
    job = Job.objects.get(task="resync-sellers")
    due_at = datetime.fromisoformat(job.meta["due_at"])
    assert (job.state, job.result) == (State.COMPLETED, {"slot": slot_at(due_at), "started": 1})
    assert SyncRun.objects.get().seller == seller
