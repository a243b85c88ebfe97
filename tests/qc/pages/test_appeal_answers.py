"""Appeals in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from marketplace.models import Product, Seller
from marketplace.notifications.models import OutboxEntry
from qc.appeals import open_appeal
from qc.models import Appeal
from tests.qc.rejected import add_picture, make_judged, make_verdict

pytestmark = pytest.mark.django_db
SAID = "It has a price <b>on request</b>."


@pytest.fixture
def appeal(seller: Seller) -> Appeal:
    product = make_judged(seller, title="Red lamp")
    add_picture(product, display="d/1.webp", thumbnail="t/1.webp")
    return open_appeal(product.pk, why=SAID, asked_by="ann@shop.example")


def _seen(back_office: Client, appeal: Appeal) -> str:
    page = back_office.get(f"/admin/qc/appeals/{appeal.pk}/").content.decode()
    return page.partition('name="seen" value="')[2].partition('"')[0]


def test_both_sides_stand_on_the_page(back_office: Client, appeal: Appeal) -> None:
    page = back_office.get(f"/admin/qc/appeals/{appeal.pk}/").content.decode()
    for part in ("It has a price &lt;b&gt;on request&lt;/b&gt;.", "The product has no price.", "price.missing",
                 "Red lamp", "d/1.webp", "rules 3.0", "Overturn: approve the product"):  # fmt: skip
        assert part in page, part


def test_the_list_leads_to_the_page_and_the_navigation_counts(back_office: Client, appeal: Appeal) -> None:
    listed = back_office.get("/admin/qc/appeal/?state__exact=open").content.decode()
    assert "Red lamp" in listed and "Lamp House" in listed
    assert back_office.get(f"/admin/qc/appeal/{appeal.pk}/change/").headers["Location"] == (
        f"/admin/qc/appeals/{appeal.pk}/"
    )
    assert "/admin/qc/appeal/?state__exact=open" in back_office.get("/admin/").content.decode()


def test_upholding_needs_an_answer(back_office: Client, appeal: Appeal) -> None:
    path = f"/admin/qc/appeals/{appeal.pk}/"
    missing = back_office.post(path, {"act": "uphold", "answer": " ", "seen": "x"})
    assert (missing.status_code, Appeal.objects.get().state) == (200, "open")
    done = back_office.post(path, {"act": "uphold", "answer": "It has none.", "seen": _seen(back_office, appeal)})
    assert done.headers["Location"] == "/admin/qc/appeal/"
    assert (Appeal.objects.get().state, Appeal.objects.get().answer) == ("upheld", "It has none.")
    assert OutboxEntry.objects.count() == 1
    late = back_office.post(path, {"act": "overturn", "answer": "It has.", "seen": "x"})
    assert "not open any more" in late.content.decode()


def test_overturning_approves_and_leads_to_the_next(back_office: Client, appeal: Appeal, seller: Seller) -> None:
    other = open_appeal(make_judged(seller).pk, why="x", asked_by="x")
    fields = {"act": "overturn", "answer": "You are right.", "seen": _seen(back_office, appeal)}
    done = back_office.post(f"/admin/qc/appeals/{appeal.pk}/", fields)
    assert done.headers["Location"] == f"/admin/qc/appeals/{other.pk}/"
    appeal.refresh_from_db()
    assert (appeal.state, appeal.new_verdict.made_by.username) == ("overturned", "ada")


def test_what_changed_meanwhile_is_looked_at_again(back_office: Client, appeal: Appeal) -> None:
    seen = _seen(back_office, appeal)
    Product.objects.update(title="Knife")
    path = f"/admin/qc/appeals/{appeal.pk}/"
    answer = back_office.post(path, {"act": "overturn", "answer": "Yes.", "seen": seen})
    assert "changed the product since you looked" in answer.content.decode()
    assert Appeal.objects.get().state == "open"


def test_a_verdict_that_holds_no_more_is_said(back_office: Client, appeal: Appeal) -> None:
    make_verdict(appeal.product, decision="approved", reasons=[])
    assert "does not hold any more" in back_office.get(f"/admin/qc/appeals/{appeal.pk}/").content.decode()


def test_only_reviewers_answer(appeal: Appeal, shop: Client) -> None:
    path = f"/admin/qc/appeals/{appeal.pk}/"
    assert shop.get(path).status_code == 302
    clerk = User.objects.create_user("bob", password="a long password", is_staff=True)
    client = Client()
    client.force_login(clerk)
    assert client.get(path).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="review_product"))
    assert client.get(path).status_code == 200
