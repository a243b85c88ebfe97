"""Endpoints: made, changed, given a new secret, tried, and switched off when they are gone or fail for long."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from jobs.admission import admit
from jobs.models import Audit, Priority
from jobs.sealing import UnknownEncryptionKey, opened_text, seal_text
from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.notifications.telling import MAX_TEXT, tell
from marketplace.webhooks.addresses import checked_endpoint
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.publishing import TEST_KIND, deliver, new_message
from marketplace.webhooks.signing import new_secret

MAX_ENDPOINTS = 10
PREVIOUS_SECRET_SIGNS_FOR = timedelta(hours=24)
# An endpoint that has taken nothing for as long is switched off when a message's last try fails: ten tries take longer.
SWITCHED_OFF_AFTER = timedelta(hours=72)

State = WebhookEndpoint.State
Why = WebhookEndpoint.Why


class TooManyEndpoints(Exception):
    """A seller has ten endpoints at most."""


class StillRotating(Exception):
    """Two secrets sign now: a third would end one of them at once, and what still verifies by it would refuse all."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__(
            f"The secret before this one signs until {until:%Y-%m-%d %H:%M} UTC. Make another after that; if one has "
            "leaked, make a new webhook and delete this one."
        )


@transaction.atomic
def create_endpoint(
    seller: Seller, *, address: str, kinds: Collection[Kind] = (), description: str = ""
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint; return it and its secret.

    Raises:
        EndpointRefused: the address may not take webhooks.
        TooManyEndpoints: the seller has ten already.
        NoEncryptionKey: JOB_ENCRYPTION_KEYS is empty.
    """
    checked_endpoint(address)
    # So that two requests cannot both make the tenth; who only refers to the seller need not wait.
    Seller.objects.select_for_update(no_key=True).get(pk=seller.pk)
    if WebhookEndpoint.objects.filter(seller=seller).count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        seller=seller, address=address, kinds=_named(kinds), description=description, secret=seal_text(secret)
    )
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    endpoint: WebhookEndpoint,
    *,
    address: str | None = None,
    kinds: Collection[Kind] | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> WebhookEndpoint:
    """Change what is given; what was not delivered meanwhile can be delivered again.

    Raises:
        EndpointRefused: the address may not take webhooks.
    """
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if address is not None and address != locked.address:
        checked_endpoint(address)
        locked.address, locked.failing_since = address, None
    if kinds is not None:
        locked.kinds = _named(kinds)
    if description is not None:
        locked.description = description
    if is_active is not None and is_active != locked.is_active:
        _switch(locked, is_active=is_active, why=Why.SELLER)
    locked.save()
    return locked


def _named(kinds: Collection[Kind]) -> list[str]:
    return sorted({str(kind) for kind in kinds})


def _switch(endpoint: WebhookEndpoint, *, is_active: bool, why: Why) -> None:
    endpoint.state = State.ACTIVE if is_active else State.OFF
    endpoint.off_why = "" if is_active else why
    endpoint.off_at = None if is_active else timezone.now()
    if is_active:
        endpoint.failing_since = None


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint, *, now: datetime) -> str:
    """Give the endpoint a new secret and return it; the old one signs beside it for a day.

    What no key opens can sign nothing: it is not kept, and stands in no way.

    Raises:
        StillRotating: the one before signs beside it still.
        NoEncryptionKey: JOB_ENCRYPTION_KEYS is empty.
    """
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if locked.previous_until is not None and is_rotating(locked, now=now):
        raise StillRotating(until=locked.previous_until)
    secret = new_secret()
    if _opens(locked.secret):
        locked.previous_secret, locked.previous_until = locked.secret, now + PREVIOUS_SECRET_SIGNS_FOR
    else:
        locked.previous_secret, locked.previous_until = "", None
    locked.secret = seal_text(secret)
    locked.save(update_fields=["secret", "previous_secret", "previous_until", "updated_at"])
    return secret


def is_rotating(endpoint: WebhookEndpoint, *, now: datetime) -> bool:
    """Tell whether two secrets sign now; where a key was lost, none does."""
    is_within = endpoint.previous_until is not None and now < endpoint.previous_until
    return is_within and _opens(endpoint.secret) and _opens(endpoint.previous_secret)


def _opens(sealed: str) -> bool:
    try:
        opened_text(sealed)
    except UnknownEncryptionKey:
        return False
    return True


def secret_of(endpoint: WebhookEndpoint) -> str:
    """Return the endpoint's secret.

    Raises:
        UnknownEncryptionKey: none of JOB_ENCRYPTION_KEYS opens it.
    """
    return opened_text(endpoint.secret)


@transaction.atomic
def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a test event, once: how it went is seen in the log of deliveries. One that is off is tried as well.

    Raises:
        TooManyJobs: the submission is refused for now.
    """
    admit(tenant=str(endpoint.seller_id), priority=Priority.HIGH)
    data = {"endpoint": endpoint.pk, "message": "This is a test. Nothing has happened."}
    message = new_message(seller_id=endpoint.seller_id, kind=TEST_KIND, data=data)
    return deliver(message, [endpoint], max_attempts=1)[0]


def switch_off_failing(endpoint_id: int, *, is_gone: bool, now: datetime) -> bool:
    """Switch an endpoint off that is gone, or has taken nothing for three days, and tell its seller; once.

    Call it in the transaction that gives the delivery up.
    """
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    has_failed_long = endpoint.failing_since is not None and now - endpoint.failing_since >= SWITCHED_OFF_AFTER
    if not endpoint.is_active or not (is_gone or has_failed_long):
        return False
    _switch(endpoint, is_active=False, why=Why.GONE if is_gone else Why.FAILING)
    endpoint.save(update_fields=["state", "off_why", "off_at", "updated_at"])
    facts = {"endpoint": endpoint.pk, "url": endpoint.address, "why": endpoint.off_why}
    subject = {
        "endpoint": endpoint.pk,
        "title": endpoint.address[:MAX_TEXT],
        "reason": f"webhook.{endpoint.off_why}",
        "message": f"Switched off: {endpoint.get_off_why_display()}.",
    }
    tell(Kind.WEBHOOK_SWITCHED_OFF, seller_id=endpoint.seller_id, subjects=[subject], facts=facts)
    return True


@transaction.atomic
def switch_for_staff(endpoint: WebhookEndpoint, *, is_active: bool, actor: str, reason: str) -> bool:
    """Switch an endpoint on or off on behalf of staff, and leave an audit row; False when it was so already."""
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    if locked.is_active == is_active:
        return False
    _switch(locked, is_active=is_active, why=Why.STAFF)
    locked.save()
    action = f"switch webhook {'on' if is_active else 'off'}"
    Audit.objects.create(actor=actor, action=action, subject=f"webhook {locked.pk}", reason=reason)
    return True
