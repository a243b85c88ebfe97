"""The pages of webhooks: a secret is shown once, and loading a page again changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client
from django.utils import timezone

from marketplace.models import Seller
from marketplace.webhooks.endpoints import create_endpoint, secret_of
from marketplace.webhooks.models import WebhookEndpoint
from tests.marketplace.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(seller: Seller) -> WebhookEndpoint:
    return create_endpoint(seller, address="https://shop.example/hook")[0]


@pytest.fixture
def member(seller: Seller) -> Client:
    """A browser in which a member of the seller is logged in."""
    client = Client()
    client.force_login(make_member(seller))
    return client


@pytest.mark.parametrize("act", ["secret", "rotate"])
def test_a_secret_is_shown_once_after_a_redirect_and_never_kept_in_the_session(
    act: str, endpoint: WebhookEndpoint, member: Client
) -> None:
    page = f"/seller/webhooks/{endpoint.pk}/"
    before = secret_of(endpoint)
    answer = member.post(f"{page}{act}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    endpoint.refresh_from_db()
    secret = secret_of(endpoint)
    assert (secret == before) == (act == "secret")
    assert secret not in str([it.get_decoded() for it in Session.objects.all()])
    shown, again = member.get(page), member.get(page)
    assert (secret in shown.content.decode(), "whsec_" in again.content.decode()) == (True, False)
    assert shown.headers["Cache-Control"] == "private, no-store"
    endpoint.refresh_from_db()
    assert secret_of(endpoint) == secret


def test_another_s_page_does_not_show_it(endpoint: WebhookEndpoint, member: Client, seller: Seller) -> None:
    other = create_endpoint(seller, address="https://shop.example/other")[0]
    member.post(f"/seller/webhooks/{endpoint.pk}/secret/")
    assert "whsec_" not in member.get(f"/seller/webhooks/{other.pk}/").content.decode()


def test_a_secret_is_not_changed_twice_in_a_day_and_the_page_says_why(
    endpoint: WebhookEndpoint, member: Client
) -> None:
    page = f"/seller/webhooks/{endpoint.pk}/"
    assert "Make a new secret" in member.get(page).content.decode()
    member.post(f"{page}rotate/")
    endpoint.refresh_from_db()
    kept = (endpoint.secret, endpoint.previous_secret)
    refused = member.post(f"{page}rotate/", follow=True).content.decode()
    assert "Make another after that" in refused
    assert "Make a new secret" not in refused
    endpoint.refresh_from_db()
    assert (endpoint.secret, endpoint.previous_secret) == kept


@pytest.mark.parametrize("keys", [[], [Fernet.generate_key().decode()]], ids=["none", "another"])
def test_without_the_key_the_pages_say_what_to_do(
    keys: list[str], endpoint: WebhookEndpoint, member: Client, settings: Any
) -> None:
    settings.JOB_ENCRYPTION_KEYS = keys
    page = f"/seller/webhooks/{endpoint.pk}/"
    lost = member.post(f"{page}secret/", follow=True)
    assert (lost.status_code, b"The secret cannot be opened" in lost.content) == (200, True)
    WebhookEndpoint.objects.update(previous_secret=F("secret"), previous_until=timezone.now() + timedelta(hours=1))
    assert b"Make a new secret" in member.get(page).content
    rotated = member.post(f"{page}rotate/", follow=True)
    assert rotated.status_code == 200
    assert (b"must set JOB_ENCRYPTION_KEYS first" in rotated.content) == (not keys)
    assert (b"whsec_" in rotated.content) == bool(keys)
