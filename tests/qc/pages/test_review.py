"""The pages of the review queue, by forms alone."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from marketplace.models import Product, Seller
from qc import holds
from qc.models import ReviewHold, Verdict
from tests.qc.reviewing import make_flagged, make_product, make_reviewer

pytestmark = pytest.mark.django_db
QUEUE = "/admin/qc/review/"
DECIDE = "/admin/qc/review/decide/"


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def desk(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


def form_of(page: Any) -> dict[str, str]:
    """Return what the card's form would send."""
    card = page.context["card"]
    return {"product": str(card["product"].pk), "seen": card["seen"]}


def said(reply: Any) -> list[str]:
    return [str(message) for message in reply.context["messages"]]


def test_one_product_after_the_other_is_judged(desk: Client, seller: Seller) -> None:
    first, second, third = (make_flagged(seller, title=f"Lamp {number}") for number in range(3))

    page = desk.get(QUEUE)
    assert page.context["card"]["product"] == first
    assert page.context["standing"] == {"waiting": 3, "today": 0}
    reply = desk.post(DECIDE, form_of(page) | {"act": "approve"}, follow=True)
    assert said(reply) == ["Approved “Lamp 0”."]
    assert reply.context["card"]["product"] == second
    reply = desk.post(DECIDE, form_of(reply) | {"reason": "staff.counterfeit"}, follow=True)
    assert said(reply) == ["Rejected “Lamp 1”."]
    reply = desk.post(DECIDE, form_of(reply) | {"reason": "as_found"}, follow=True)

    assert reply.context["card"] is None
    assert "Nothing is left for you" in reply.content.decode()
    assert reply.context["standing"] == {"waiting": 0, "today": 3}
    assert [it.status for it in Product.objects.order_by("pk")] == ["pending", "rejected", "rejected"]
    third.refresh_from_db()
    assert [(it["code"], it["severity"]) for it in third.reasons] == [("text.phone_number", "reject")]


def test_the_last_decision_is_taken_back_and_its_product_shown_again(desk: Client, seller: Seller) -> None:
    first, second = make_flagged(seller, title="Lamp"), make_flagged(seller, title="Vase")
    page = desk.post(DECIDE, form_of(desk.get(QUEUE)) | {"act": "approve"}, follow=True)
    assert page.context["card"]["product"] == second

    reply = desk.post("/admin/qc/review/undo/", {"verdict": page.context["last"].pk}, follow=True)

    assert said(reply) == ["Took back the decision on “Lamp”."]
    assert reply.context["card"]["product"] == first
    first.refresh_from_db()
    assert first.status == "flagged"
    assert ReviewHold.objects.get().product == first
    again = desk.post("/admin/qc/review/undo/", {"verdict": page.context["last"].pk}, follow=True)
    assert "nothing to take back" in said(again)[0]


def test_what_is_skipped_comes_again_when_asked_for(desk: Client, seller: Seller) -> None:
    first, second = make_flagged(seller), make_flagged(seller)

    reply = desk.post(DECIDE, form_of(desk.get(QUEUE)) | {"act": "skip"}, follow=True)
    assert reply.context["card"]["product"] == second
    reply = desk.post(DECIDE, form_of(reply) | {"act": "skip"}, follow=True)
    assert reply.context["card"] is None
    assert "Offer the 2 skipped again" in reply.content.decode()
    assert ReviewHold.objects.count() == 0

    reply = desk.post("/admin/qc/review/skipped/", follow=True)
    assert reply.context["card"]["product"] == first


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"reason": "staff.other", "words": " "}, "Say why"),
        ({"reason": "staff.nonsense"}, "Choose one of the reasons"),
        ({"act": "nonsense"}, "form is incomplete"),
        ({"act": "approve", "product": "x"}, "form is incomplete"),
        ({"act": "approve", "product": "999999999"}, "not there any more"),
        ({"act": "approve", "seen": "0" * 64}, "changed the product since"),
    ],
)
def test_a_bad_form_decides_nothing_and_says_why(
    desk: Client, seller: Seller, fields: dict[str, str], why: str
) -> None:
    product = make_flagged(seller)

    reply = desk.post(DECIDE, form_of(desk.get(QUEUE)) | fields, follow=True)

    assert why in said(reply)[0]
    assert reply.context["card"]["product"] == product
    assert Verdict.objects.filter(is_automatic=False).count() == 0


def test_a_decision_without_a_hold_is_refused_and_the_product_offered_anew(desk: Client, seller: Seller) -> None:
    make_flagged(seller)
    page = desk.get(QUEUE)
    ReviewHold.objects.all().delete()

    reply = desk.post(DECIDE, form_of(page) | {"act": "approve"}, follow=True)

    assert "Your hold on this product ran out" in said(reply)[0]
    assert ReviewHold.objects.count() == 1
    reply = desk.post(DECIDE, form_of(reply) | {"act": "approve"}, follow=True)
    assert said(reply) == ["Approved “Lamp”."]


