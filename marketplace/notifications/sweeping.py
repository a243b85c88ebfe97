"""What was told long ago is forgotten."""

from datetime import datetime, timedelta

from marketplace.history import delete_in_batches, kept_since
from marketplace.notifications.models import Mail, Notification, OutboxEntry
from marketplace.webhooks.models import WebhookMessage

# What a webhook's log shows and can be delivered again. GitHub keeps three days of it.
MESSAGES_KEPT = timedelta(days=30)


def sweep(*, now: datetime) -> int:
    """Delete what is older than it is kept; return how many rows of these went."""
    old = kept_since(now)
    return (
        delete_in_batches(WebhookMessage.objects.filter(created_at__lt=now - MESSAGES_KEPT))
        + delete_in_batches(OutboxEntry.objects.filter(told_at__lt=old).exclude(notification=None))
        + delete_in_batches(Notification.objects.filter(created_at__lt=old))
        + delete_in_batches(Mail.objects.filter(created_at__lt=old, notifications=None))
    )
