"""A seller who calls the API, a member of staff who is logged in, and buckets that are full."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from marketplace import api_keys
from marketplace.models import Seller
from tests.marketplace.factories import make_seller


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller(name="Lamp House")


@pytest.fixture
def raw_key(seller: Seller) -> str:
    return api_keys.issue_key(seller=seller)[1]


@pytest.fixture
def api(raw_key: str) -> APIClient:
    """A client that carries the seller's key, and answers errors as a server would."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {raw_key}")
    return client


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.com", "a long password")


@pytest.fixture
def back_office(staff: User) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture(autouse=True)
def full_buckets() -> Iterator[None]:
    """Forget what earlier tests took out of the token buckets."""
    with redis.Redis.from_url(settings.CACHE_URL) as client:
        for key in client.scan_iter("souk:rate:*"):
            client.delete(key)
    yield
