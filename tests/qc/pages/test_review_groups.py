"""The pages of groups, and the figures."""

from typing import Any

import pytest
from django.test import Client

from marketplace.models import Product, Seller
from qc.models import Verdict
from qc.pages import review_groups as pages
from qc.review import decide
from tests.qc.reviewing import make_flagged, make_reviewer

pytestmark = pytest.mark.django_db
GROUPS = "/admin/qc/review/groups/"


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(make_reviewer("ana"))
    return client


@pytest.fixture
def seller() -> Seller:
    seller = Seller.objects.create(name="Harbour Lane")
    for number in range(3):
        make_flagged(seller, title=f"Lamp {number}")
    return seller


def group_address(seller: Seller) -> str:
    return f"/admin/qc/review/group/?seller={seller.pk}&codes=text.phone_number"


def said(reply: Any) -> list[str]:
    return [str(message) for message in reply.context["messages"]]


def answer(page: Any, **fields: Any) -> dict[str, Any]:
    return {"seal": page.context["seal"], "ruling": "approve", "reason": "a help line", "count": 3} | fields


def test_a_group_is_judged_when_its_number_is_confirmed(desk: Client, seller: Seller) -> None:
    assert f"{group_address(seller).replace('&', '&amp;')}" in desk.get(GROUPS).content.decode()
    page = desk.get(group_address(seller))
    assert [it.title for it, _ in page.context["products"]] == ["Lamp 0", "Lamp 1", "Lamp 2"]

    faults: list[tuple[dict[str, Any], str]] = [
        ({"count": 4}, "There are 3 products, not 4."),
        ({"reason": ""}, "This field is required."),
        ({"ruling": "staff.nonsense"}, "Select a valid choice."),
    ]
    for bad, why in faults:
        assert why in desk.post(group_address(seller), answer(page, **bad)).content.decode()
    assert set(Product.objects.values_list("status", flat=True)) == {"flagged"}

    reply = desk.post(group_address(seller), answer(page), follow=True)
    assert said(reply) == ["3 products approved."]
    assert set(Product.objects.values_list("status", flat=True)) == {"pending"}


@pytest.mark.parametrize(
    ("ruling", "code"), [("as_found", "text.phone_number"), ("staff.no_product", "staff.no_product")]
)
def test_a_group_is_rejected_with_a_reason(desk: Client, seller: Seller, ruling: str, code: str) -> None:
    page = desk.get(group_address(seller))

    desk.post(group_address(seller), answer(page, ruling=ruling))

    told = [(it.status, [reason["code"] for reason in it.reasons]) for it in Product.objects.all()]
    assert told == [("rejected", [code])] * 3


def test_a_group_that_changed_is_shown_again(desk: Client, seller: Seller) -> None:
    page = desk.get(group_address(seller))
    make_flagged(seller)

    reply = desk.post(group_address(seller), answer(page))

    assert "The group changed since you looked" in said(reply)[0]
    assert (reply.context["expected"], Verdict.objects.filter(is_automatic=False).count()) == (4, 0)
    assert desk.post(group_address(seller), answer(reply, count=4)).status_code == 302


def test_a_large_group_is_judged_in_parts(desk: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc.review_groups.MAX_AT_ONCE", 2)
    monkeypatch.setattr(pages, "MAX_AT_ONCE", 2)
    page = desk.get(group_address(seller))
    assert (page.context["expected"], page.context["is_part"]) == (2, True)

    desk.post(group_address(seller), answer(page, count=2))

    assert [it.status for it in Product.objects.order_by("pk")] == ["pending", "pending", "flagged"]


def test_an_address_of_no_group_leads_to_all_groups(desk: Client, seller: Seller) -> None:
    for query in ("", "?seller=x&codes=a", f"?seller={seller.pk}", f"?seller={seller.pk}&codes=price.missing"):
        assert desk.get(f"/admin/qc/review/group/{query}")["Location"] == GROUPS


def test_the_figures_are_shown(desk: Client, seller: Seller) -> None:
    first = Product.objects.order_by("pk")[0]
    decide(first.pk, decision=Verdict.Decision.APPROVED, actor=make_reviewer("ben"))

    page = desk.get("/admin/qc/review/figures/")

    assert page.context["waiting"] == 2
    assert page.context["today"] == [("ben", 1)]
    assert [(it.code, it.share_pct) for it in page.context["overturned"]] == [("text.phone_number", 100)]
