"""A receiver on loopback that sellers may name, and an endpoint there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marketplace.models import Seller
from marketplace.webhooks.endpoints import create_endpoint
from marketplace.webhooks.models import WebhookEndpoint
from tests.fakes.receiver import Receiver, webhook_receiver

Hook = Callable[..., tuple[WebhookEndpoint, str]]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with webhook_receiver() as served:
        settings.FETCH_PRIVATE_HOSTS = [served.host]
        yield served


@pytest.fixture
def hook(receiver: Receiver, seller: Seller) -> Hook:
    """Make an endpoint at the receiver; returns it and its secret."""

    def make(path: str = "/hook", **fields: Any) -> tuple[WebhookEndpoint, str]:
        return create_endpoint(fields.pop("seller", seller), address=f"{receiver.origin}{path}", **fields)

    return make
