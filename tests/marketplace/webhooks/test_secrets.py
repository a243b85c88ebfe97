"""The secrets by which webhooks are verified: changed without a gap, and sealed where they are kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from marketplace.models import Seller
from marketplace.notifications.kinds import Kind
from marketplace.webhooks.endpoints import StillRotating, rotate_secret
from marketplace.webhooks.models import WebhookEndpoint
from marketplace.webhooks.signing import secrets_of
from tests.fakes.receiver import Receiver
from tests.marketplace.queues import run_due
from tests.marketplace.webhooks.conftest import Hook
from tests.marketplace.webhooks.saying import QUEUE, say

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_new_secret_signs_beside_the_old_one_for_a_day(hook: Hook, receiver: Receiver, seller: Seller) -> None:
    endpoint, old = hook()
    new = rotate_secret(endpoint, now=timezone.now())
    say(seller)
    run_due(QUEUE)
    assert receiver.verified(old) == receiver.verified(new)
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    say(seller, Kind.SYNC_FINISHED)
    run_due(QUEUE)
    last = receiver.received[-1]
    assert Webhook(new).verify(last.body, dict(last.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(last.body, dict(last.headers))


def test_a_secret_is_not_changed_again_while_the_one_before_still_signs(
    hook: Hook, receiver: Receiver, seller: Seller
) -> None:
    endpoint, old = hook()
    rotated_at = timezone.now()
    new = rotate_secret(endpoint, now=rotated_at)
    with pytest.raises(StillRotating, match="delete this one"):
        rotate_secret(endpoint, now=rotated_at + timedelta(hours=23))
    say(seller)
    run_due(QUEUE)
    assert receiver.verified(old) == receiver.verified(new)
    assert rotate_secret(endpoint, now=rotated_at + timedelta(hours=24)) not in (old, new)


def test_a_secret_whose_key_is_lost_is_changed_for_one_that_signs_alone(hook: Hook, settings: Any) -> None:
    endpoint, _ = hook()
    rotate_secret(endpoint, now=timezone.now())
    settings.JOB_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    new = rotate_secret(endpoint, now=timezone.now())
    endpoint.refresh_from_db()
    assert (secrets_of(endpoint, now=timezone.now()), endpoint.previous_until) == ([new], None)

    newest = rotate_secret(endpoint, now=timezone.now())
    endpoint.refresh_from_db()
    assert secrets_of(endpoint, now=timezone.now()) == [newest, new]
    with pytest.raises(StillRotating):
        rotate_secret(endpoint, now=timezone.now())


def test_secrets_are_sealed_where_they_are_kept(hook: Hook) -> None:
    endpoint, secret = hook()
    rotate_secret(endpoint, now=timezone.now())
    row = WebhookEndpoint.objects.values("secret", "previous_secret").get()
    assert all(value.startswith("sealed:gAAAA") for value in row.values())
    assert secret not in str(row)
