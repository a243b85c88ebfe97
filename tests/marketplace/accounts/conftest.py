"""Empty token buckets filled, and the person whose mail is read."""

import re
from collections.abc import Callable

import pytest
from django.core import mail


@pytest.fixture
def mailed_link() -> Callable[[], str]:
    """Return a function that takes the path out of the link that was mailed last."""

    def path() -> str:
        found: list[str] = re.findall(r"https?://[^/\s]+(/seller/\S+)", str(mail.outbox[-1].body))
        return found[-1]

    return path
