"""From what happens to what a seller reads: nothing lost, nothing twice, and little of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.models import Job
from marketplace.models import Seller, SyncRun
from marketplace.notifications.grouping import HELD_AT_MOST, make_notifications, make_overdue, subjects_of
from marketplace.notifications.kinds import MANNERS, Kind, MailMode
from marketplace.notifications.models import Notification, OutboxEntry
from marketplace.notifications.reading import mark_read, subjects_told, unread_count
from marketplace.notifications.telling import tell
from marketplace.notifications.wording import noun_of, words_of
from tests.marketplace.factories import make_seller, make_sync
from tests.marketplace.queues import run_after, run_due

pytestmark = pytest.mark.django_db
MINUTE = timedelta(seconds=60)
QUEUE = "notify-seller"


def lamps(*numbers: int, reason: str = "price.missing") -> list[dict[str, Any]]:
    return [
        {"product": it, "title": f"Lamp {it}", "reason": reason, "message": "No price.", "remedy": "Give it one."}
        for it in numbers
    ]


def age(entries: Any, by: timedelta) -> None:
    for entry in entries:
        OutboxEntry.objects.filter(pk=entry.pk).update(told_at=timezone.now() - by)


def test_what_happens_within_a_minute_is_one_message(seller: Seller) -> None:
    for number in range(1, 24):
        tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(number))
    assert run_due(QUEUE) == 0  # a minute has not passed
    assert run_after(QUEUE, MINUTE) > 0
    made = Notification.objects.get()
    assert (made.kind, made.count, len(made.examples)) == ("products.rejected", 23, 10)
    assert made.reasons == [
        {"code": "price.missing", "message": "No price.", "remedy": "Give it one.", "count": 23},
    ]
    assert words_of(made).title == "23 products were rejected"
    assert [it["product"] for it in subjects_told(made, limit=100)] == list(range(1, 24))
    assert not Job.objects.filter(task="notify-seller").exclude(state="completed").exists()


def test_a_product_that_is_told_of_twice_counts_once_as_it_was_last(seller: Seller) -> None:
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1, 2))
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1, reason="picture.missing"))
    run_after(QUEUE, MINUTE)
    made = Notification.objects.get()
    assert made.count == 2
    assert {it["product"]: it["reason"] for it in made.examples} == {2: "price.missing", 1: "picture.missing"}


def test_sets_of_photos_and_webhooks_count_once_too(seller: Seller) -> None:
    for title in ("Attic", "Attic, again"):
        tell(Kind.INVENTORY_FAILED, seller_id=seller.pk, subjects=[{"photo_set": "a1", "title": title}])
        tell(Kind.WEBHOOK_SWITCHED_OFF, seller_id=seller.pk, subjects=[{"endpoint": 5, "title": title}])
    run_after(QUEUE, MINUTE)
    made = Notification.objects.order_by("kind")
    assert [(it.kind, it.count) for it in made] == [("inventory.failed", 1), ("webhook.switched_off", 1)]
    assert [subjects_told(it, limit=9)[0]["title"] for it in made] == ["Attic, again", "Attic, again"]


def test_a_page_of_subjects_is_read_alone_and_in_the_order_of_all(seller: Seller) -> None:
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(*range(1, 9)))
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=[*lamps(2, 30), {"title": "no id"}, {"title": "no id"}])
    run_after(QUEUE, MINUTE)
    made = Notification.objects.get()
    whole = subjects_of(made.entries.order_by("pk"))
    assert [it.get("product") for it in whole] == [1, 3, 4, 5, 6, 7, 8, 2, 30, None, None]
    assert made.count == len(whole)
    with CaptureQueriesContext(connection) as queries:
        pages = [subjects_told(made, limit=4, offset=offset) for offset in (0, 4, 8, 12)]
    assert pages == [whole[:4], whole[4:8], whole[8:], []]
    assert all("LIMIT 4" in query["sql"] for query in queries)


def test_kinds_and_sellers_are_told_apart(seller: Seller) -> None:
    other = make_seller()
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1))
    tell(Kind.PRODUCTS_FLAGGED, seller_id=seller.pk, subjects=lamps(2))
    tell(Kind.PRODUCTS_REJECTED, seller_id=other.pk, subjects=lamps(3))
    run_after(QUEUE, MINUTE)
    assert sorted(Notification.objects.values_list("seller", "kind", "count")) == [
        (seller.pk, "products.flagged", 1),
        (seller.pk, "products.rejected", 1),
        (other.pk, "products.rejected", 1),
    ]


def test_what_is_rolled_back_is_not_told(seller: Seller) -> None:
    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        tell(Kind.SYNC_FAILED, seller_id=seller.pk)
        raise Undone
    assert not OutboxEntry.objects.exists()
    assert not Job.objects.exists()


def test_an_entry_that_commits_late_has_a_job_of_its_own(seller: Seller) -> None:
    """It was told before the others were grouped, but seen only after: the next message has it."""
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1))
    late_job = Job.objects.get()
    late = OutboxEntry.objects.get()
    Job.objects.filter(pk=late_job.pk).update(state="cancelled")
    OutboxEntry.objects.filter(pk=late.pk).update(notification=Notification.objects.create(seller=seller, kind="x"))
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(2))
    run_after(QUEUE, MINUTE)
    OutboxEntry.objects.filter(pk=late.pk).update(notification=None)
    Job.objects.filter(pk=late_job.pk).update(state="pending")
    run_due(QUEUE)
    made = Notification.objects.filter(kind="products.rejected").order_by("pk")
    assert [[it["product"] for it in subjects_told(one, limit=9)] for one in made] == [[2], [1]]


def test_running_twice_makes_nothing_twice(seller: Seller) -> None:
    tell(Kind.APPEAL_ANSWERED, seller_id=seller.pk, subjects=lamps(1))
    entries = {OutboxEntry.objects.get().pk: 0}
    assert len(make_notifications(entries, now=timezone.now())) == 1
    assert make_notifications(entries, now=timezone.now()) == []


def test_products_are_told_of_when_the_sync_has_ended(seller: Seller) -> None:
    sync = make_sync(seller)
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1))
    run_after(QUEUE, MINUTE)
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(2))
    run_after(QUEUE, MINUTE)
    assert not Notification.objects.exists()
    assert Job.objects.filter(task="notify-seller", state="scheduled").count() == 1  # that of the oldest goes on alone
    SyncRun.objects.filter(pk=sync.pk).update(status="finished")
    run_after(QUEUE, MINUTE)
    assert Notification.objects.get().count == 2


def test_a_sync_that_takes_hours_holds_nothing_back_for_longer_than_one(seller: Seller) -> None:
    make_sync(seller)
    tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(1))
    age(OutboxEntry.objects.all(), HELD_AT_MOST)
    run_after(QUEUE, MINUTE)
    assert Notification.objects.get().count == 1


def test_what_does_not_concern_a_sync_is_told_while_it_runs(seller: Seller) -> None:
    make_sync(seller)
    tell(Kind.APPEAL_ANSWERED, seller_id=seller.pk, subjects=lamps(1))
    run_after(QUEUE, MINUTE)
    assert Notification.objects.count() == 1


def test_what_its_own_job_left_behind_is_made_up_for(seller: Seller) -> None:
    tell(Kind.APPEAL_ANSWERED, seller_id=seller.pk, subjects=lamps(1))
    Job.objects.all().delete()
    assert make_overdue(now=timezone.now()).made == []
    age(OutboxEntry.objects.all(), timedelta(hours=3))
    assert [made.count for made in make_overdue(now=timezone.now()).made] == [1]
    assert make_overdue(now=timezone.now()).made == []


def test_what_is_overdue_is_made_up_for_in_parts(seller: Seller) -> None:
    for kind in (Kind.APPEAL_ANSWERED, Kind.PROPOSALS_READY, Kind.SYNC_FAILED):
        tell(kind, seller_id=seller.pk)
    OutboxEntry.objects.create(seller=seller, kind="later.kind")
    Job.objects.all().delete()
    age(OutboxEntry.objects.all(), timedelta(hours=3))
    parts = [make_overdue(now=timezone.now(), at_most=2) for _ in range(3)]
    assert [(len(part.made), part.looked_at) for part in parts] == [(2, 2), (1, 1), (0, 0)]
    assert list(OutboxEntry.objects.filter(notification=None).values_list("kind", flat=True)) == ["later.kind"]


def test_telling_costs_the_same_few_statements_for_any_number_of_products(seller: Seller) -> None:
    def statements(count: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            tell(Kind.PRODUCTS_REJECTED, seller_id=seller.pk, subjects=lamps(*range(count)))
        return len(queries)

    assert statements(1) == statements(256) <= 8


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("count", [0, 1, 1200])
def test_each_kind_has_words(seller: Seller, kind: Kind, count: int) -> None:
    made = Notification(pk=7, seller=seller, kind=kind, count=count, facts={"url": "https://a.example/", "why": "gone"})
    words = words_of(made)
    assert words.title
    assert words.sentence.endswith(".")
    assert "  " not in words.sentence
    assert words.path.startswith("/seller/")
    assert kind in MANNERS


def test_photos_that_fail_are_not_called_products_that_could_not_be_read(seller: Seller) -> None:
    words = words_of(Notification(pk=7, seller=seller, kind=Kind.INVENTORY_FAILED, count=1))
    assert words.title == "An inventory could not be made"
    assert "browser" not in words.sentence
    assert noun_of(Kind.INVENTORY_FAILED) == "photo sequence"
    assert noun_of("later.kind") == "subject"


def test_a_kind_of_a_later_version_is_shown_by_its_name(seller: Seller) -> None:
    assert words_of(Notification(pk=7, seller=seller, kind="later.kind")).title == "later.kind"


def test_a_path_to_another_site_is_not_followed(seller: Seller) -> None:
    made = Notification(pk=7, seller=seller, kind=Kind.SYNC_FAILED, facts={"path": "//evil.example/"})
    assert words_of(made).path == "/seller/notifications/7/"


def test_reading_marks_what_was_shown_and_not_what_came_since(seller: Seller) -> None:
    made = [Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED) for _ in range(3)]
    assert unread_count(seller.pk) == 3
    assert mark_read(seller.pk, up_to=made[1].pk) == 2
    assert mark_read(seller.pk, up_to=made[1].pk) == 0
    assert unread_count(seller.pk) == 1


def test_without_an_address_nothing_is_mailed(seller: Seller) -> None:
    tell(Kind.SYNC_FAILED, seller_id=seller.pk)
    run_after(QUEUE, MINUTE)
    assert Notification.objects.get().mail_mode == MailMode.OFF
