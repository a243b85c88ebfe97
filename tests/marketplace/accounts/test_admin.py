"""Logins of sellers in the admin, and by command."""

import io
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from jobs.models import Audit
from marketplace.accounts.models import SellerMember
from marketplace.models import Seller
from tests.marketplace.factories import make_member, make_seller

pytestmark = pytest.mark.django_db


def test_staff_mails_a_login(back_office: Client, seller: Seller) -> None:
    path = f"/admin/marketplace/seller/{seller.pk}/invite/"
    assert b"(no address yet)" in back_office.get(path).content
    back_office.post(path, {"reason": "they asked"})
    assert mail.outbox == []
    Seller.objects.update(email="ann@shop.example")
    back_office.post(path, {"reason": "they asked"})
    assert mail.outbox[0].to == ["ann@shop.example"]
    assert b"ann@shop.example" in back_office.get("/admin/marketplace/invitation/").content


def test_staff_ends_a_login_with_a_reason(back_office: Client, seller: Seller) -> None:
    make_member(seller)
    member = SellerMember.objects.get()
    action = {"action": "remove_selected", "_selected_action": [member.pk]}
    back_office.post("/admin/marketplace/sellermember/", action)
    assert SellerMember.objects.exists()
    back_office.post("/admin/marketplace/sellermember/", action | {"reason": "left"})
    assert not SellerMember.objects.exists()
    assert Audit.objects.get().reason == "left"


def test_a_command_adds_a_member(seller: Seller, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("a long password\n")
    out = io.StringIO()
    for _ in range(2):
        call_command("add_member", seller="Lamp House", email="ann@shop.example", password_file=str(path), stdout=out)
    assert SellerMember.objects.get().user.check_password("a long password")
    assert out.getvalue().splitlines()[0] == "ann@shop.example may act for Lamp House."
    make_seller(name="Lamp House")
    with pytest.raises(CommandError, match="2 sellers are called"):
        call_command("add_member", seller="Lamp House", email="ann@shop.example", password_file=str(path))
    path.write_text("1234")
    with pytest.raises(CommandError, match="too short"):
        call_command("add_member", seller=str(seller.pk), email="bob@shop.example", password_file=str(path))
