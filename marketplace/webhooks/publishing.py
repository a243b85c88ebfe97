"""Webhooks of notifications: the message, and a delivery with its job for each endpoint that asked for the kind."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse
from django.utils import timezone

from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from marketplace.links import absolute
from marketplace.notifications.models import Notification
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookMessage

TEST_KIND = "webhook.test"
MAX_SUBJECTS_BYTES = 16_000  # the standard asks for messages under 20 kB
# What people read is left out: the notification has it.
_NOT_SENT = ("message", "remedy")


def publish_webhooks(notification: Notification, *, subjects: Sequence[Mapping[str, Any]]) -> WebhookMessage | None:
    """Write the message and its deliveries, in the caller's transaction; None when no endpoint wants it."""
    active = WebhookEndpoint.objects.filter(seller=notification.seller_id, state=WebhookEndpoint.State.ACTIVE)
    wanted = [endpoint for endpoint in active if not endpoint.kinds or notification.kind in endpoint.kinds]
    if not wanted:
        return None
    sent, has_more = _fitting(subjects)
    data = {
        "notification": notification.pk,
        "count": notification.count,
        "subjects": sent,
        "has_more": has_more,
        "facts": notification.facts,
        "url": absolute(reverse("api:notification", args=[notification.pk])),
    }
    message = new_message(seller_id=notification.seller_id, kind=notification.kind, data=data, source=notification)
    deliver(message, wanted)
    return message


def new_message(
    *, seller_id: int, kind: str, data: Mapping[str, Any], source: Notification | None = None
) -> WebhookMessage:
    """Write a message: type, time and data, as Standard Webhooks recommends."""
    return WebhookMessage.objects.create(
        message_id=f"msg_{secrets.token_hex(16)}",
        seller_id=seller_id,
        notification=source,
        kind=kind,
        body=body_of(kind, data, at=timezone.now()),
    )


def body_of(kind: str, data: Mapping[str, Any], *, at: datetime) -> str:
    """Return the JSON text of a message."""
    return json.dumps(
        {"type": kind, "timestamp": at.isoformat(), "data": data},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        separators=(",", ":"),
    )


def deliver(
    message: WebhookMessage, endpoints: Sequence[WebhookEndpoint], *, max_attempts: int | None = None
) -> list[WebhookDelivery]:
    """Write a delivery to each endpoint, and the job that makes it."""
    deliveries = WebhookDelivery.objects.bulk_create(
        [WebhookDelivery(message=message, endpoint=endpoint) for endpoint in endpoints]
    )
    start(deliveries, tenant=str(message.seller_id), max_attempts=max_attempts)
    return deliveries


def start(deliveries: Sequence[WebhookDelivery], *, tenant: str, max_attempts: int | None = None) -> None:
    """Enqueue the jobs of this round of the deliveries, and note them."""
    enqueued = enqueue_many(
        [
            NewJob(
                "deliver-webhook",
                {"delivery": delivery.pk},
                tenant=tenant,
                key=f"{delivery.pk}:{delivery.round}",
                max_attempts=max_attempts,
                group="",
            )
            for delivery in deliveries
        ]
    )
    for delivery, job in zip(deliveries, enqueued, strict=True):
        delivery.job_id = job.job_id
    WebhookDelivery.objects.bulk_update(deliveries, ["job_id"])


def _fitting(subjects: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Return the first subjects that fit into a message, and whether there are more."""
    fitting: list[dict[str, Any]] = []
    size = 0
    for subject in subjects:
        shown = {name: value for name, value in subject.items() if name not in _NOT_SENT}
        size += len(json.dumps(shown, cls=DjangoJSONEncoder, ensure_ascii=False).encode()) + 1
        if size > MAX_SUBJECTS_BYTES:
            return fitting, True
        fitting.append(shown)
    return fitting, False
