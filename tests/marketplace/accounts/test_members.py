"""Members: an address gives access once its mailed link was used."""

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Audit
from marketplace.accounts.members import (
    AccountExists,
    BadEmail,
    MailNotSent,
    NotYours,
    add_member,
    clean_email,
    invite,
    invite_for_staff,
    invite_registered,
    join,
    join_as_new,
    memberships_of,
    new_account,
    open_invitation,
    remove_member,
)
from marketplace.accounts.models import Invitation, SellerMember
from marketplace.models import Seller
from tests.marketplace.factories import make_member, make_seller

pytestmark = pytest.mark.django_db


def _invited(seller: Seller, email: str = "ann@shop.example", **fields: Any) -> tuple[Invitation, str]:
    invitation = invite(seller, email=email, invited_by="test", **fields)
    return invitation, re.findall(r"/seller/join/([\w-]+)/", str(mail.outbox[-1].body))[0]


@pytest.mark.parametrize(("given", "kept"), [(" Ann@Shop.Example ", "ann@shop.example"), ("a@b.co", "a@b.co")])
def test_an_address_is_kept_in_small_letters(given: str, kept: str) -> None:
    assert clean_email(given) == kept


@pytest.mark.parametrize("given", ["", "ann", "ann@", "ann@shop", "a b@shop.example", f"{'a' * 140}@shop.example"])
def test_what_no_login_can_have_is_refused(given: str) -> None:
    with pytest.raises(BadEmail):
        clean_email(given)


def test_the_link_stands_in_the_mail_alone_and_leads_to_membership(seller: Seller) -> None:
    invitation, token = _invited(seller)

    (sent,) = mail.outbox
    assert (sent.to, token in sent.body, "Lamp House" in sent.body) == (["ann@shop.example"], True, True)
    assert token not in repr(Invitation.objects.values().get())
    assert SellerMember.objects.count() == 0
    assert open_invitation(token) == invitation

    account = new_account(invitation)
    account.set_password("a long password")
    join_as_new(invitation, user=account)

    assert [it.seller for it in memberships_of(account)] == [seller]
    assert open_invitation(token) is None


def test_a_link_that_is_too_old_or_of_a_suspended_seller_does_not_hold(seller: Seller) -> None:
    _, token = _invited(seller)
    assert open_invitation(token, now=timezone.now() + timedelta(days=3, seconds=1)) is None
    Seller.objects.update(status=Seller.Status.SUSPENDED)
    assert open_invitation(token) is None
    assert open_invitation("another") is None


def test_an_account_of_another_address_cannot_join(seller: Seller) -> None:
    invitation, token = _invited(seller)
    with pytest.raises(NotYours):
        join(invitation, user=User.objects.create_user("eve@shop.example"))
    assert open_invitation(token) is not None


def test_whoever_comes_second_to_an_address_has_to_log_in(seller: Seller) -> None:
    invitation, _ = _invited(seller)
    make_member(make_seller(), email="ann@shop.example")
    with pytest.raises(AccountExists):
        join_as_new(invitation, user=new_account(invitation))
    assert not SellerMember.objects.filter(seller=seller).exists()


def test_joining_twice_is_joining_once(seller: Seller) -> None:
    invitation, _ = _invited(seller)
    user = User.objects.create_user("ann@shop.example")
    assert join(invitation, user=user) == join(invitation, user=user)


def test_a_registered_address_is_mailed_one_link_a_shop_and_an_unknown_one_nothing() -> None:
    for name in ("One", "Two"):
        make_seller(name=name, email="Ann@shop.example")
    make_seller(name="Three", email="ann@shop.example", status=Seller.Status.SUSPENDED)

    assert invite_registered("ann@shop.example", occasion="first") == 2
    assert invite_registered("bob@shop.example", occasion="first") == 0

    (sent,) = mail.outbox
    assert ("One" in sent.body, "Two" in sent.body, "Three" in sent.body) == (True, True, False)


def test_the_same_occasion_mails_the_same_links_and_another_one_others(seller: Seller) -> None:
    Seller.objects.update(email="ann@shop.example")
    for occasion in ("job 1", "job 1", "job 2"):
        invite_registered("ann@shop.example", occasion=occasion)
    links = [re.findall(r"/seller/join/([\w-]+)/", str(sent.body)) for sent in mail.outbox]
    assert links[0] == links[1] != links[2]
    assert Invitation.objects.count() == 2
    assert open_invitation(links[0][0]) == Invitation.objects.last()


