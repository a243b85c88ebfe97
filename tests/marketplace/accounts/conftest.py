"""Empty token buckets filled, and the person whose mail is read."""

import re
from collections.abc import Callable

import pytest
from django.core import mail

from tests.marketplace.queues import run_due


@pytest.fixture
def mailed_link() -> Callable[[], str]:
    """Return a function that sends what was asked for, and takes the path out of the link that was mailed last."""

    def path() -> str:
        run_due("notify-seller")
        found: list[str] = re.findall(r"https?://[^/\s]+(/seller/\S+)", str(mail.outbox[-1].body))
        return found[-1]

    return path
