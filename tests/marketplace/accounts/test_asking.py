"""Mails with a way in: few, whoever asks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from jobs.models import Job
from marketplace.accounts.asking import ask_for_login, ask_for_password, mail_new_password
from tests.marketplace.factories import make_member, make_seller
from tests.marketplace.queues import run_due

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize("ask", [ask_for_login, ask_for_password])
def test_an_address_is_mailed_three_times_a_minute_at_most_whatever_counts_who_asks(ask: Callable[..., None]) -> None:
    make_member(make_seller(email="ann@shop.example"))
    for second in range(60):
        ask("ann@shop.example", now=NOW + timedelta(seconds=second))
        run_due("notify-seller")
    assert [sent.to for sent in mail.outbox] == [["ann@shop.example"]] * 3
    ask("bob@shop.example", now=NOW)
    assert Job.objects.filter(payload__email="bob@shop.example").count() == 1


def test_a_key_does_not_tell_the_address() -> None:
    ask_for_login("ann@shop.example")
    assert "ann" not in (Job.objects.get().key or "")


def test_the_mail_says_how_long_its_link_holds(settings: Any) -> None:
    settings.PASSWORD_RESET_TIMEOUT = 7200
    make_member(make_seller(email="ann@shop.example"))
    before = timezone.now()
    mail_new_password("ann@shop.example")
    after = timezone.now()
    said = [f"until {it + timedelta(hours=2):%-d %B %Y, %H:%M} UTC" for it in (before, after)]
    assert any(text in mail.outbox[0].body for text in said)
