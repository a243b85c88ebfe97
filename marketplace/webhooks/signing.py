"""Signatures after Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 of id, time and body."""

import base64
import secrets
from datetime import datetime

from standardwebhooks import Webhook

from jobs.sealing import opened_text
from marketplace.webhooks.models import WebhookEndpoint, WebhookMessage

SECRET_BYTES = 32  # the standard asks for 24 to 64


def new_secret() -> str:
    """Return a new secret, `whsec_` and base64, as the standard has it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def secrets_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that sign now: the endpoint's, and the one before it until its day is over.

    Raises:
        UnknownEncryptionKey: none of JOB_ENCRYPTION_KEYS opens them (permanent).
    """
    sealed = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and now < endpoint.previous_until:
        sealed.append(endpoint.previous_secret)
    return [opened_text(text) for text in sealed]


def signed_headers(message: WebhookMessage, *, secrets_now: list[str], now: datetime) -> dict[str, str]:
    """Return the headers of one attempt. The id is the message's; the time, and so the signature, the attempt's."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Souk-Webhooks/1.0",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message.message_id, now, message.body) for secret in secrets_now
        ),
    }
