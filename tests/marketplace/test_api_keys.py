"""API keys: issued, used, revoked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Audit
from marketplace import api_keys
from marketplace.models import ApiKey, Seller


def test_the_key_itself_is_kept_nowhere(seller: Seller) -> None:
    key, raw = api_keys.issue_key(seller=seller)
    assert raw.startswith(f"{key.prefix}_")
    stored = ApiKey.objects.values().get(pk=key.pk)
    assert raw not in str(stored)
    assert stored["key_sha256"] == api_keys.key_hash(raw)


def test_a_key_leads_to_its_seller(seller: Seller, raw_key: str) -> None:
    key = api_keys.authenticate(raw_key)
    assert key is not None
    assert key.seller == seller


@pytest.mark.parametrize("wrong", ["", "souk_", "souk_00000000_nothing", "ключ", "\x00"])
def test_another_text_leads_nowhere(raw_key: str, wrong: str) -> None:
    assert api_keys.authenticate(wrong) is None


def test_last_used_is_written_at_most_once_a_minute(seller: Seller, raw_key: str) -> None:
    start = timezone.now()
    for seconds, expected in [(0, 0), (59, 0), (60, 60), (61, 60)]:
        api_keys.authenticate(raw_key, now=start + timedelta(seconds=seconds))
        assert ApiKey.objects.get().last_used_at == start + timedelta(seconds=expected)


def test_a_revoked_key_is_refused_and_the_revocation_audited_once(seller: Seller, raw_key: str) -> None:
    key = ApiKey.objects.get()
    assert api_keys.revoke_key(key, actor="ada", reason="It leaked.") is True
    assert api_keys.revoke_key(key, actor="ada", reason="Again.") is False
    assert api_keys.authenticate(raw_key) is None
    entry = Audit.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (
        "ada",
        "revoke API key",
        f"key {key.prefix}",
        "It leaked.",
    )
