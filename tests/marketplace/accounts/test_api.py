"""Inviting a member over the API."""

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from marketplace.accounts.models import Invitation
from marketplace.models import Seller

pytestmark = pytest.mark.django_db
PATH = "/api/sellers/me/login/"


def test_a_key_has_a_link_mailed_and_is_not_shown_it(api: APIClient, seller: Seller, settings: Any) -> None:
    settings.PUBLIC_URL = "https://souk.example/"
    answer = api.post(PATH, {"email": "Ann@shop.example"})
    assert (answer.status_code, set(answer.json())) == (202, {"email", "created_at", "expires_at"})
    assert answer.json()["email"] == "ann@shop.example"
    (sent,) = mail.outbox
    assert "\nhttps://souk.example/seller/join/" in sent.body  # whatever host was asked
    assert Invitation.objects.get().seller == seller


def test_the_seller_s_own_address_is_the_default(api: APIClient, seller: Seller) -> None:
    assert api.post(PATH).status_code == 400
    Seller.objects.update(email="ann@shop.example")
    assert api.post(PATH).status_code == 202
    assert mail.outbox[0].to == ["ann@shop.example"]


def test_bad_addresses_and_too_many_mails_are_refused(api: APIClient) -> None:
    bad = api.post(PATH, {"email": "ann"}).json()
    assert (bad["code"], bad["errors"][0]["field"]) == ("request.invalid", "email")
    codes = [api.post(PATH, {"email": f"ann{number}@shop.example"}).status_code for number in range(4)]
    assert codes == [202, 202, 202, 429]


def test_a_mail_server_that_is_away_is_told(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailMessage, "send", fail)
    answer = api.post(PATH, {"email": "ann@shop.example"})
    assert (answer.status_code, answer.json()["code"]) == (503, "login.mail_not_sent")
    assert answer.headers["Retry-After"] == "60"
    assert not Invitation.objects.exists()


def test_where_no_mail_is_sent_the_answer_says_whom_to_ask(api: APIClient, settings: Any) -> None:
    settings.SENDS_MAIL = False
    answer = api.post(PATH, {"email": "ann@shop.example"})
    assert (answer.status_code, answer.json()["code"]) == (503, "login.mail_not_sent")
    assert answer.json()["detail"].startswith("This marketplace sends no mail.")
    assert mail.outbox == []
