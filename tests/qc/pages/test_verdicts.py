"""Verdicts in the admin: who, of what, and what changed."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketplace.models import Product, Seller
from qc.models import Verdict
from qc.review import decide, undo
from tests.qc.reviewing import control, make_flagged, make_reviewer

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def desk(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def test_a_verdict_tells_who_made_it_with_what_and_what_changed(desk: Client, ana: User) -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"), title="Red lamp")
    Verdict.objects.update(model="gemini-3.5-flash-lite", prompt_version="7")
    Product.objects.update(title="Blue lamp")
    control(product)
    verdict = decide(product.pk, decision=Verdict.Decision.APPROVED, actor=ana, note="a museum's number")
    restored = undo(verdict, ana)

    page = desk.get(f"/admin/qc/verdict/{verdict.pk}/change/").content.decode()

    assert "a museum&#x27;s number" in page
    assert "rules and gemini-3.5-flash-lite" in page
    assert "<del>Red</del><ins>Blue</ins> lamp" in page
    assert f"/admin/marketplace/product/{product.pk}/change/" in page
    assert "taken back by <a" in page
    assert f"/admin/qc/verdict/{restored.pk}/change/" in page
    assert "brought back by ana" in page
    first = product.verdicts.last()
    assert first is not None
    assert "7" in desk.get(f"/admin/qc/verdict/{first.pk}/change/").content.decode()
    judge = desk.get(f"/admin/qc/verdict/{verdict.pk}/judge/")
    assert judge["Location"] == f"/admin/qc/review/product/{product.pk}/"


def test_verdicts_are_found_by_product_and_reason(desk: Client) -> None:
    seller = Seller.objects.create(name="Harbour Lane")
    lamp, vase = make_flagged(seller, title="Lamp"), make_flagged(seller, title="Vase")

    for query, found in [
        (f"?q={vase.pk}", [vase.pk]),
        ("?q=lam", [lamp.pk]),
        ("?reason=text.phone_number", [vase.pk, lamp.pk]),
        ("?reason=price.missing", []),
        (f"?product__id__exact={lamp.pk}", [lamp.pk]),
    ]:
        listed = desk.get(f"/admin/qc/verdict/{query}").context["cl"].result_list
        assert [it.product_id for it in listed] == found, query


def test_a_long_history_links_to_the_rest(desk: Client) -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"))
    verdict = product.verdicts.get()
    Verdict.objects.bulk_create([Verdict(product=product, decision="flagged", rule_version="3.0") for _ in range(25)])

    page = desk.get(f"/admin/qc/verdict/{verdict.pk}/change/").content.decode()

    assert "all of them" in page
