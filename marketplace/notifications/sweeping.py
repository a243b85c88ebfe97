"""What was told long ago is forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta

from marketplace.history import delete_in_batches, kept_since, never
from marketplace.notifications.models import Mail, Notification, OutboxEntry
from marketplace.webhooks.models import WebhookMessage

# What a webhook's log shows and can be delivered again. GitHub keeps three days of it.
MESSAGES_KEPT = timedelta(days=30)


def sweep(*, now: datetime, is_stopping: Callable[[], bool] = never) -> int:
    """Delete what is older than it is kept; return how many rows of these went."""
    old = kept_since(now)
    return delete_in_batches(
        WebhookMessage.objects.filter(created_at__lt=now - MESSAGES_KEPT),
        OutboxEntry.objects.filter(told_at__lt=old).exclude(notification=None),
        Notification.objects.filter(created_at__lt=old),
        Mail.objects.filter(created_at__lt=old, notifications=None),
        is_stopping=is_stopping,
    )
