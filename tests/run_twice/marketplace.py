"""The marketplace's tasks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from django.utils import timezone

from jobs.batch import NewJob
from jobs.models import Job
from marketplace.accounts.models import Invitation
from marketplace.models import Seller
from marketplace.notifications.grouping import mail_instantly
from marketplace.notifications.kinds import Kind
from marketplace.notifications.models import Mail, Notification, OutboxEntry
from marketplace.rechecks.models import Recheck
from marketplace.webhooks.endpoints import change_endpoint, create_endpoint
from marketplace.webhooks.models import WebhookDelivery
from marketplace.webhooks.publishing import new_message
from tests.catalog.products import make_product, make_seller
from tests.marketplace.factories import make_member
from tests.run_twice.case import Case, Shop, declare

CASES: dict[str, Case] = {}
case = partial(declare, CASES)


@case("resync-sellers", changes={"SyncRun", "groups", "follow-ups"}, follow_ups={"sync-seller": 2})
def _sellers_who_are_overdue(shop: Shop) -> Sequence[NewJob]:
    """Two are overdue, and the shop's own sync still runs."""
    for name in ("Quay Street", "Mill Lane"):
        make_seller(name)
    Seller.objects.update(created_at=timezone.now() - timedelta(days=2))
    return [NewJob("resync-sellers", {}, meta={"due_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat()})]


@case(
    "notify-seller",
    changes={"OutboxEntry", "Notification", "Mail", "WebhookMessage", "WebhookDelivery", "follow-ups"},
    follow_ups={"send-mail": 1, "deliver-webhook": 1},
)
def _a_failed_sync_to_tell_of(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    create_endpoint(seller, address="https://shop.example/hook")
    entry = OutboxEntry.objects.create(seller=seller, kind=Kind.SYNC_FAILED)
    return [NewJob("notify-seller", {"entry": entry.pk}, tenant=seller.tenant)]


@case("send-mail", changes={"Mail"})
def _a_mail_that_was_not_sent(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    mail = mail_instantly(Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED), to=seller.email)
    Job.objects.filter(task="send-mail").delete()
    return [NewJob("send-mail", {"mail": mail.pk}, tenant=seller.tenant)]


@case(
    "send-digests",
    changes={"OutboxEntry", "Notification", "Mail", "follow-ups"},
    follow_ups={"send-mail": 1},
)
def _a_notification_for_the_digest_and_an_entry_left_behind(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    Notification.objects.create(seller=seller, kind=Kind.SYNC_FINISHED, mail_mode="digest")
    Notification.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    OutboxEntry.objects.create(seller=seller, kind=Kind.PROPOSALS_READY)
    OutboxEntry.objects.update(told_at=timezone.now() - timedelta(hours=3))
    return [NewJob("send-digests", {}, meta={"due_at": datetime(2026, 1, 1, 7, 7, tzinfo=UTC).isoformat()})]


@case("sweep-notifications", changes={"OutboxEntry", "Notification", "Mail", "WebhookMessage", "WebhookDelivery"})
def _what_was_told_long_ago(shop: Shop) -> Sequence[NewJob]:
    seller = _with_mail(shop)
    endpoint, _ = create_endpoint(seller, address="https://shop.example/hook")
    for age in (timedelta(days=1), timedelta(days=365)):
        at = timezone.now() - age
        mail = Mail.objects.create(seller=seller, to=seller.email)
        told = Notification.objects.create(seller=seller, kind=Kind.SYNC_FAILED, mail=mail)
        entry = OutboxEntry.objects.create(seller=seller, kind=Kind.SYNC_FAILED, notification=told)
        message = new_message(seller_id=seller.pk, kind=Kind.SYNC_FAILED, data={})
        WebhookDelivery.objects.create(message=message, endpoint=endpoint)
        for row in (mail, told, message):
            type(row).objects.filter(pk=row.pk).update(created_at=at)
        OutboxEntry.objects.filter(pk=entry.pk).update(told_at=at)
    return [NewJob("sweep-notifications", {})]


@case("mail-login", changes={"Invitation"})
def _an_address_with_a_shop_and_one_without(shop: Shop) -> Sequence[NewJob]:
    return [NewJob("mail-login", {"email": email}) for email in (_with_mail(shop).email, "bob@lamps.example")]


@case("mail-new-password", changes=set())
def _an_address_with_a_login_and_one_without(shop: Shop) -> Sequence[NewJob]:
    make_member(shop.sync.seller, email="ada@lamps.example")
    return [NewJob("mail-new-password", {"email": email}) for email in ("ada@lamps.example", "bob@lamps.example")]


@case("sweep-history", changes={"Invitation", "Recheck"})
def _what_ended_long_ago_and_lately(shop: Shop) -> Sequence[NewJob]:
    seller, product = shop.sync.seller, make_product(shop.sync, "lamp red")
    for age in (timedelta(days=1), timedelta(days=365)):
        at = timezone.now() - age
        Invitation.objects.create(seller=seller, email="ada@lamps.example", token_sha256=str(age), expires_at=at)
        recheck = Recheck.objects.create(seller=seller, product=product, asked_by="ada")
        Recheck.objects.filter(pk=recheck.pk).update(asked_at=at)
    return [NewJob("sweep-history", {})]


@case("deliver-webhook", changes={"WebhookDelivery", "WebhookAttempt"})
def _messages_to_one_that_takes_them_and_one_that_is_off(shop: Shop) -> Sequence[NewJob]:
    seller = shop.sync.seller
    deliveries = []
    for is_active in (True, False):
        endpoint, _ = create_endpoint(seller, address=f"{shop.receiver}/hook")
        change_endpoint(endpoint, is_active=is_active)
        message = new_message(seller_id=seller.pk, kind=Kind.SYNC_FAILED, data={})
        deliveries.append(WebhookDelivery.objects.create(message=message, endpoint=endpoint))
    return [NewJob("deliver-webhook", {"delivery": it.pk}, tenant=seller.tenant) for it in deliveries]


def _with_mail(shop: Shop) -> Seller:
    Seller.objects.filter(pk=shop.sync.seller_id).update(email="ada@lamps.example")
    return Seller.objects.get(pk=shop.sync.seller_id)