def test_a_link_that_arrives_holds_whenever_the_worker_is_killed(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    Seller.objects.update(email="ann@shop.example")
    arrived: list[str] = []

    def die_after_sending(message: EmailMessage) -> None:
        arrived.append(str(message.body))
        raise KeyboardInterrupt

    monkeypatch.setattr(EmailMessage, "send", die_after_sending)
    with pytest.raises(KeyboardInterrupt):
        invite_registered("ann@shop.example", occasion="job 1")
    (token,) = re.findall(r"/seller/join/([\w-]+)/", arrived[0])
    assert open_invitation(token) is not None


def test_a_mail_that_is_not_taken_leaves_no_invitation(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise SMTPRecipientsRefused({"ann@shop.example": (550, b"no such user")})

    monkeypatch.setattr(EmailMessage, "send", refuse)
    with pytest.raises(MailNotSent):
        _invited(seller)
    assert not Invitation.objects.exists()


def test_links_of_what_is_removed_in_between_are_not_mailed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (make_seller(name=name, email="ann@shop.example") for name in ("One", "Two"))
    bulk_create = QuerySet.bulk_create

    def removed_after(removed: list[Seller]) -> Any:
        def create(self: Any, rows: Any, **options: Any) -> Any:
            made = bulk_create(self, rows, **options)
            Invitation.objects.filter(seller__in=removed).delete()
            return made

        return create

    monkeypatch.setattr(QuerySet, "bulk_create", removed_after([first]))
    assert invite_registered("ann@shop.example", occasion="one is left") == 1
    (sent,) = mail.outbox
    assert ("One" in sent.body, "Two" in sent.body, len(re.findall("/seller/join/", str(sent.body)))) == (
        False,
        True,
        1,
    )

    monkeypatch.setattr(QuerySet, "bulk_create", removed_after([first, second]))
    assert invite_registered("ann@shop.example", occasion="none is left") == 0
    with pytest.raises(MailNotSent, match="removed"):
        invite(first, email="ann@shop.example", invited_by="test")
    assert len(mail.outbox) == 1


def test_the_record_of_staff_s_invitation_is_committed_before_the_mail_goes(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    Seller.objects.update(email="ann@shop.example")
    seller.refresh_from_db()
    depth = len(connection.savepoint_ids)

    def refuse(*_: Any) -> None:
        assert (len(connection.savepoint_ids), Audit.objects.count()) == (depth, 1)
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailMessage, "send", refuse)
    with pytest.raises(MailNotSent):
        invite_for_staff(seller, actor="ada", reason="they phoned")
    assert (Audit.objects.count(), Invitation.objects.count()) == (1, 0)


def test_staff_can_mail_no_login_to_a_seller_without_an_address(seller: Seller) -> None:
    seller.email = ""
    with pytest.raises(BadEmail):
        invite_for_staff(seller, actor="ada", reason="they phoned")
    assert not Audit.objects.exists()


def test_staff_mails_a_login_and_ends_it_on_the_record(seller: Seller) -> None:
    Seller.objects.update(email="ann@shop.example")
    seller.refresh_from_db()
    invite_for_staff(seller, actor="ada", reason="they phoned")
    user = make_member(seller)

    remove_member(SellerMember.objects.get(), actor="ada", reason="left the shop")

    assert (memberships_of(user).count(), Invitation.objects.count()) == (0, 0)
    assert list(Audit.objects.order_by("pk").values_list("actor", "action", "reason")) == [
        ("ada", "invite seller", "they phoned"),
        ("ada", "remove member", "left the shop"),
    ]


def test_a_member_is_added_without_a_mail(seller: Seller) -> None:
    member = add_member(seller, email="Ann@shop.example", password="a long password", actor="command")
    assert (member.user.get_username(), member.user.check_password("a long password")) == ("ann@shop.example", True)
    assert add_member(seller, email="ann@shop.example", password="another one of them", actor="command") == member
    member.user.refresh_from_db()
    assert member.user.check_password("a long password")
    assert mail.outbox == []
    with pytest.raises(ValidationError):
        add_member(seller, email="bob@shop.example", password="1234", actor="command")
