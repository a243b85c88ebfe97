"""API keys: shown once, kept as a SHA-256, known by their prefix."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs.models import Audit
from marketplace.models import ApiKey, Seller

# A key that is used all the time costs one write a minute, not one a request.
LAST_USED_STEP = timedelta(minutes=1)


def issue_key(*, seller: Seller, name: str = "default") -> tuple[ApiKey, str]:
    """Make a key for seller; return its row and the key itself, which nothing keeps."""
    prefix = f"souk_{secrets.token_hex(4)}"
    raw = f"{prefix}_{secrets.token_urlsafe(32)}"
    return ApiKey.objects.create(seller=seller, name=name, prefix=prefix, key_sha256=key_hash(raw)), raw


def key_hash(raw: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal.

    A key carries 256 random bits, so it needs no salt and no slow hash.
    """
    return hashlib.sha256(raw.encode()).hexdigest()


def authenticate(raw: str, *, now: datetime | None = None) -> ApiKey | None:
    """Find the key that was presented, with its seller, and note that it was used.

    Returns None when no such key was issued or when it is revoked.
    """
    key = ApiKey.objects.select_related("seller").filter(key_sha256=key_hash(raw), revoked_at=None).first()
    if key is not None:
        _note_use(key, now=now or timezone.now())
    return key


def _note_use(key: ApiKey, *, now: datetime) -> None:
    stale_before = now - LAST_USED_STEP
    if key.last_used_at is not None and key.last_used_at > stale_before:
        return
    is_stale = Q(last_used_at=None) | Q(last_used_at__lte=stale_before)
    ApiKey.objects.filter(is_stale, pk=key.pk).update(last_used_at=now)
    key.last_used_at = now


@transaction.atomic
def revoke_key(key: ApiKey, *, actor: str, reason: str, now: datetime | None = None) -> bool:
    """Make a key useless from now on; return False when it already was."""
    is_revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now or timezone.now()) == 1
    if is_revoked:
        Audit.objects.create(actor=actor, action="revoke API key", subject=f"key {key.prefix}", reason=reason)
    return is_revoked
