"""The way to a login, and out of it, as a browser goes it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from marketplace.accounts.models import SellerMember
from marketplace.models import Seller
from tests.marketplace.factories import make_member, make_seller
from tests.marketplace.queues import run_after, run_due

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"
Link = Callable[[], str]


def _log_in(client: Client, email: str = "ann@shop.example", password: str = PASSWORD, **fields: str) -> int:
    return client.post("/seller/login/", {"username": email, "password": password, **fields}).status_code


def test_a_registered_address_gets_in_by_the_mailed_link_alone(mailed_link: Link) -> None:
    seller = make_seller(name="Lamp House", email="ann@shop.example")
    client = Client()
    assert client.get("/seller/").headers["Location"] == "/seller/login/?next=/seller/"
    assert client.post("/seller/first-login/", {"email": "ann@shop.example"}).headers["Location"] == "/seller/login/"
    assert _log_in(client) == 200  # refused: no password yet

    path = mailed_link()
    assert b"ann@shop.example" in client.get(path).content
    weak = client.post(path, {"new_password1": "1234", "new_password2": "1234"})
    assert (weak.status_code, b"too short" in weak.content, User.objects.count()) == (200, True, 0)
    answer = client.post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert answer.headers["Location"] == "/seller/"
    assert b"Lamp House" in client.get("/seller/").content
    assert SellerMember.objects.get().seller == seller
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/seller/first-login/", "/seller/password/"])
def test_nobody_learns_whether_an_address_is_known(path: str, mailed_link: Link) -> None:
    make_member(make_seller(email="ann@shop.example"))
    costs = []
    for email in ("ann@shop.example", "bob@shop.example"):
        client = Client()
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(path, {"email": email})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/seller/login/")
        assert b"If we know this address, a mail is on its way" in client.get("/seller/login/").content
        costs.append([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries])
    assert costs[0] == costs[1]
    assert mail.outbox == []  # a task mails it
    mailed_link()
    assert [message.to for message in mail.outbox] == [["ann@shop.example"]]


def test_a_mail_server_that_is_away_is_not_seen_by_who_asks_and_the_mail_comes_later(
    mailed_link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_seller(email="ann@shop.example")

    def fail(*_: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as away:
        away.setattr(EmailMessage, "send", fail)
        assert Client().post("/seller/first-login/", {"email": "ann@shop.example"}).status_code == 302
        run_due("notify-seller")
    assert Job.objects.get(task="mail-login").state == "scheduled"
    run_after("notify-seller", timedelta(minutes=1))
    assert Client().get(mailed_link()).status_code == 200


@pytest.mark.parametrize("path", ["/seller/first-login/", "/seller/password/"])
@pytest.mark.parametrize("email", ["ann@shop.example", "bob@shop.example"])
def test_where_no_mail_is_sent_all_are_told_so(path: str, email: str, settings: Any) -> None:
    settings.SENDS_MAIL = False
    make_member(make_seller(email="ann@shop.example"))
    answer = Client().post(path, {"email": email})
    assert (answer.status_code, b"sends no mail" in answer.content) == (503, True)
    assert not Job.objects.exists()


def test_links_lead_to_the_public_address_whatever_host_was_asked(settings: Any) -> None:
    settings.PUBLIC_URL = "https://souk.example/"
    settings.ALLOWED_HOSTS = ["*"]
    make_member(make_seller(email="ann@shop.example"))
    for path in ("/seller/first-login/", "/seller/password/"):
        Client().post(path, {"email": "ann@shop.example"}, headers={"host": "evil.example"})
    run_due("notify-seller")
    for sent, page in zip(mail.outbox, ("join", "password"), strict=True):
        assert f"\nhttps://souk.example/seller/{page}/" in sent.body
        assert "evil.example" not in sent.body


def test_registering_with_somebody_s_address_gives_them_nothing_and_takes_nothing(mailed_link: Link) -> None:
    own = make_seller(name="Own shop")
    make_member(own)
    make_seller(name="Somebody's", email="ann@shop.example")
    client = Client()
    _log_in(client)
    assert b"Somebody" not in client.get("/seller/").content


def test_a_member_joins_a_second_shop_and_switches(mailed_link: Link) -> None:
    first, second = make_seller(name="First shop"), make_seller(name="Second shop", email="ann@shop.example")
    make_member(first)
    client = Client()
    client.post("/seller/first-login/", {"email": "ann@shop.example"})
    path = mailed_link()
    assert client.get(path).headers["Location"] == f"/seller/login/?next={path}"
    assert (
        client.post("/seller/login/", {"username": "ann@shop.example", "password": PASSWORD, "next": path}).headers[
            "Location"
        ]
        == path
    )
    assert b"Second shop" in client.get(path).content
    assert SellerMember.objects.filter(seller=second).count() == 0
    client.post(path)

    assert b"<bdi>Second shop</bdi></strong>" in client.get("/seller/").content
    client.post("/seller/switch/", {"seller": first.pk})
    assert b"<bdi>First shop</bdi></strong>" in client.get("/seller/").content
    other = make_seller(name="Not theirs")
    client.post("/seller/switch/", {"seller": other.pk})
    assert b"<bdi>First shop</bdi></strong>" in client.get("/seller/").content


def test_a_link_for_another_address_is_refused_to_who_is_logged_in(seller: Seller, mailed_link: Link) -> None:
    Seller.objects.filter(pk=seller.pk).update(email="bob@shop.example")
    Client().post("/seller/first-login/", {"email": "bob@shop.example"})
    client = Client()
    client.force_login(make_member(make_seller()))
    path = mailed_link()
    assert client.get(path).status_code == 403
    assert client.post(path).status_code == 403
    assert SellerMember.objects.filter(seller=seller).count() == 0


def test_a_login_is_case_blind_in_the_address_only(seller: Seller) -> None:
    make_member(seller)
    assert _log_in(Client(), email="ANN@shop.example") == 302
    assert _log_in(Client(), password="A LONG PASSWORD") == 200


def test_logging_in_leads_to_where_it_was_asked_for_and_nowhere_else(seller: Seller) -> None:
    make_member(seller)
    for asked, led in (("/seller/appeals/", "/seller/appeals/"), ("https://evil.example/", "/seller/"),
                       ("/seller/login/?next=/seller/", "/seller/")):  # fmt: skip
        client = Client()
        answer = client.post("/seller/login/", {"username": "ann@shop.example", "password": PASSWORD, "next": asked})
        assert answer.headers["Location"] == led
    assert client.get("/seller/login/?next=/seller/login/").headers["Location"] == "/seller/"


def test_passwords_are_not_tried_without_end(seller: Seller) -> None:
    make_member(seller)
    tries = [_log_in(Client(), password=f"guess {number}") for number in range(11)]
    assert tries == [200] * 10 + [429]
    answer = Client().post("/seller/login/", {"username": "ann@shop.example", "password": PASSWORD})
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    assert b"Wait" in answer.content


def test_mails_are_not_asked_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.accounts.asking.SLOT", timedelta(microseconds=1))
    make_seller(email="ann@shop.example")
    codes = [Client().post("/seller/first-login/", {"email": "ann@shop.example"}).status_code for _ in range(4)]
    assert codes == [302, 302, 302, 429]
    run_due("notify-seller")
    assert len(mail.outbox) == 3
    assert Client().post("/seller/password/", {"email": "ann@shop.example"}).status_code == 429


def test_a_forgotten_password_is_set_anew_by_mail_but_not_that_of_staff(seller: Seller, mailed_link: Link) -> None:
    make_member(seller)
    User.objects.create_superuser("ada@souk.example", "ada@souk.example", PASSWORD)
    client = Client()
    for email in ("ada@souk.example", "ann@shop.example"):
        assert client.post("/seller/password/", {"email": email}).headers["Location"] == "/seller/login/"
    path = client.get(mailed_link()).headers["Location"]
    assert [message.to for message in mail.outbox] == [["ann@shop.example"]]
    client.post(path, {"new_password1": "quite another one", "new_password2": "quite another one"})
    assert _log_in(Client(), password="quite another one") == 302
    assert b"does not hold any more" in Client().get(mailed_link()).content


def test_what_changes_something_needs_the_form_s_token(seller: Seller) -> None:
    make_member(seller)
    client = Client(enforce_csrf_checks=True)
    assert _log_in(client) == 403
    client.force_login(User.objects.get())
    for path in ("/seller/logout/", "/seller/switch/", "/seller/products/1/recheck/", "/seller/products/1/appeal/"):
        assert client.post(path).status_code == 403, path


def test_logging_out_is_a_post_and_ends_the_session(seller: Seller) -> None:
    client = Client()
    client.force_login(make_member(seller))
    assert client.get("/seller/logout/").status_code == 405
    client.post("/seller/logout/")
    assert client.get("/seller/appeals/").headers["Location"] == "/seller/login/?next=/seller/appeals/"
    assert client.post("/seller/switch/").headers["Location"] == "/seller/login/?next=/seller/"


def test_a_suspended_shop_and_a_login_without_one_are_told_so(seller: Seller, back_office: Client) -> None:
    client = Client()
    client.force_login(make_member(seller))
    Seller.objects.update(status=Seller.Status.SUSPENDED)
    suspended = client.get("/seller/")
    assert (suspended.status_code, b"suspended" in suspended.content) == (403, True)
    nobody = back_office.get("/seller/")
    assert (nobody.status_code, b"belongs to no shop" in nobody.content) == (403, True)


def test_pages_of_sellers_are_kept_by_nobody_and_run_no_foreign_script(seller: Seller) -> None:
    client = Client()
    client.force_login(make_member(seller))
    for path in ("/seller/", "/seller/products/", "/seller/appeals/"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert b"<script>" not in answer.content and b"style=" not in answer.content


def test_a_member_has_a_fair_share_of_pages(seller: Seller, settings: object) -> None:
    settings.API_RATE_PER_KEY = 2
    client = Client()
    client.force_login(make_member(seller))
    assert [client.get("/seller/appeals/").status_code for _ in range(3)] == [200, 200, 429]
