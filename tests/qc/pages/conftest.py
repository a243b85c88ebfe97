"""A seller, a person of the shop who is logged in, and buckets that are full."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from marketplace.models import Seller
from tests.marketplace.factories import make_member, make_seller


@pytest.fixture(autouse=True)
def _full_buckets() -> Iterator[None]:
    with redis.Redis.from_url(settings.CACHE_URL) as client:
        for key in client.scan_iter("souk:rate:*"):
            client.delete(key)
    yield


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller(name="Lamp House")


@pytest.fixture
def shop(seller: Seller) -> Client:
    """A browser in which a member of the seller is logged in."""
    client = Client()
    client.force_login(make_member(seller))
    return client


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.com", "a long password")


@pytest.fixture
def back_office(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client
