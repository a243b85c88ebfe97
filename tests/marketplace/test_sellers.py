"""Who joins, and with which address."""

import json

import pytest
from django.core.management import call_command

from jobs.models import Audit, Tenant
from marketplace import api_keys, sellers
from marketplace.models import Seller
from tests.marketplace.factories import make_seller


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example",
        "http://127.0.0.1:8123/catalog?x=1",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/ä",
        "",
    ],
)
def test_an_address_of_the_web_is_taken(address: str) -> None:
    assert sellers.checked_catalog_address(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        "shop.example",
        "ftp://shop.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://[::1",
        "https://me:secret@shop.example/",
        "https://shop.example/a b",
        "https://shop.example/\x00",
        "https://shop.example/" + "a" * 2000,
    ],
)
def test_anything_else_is_refused_with_a_reason(address: str) -> None:
    with pytest.raises(sellers.InvalidCatalogAddress, match=r"\w+"):
        sellers.checked_catalog_address(address)


@pytest.mark.django_db
def test_registering_makes_a_seller_and_a_key() -> None:
    seller, raw, _ = sellers.register_seller(name="Lamps", catalog_address=" https://shop.example/ ", phone="+254")
    assert (seller.catalog_address, seller.phone, seller.plan) == ("https://shop.example/", "+254", "free")
    key = api_keys.authenticate(raw)
    assert key is not None
    assert key.seller == seller


@pytest.mark.django_db
def test_a_seller_with_an_invalid_address_is_not_made() -> None:
    with pytest.raises(sellers.InvalidCatalogAddress):
        sellers.register_seller(name="Lamps", catalog_address="nowhere")
    assert not Seller.objects.exists()


def test_updating_writes_only_what_changed(seller: Seller) -> None:
    Seller.objects.filter(pk=seller.pk).update(plan=Seller.Plan.PREMIUM)
    sellers.update_seller(seller, name="Lamps & Co")
    seller.refresh_from_db()
    assert (seller.name, seller.plan) == ("Lamps & Co", "premium")


def test_suspending_and_reactivating_leave_an_audit_row_each(seller: Seller) -> None:
    assert sellers.suspend_seller(seller, actor="ada", reason="Fraud.") is True
    assert sellers.suspend_seller(seller, actor="ada", reason="Fraud.") is False
    assert sellers.reactivate_seller(seller, actor="bob", reason="Mistake.") is True
    seller.refresh_from_db()
    assert seller.status == "active"
    assert list(Audit.objects.order_by("id").values_list("actor", "action", "subject", "reason")) == [
        ("ada", "suspend seller", f"seller {seller.pk}", "Fraud."),
        ("bob", "reactivate seller", f"seller {seller.pk}", "Mistake."),
    ]


def test_a_plan_comes_with_a_share_of_the_workers(db: None) -> None:
    seller, _, _ = sellers.register_seller(name="Lamps")
    assert Tenant.objects.get(pk=seller.tenant).weight == 1
    sellers.update_seller(seller, plan="premium")
    assert Tenant.objects.get(pk=seller.tenant).weight == 4
    sellers.update_seller(seller, name="Lamps & Co")
    assert Tenant.objects.get(pk=seller.tenant).weight == 4


def test_sellers_who_were_there_before_get_their_share(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    premium, free = make_seller(plan="premium"), make_seller()
    call_command("share_by_plan")
    assert capsys.readouterr().out == "2 sellers have the share of their plan (1 free, 1 premium).\n"
    call_command("share_by_plan", "--json")
    assert json.loads(capsys.readouterr().out) == {"free": 1, "premium": 1}
    assert dict(Tenant.objects.values_list("name", "weight")) == {premium.tenant: 4, free.tenant: 1}
