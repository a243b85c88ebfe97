"""What was told long ago is forgotten."""

from datetime import datetime, timedelta

from marketplace.notifications.models import Mail, Notification, OutboxEntry
from marketplace.webhooks.models import WebhookMessage

NOTIFICATIONS_KEPT = timedelta(days=180)
# What a webhook's log shows and can be delivered again. GitHub keeps three days of it.
MESSAGES_KEPT = timedelta(days=30)
AT_ONCE = 500


def sweep(*, now: datetime) -> int:
    """Delete what is older than it is kept; return how many rows of these went."""
    old = now - NOTIFICATIONS_KEPT
    total = 0
    for rows in (
        WebhookMessage.objects.filter(created_at__lt=now - MESSAGES_KEPT),
        OutboxEntry.objects.filter(told_at__lt=old).exclude(notification=None),
        Notification.objects.filter(created_at__lt=old),
        Mail.objects.filter(created_at__lt=old, notifications=None),
    ):
        while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
            rows.model._default_manager.filter(pk__in=ids).delete()
            total += len(ids)
    return total