def test_scripts_are_answered_in_json_and_pieces(desk: Client, seller: Seller) -> None:
    products = [make_flagged(seller, title=f"Lamp {number}") for number in range(2)]
    page = desk.get(QUEUE)
    ahead = desk.get("/admin/qc/review/next/", {"besides": str(products[0].pk)})
    assert ahead.content.decode().strip().startswith('<article class="review-card" ')
    assert f'data-product="{products[1].pk}"' in ahead.content.decode()
    both = f"{products[0].pk},{products[1].pk}"
    assert desk.get("/admin/qc/review/next/", {"besides": both}).status_code == 204

    json = {"Accept": "application/json"}
    kept = desk.post("/admin/qc/review/renew/", {"products": f"{both},7777777,x"}, headers=json)
    assert kept.json() == {"lost": [7777777], "waiting": 2, "today": 0}
    done = desk.post(DECIDE, form_of(page) | {"act": "approve"}, headers=json).json()
    assert done == {"said": "Approved “Lamp 0”.", "waiting": 1, "today": 1, "verdict": Verdict.objects.first().pk}
    refused = desk.post(DECIDE, form_of(page) | {"act": "approve"}, headers=json)
    assert (refused.status_code, refused.json()["product"]) == (409, products[0].pk)
    back = desk.post("/admin/qc/review/undo/", {"verdict": done["verdict"]}, headers=json).json()
    assert f'data-product="{products[0].pk}"' in back["card"]
    assert (back["waiting"], back["today"]) == (2, 0)


def test_the_queue_can_be_narrowed(desk: Client, seller: Seller) -> None:
    other = Seller.objects.create(name="Old Mill")
    make_flagged(seller)
    gun = make_flagged(other, title="Old gun, works")

    assert desk.get(QUEUE, {"seller": other.pk}).context["card"]["product"] == gun
    page = desk.get(QUEUE, {"code": "text.possibly_prohibited_goods"})
    assert page.context["card"]["product"] == gun
    assert page.context["standing"]["waiting"] == 1
    reply = desk.post(DECIDE, form_of(page) | {"act": "approve", "code": "text.possibly_prohibited_goods"})
    assert reply["Location"] == f"{QUEUE}?code=text.possibly_prohibited_goods"
    assert "No product waits that fits" in desk.get(reply["Location"]).content.decode()
    assert desk.get(QUEUE, {"seller": "9" * 30}).status_code == 200


def test_what_sellers_write_is_shown_as_text_and_what_was_found_marked(desk: Client, seller: Seller) -> None:
    make_flagged(
        seller,
        title="<em>A</em> lamp",
        description="Call +44 20 7946 0123 <b>now</b>",
        address="javascript:1",
    )

    page = desk.get(QUEUE).content.decode()

    assert "<em>A" not in page
    assert "&lt;em&gt;A&lt;/em&gt; lamp" in page
    assert "<mark>+44 20 7946 0123</mark> &lt;b&gt;now&lt;/b&gt;" in page
    assert "javascript:1" not in page


def test_any_product_can_be_judged_from_its_page(desk: Client, seller: Seller) -> None:
    product = make_product(seller, status="live")
    change = reverse("admin:marketplace_product_change", args=[product.pk])
    assert f"{change}judge/" in desk.get(change).content.decode() or "judge" in desk.get(change).content.decode()

    page = desk.get(f"/admin/qc/review/product/{product.pk}/")
    reply = desk.post(DECIDE, form_of(page) | {"alone": "1", "reason": "staff.price", "note": "too cheap"})

    assert reply["Location"] == change
    product.refresh_from_db()
    assert (product.status, Verdict.objects.get().note) == ("rejected", "too cheap")
    holds.take(product.pk, user=make_reviewer("ben"))
    refused = desk.get(f"/admin/qc/review/product/{product.pk}/", follow=True)
    assert "ben is looking at this product" in said(refused)[-1]
    assert desk.get("/admin/qc/review/product/99999999/")["Location"] == QUEUE


def test_a_product_is_checked_again_with_a_reason(desk: Client, seller: Seller) -> None:
    product = make_flagged(seller)
    address = f"/admin/qc/review/product/{product.pk}/again/"

    assert desk.get(address).status_code == 200
    assert "This field is required" in desk.post(address, {"reason": ""}).content.decode()
    reply = desk.post(address, {"reason": "the rules were set anew"}, follow=True)

    assert said(reply) == ["The product is being checked again."]
    Product.objects.update(status="gone")
    assert "gone from its catalog" in said(desk.post(address, {"reason": "x"}, follow=True))[0]


@pytest.mark.parametrize("path", ["", "groups/", "figures/", "next/", "group/?seller=1&codes=a"])
def test_only_reviewers_come_in(db: None, path: str) -> None:
    client = Client()
    assert client.get(QUEUE + path).status_code == 302
    client.force_login(make_reviewer("cleo", may_review=False))
    assert client.get(QUEUE + path).status_code == 403
    assert client.post(DECIDE).status_code == 403


def test_the_navigation_leads_reviewers_to_the_queue(desk: Client, seller: Seller) -> None:
    make_flagged(seller)
    groups = desk.get(QUEUE).context["sidebar_navigation"]
    (entry,) = [it for group in groups for it in group["items"] if it["active"]]

    assert (entry["title"], entry["link"], entry["badge"]) == ("Review queue", QUEUE, "1")


def test_the_number_of_queries_for_a_card_is_small(
    desk: Client, seller: Seller, django_assert_max_num_queries: Any
) -> None:
    products = [make_flagged(seller) for _ in range(10)]
    with django_assert_max_num_queries(35):
        desk.get("/admin/qc/review/next/", {"besides": str(products[0].pk)})
