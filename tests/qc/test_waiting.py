"""What waits for staff: its order, its groups, whose turn it is."""

import pytest
from django.contrib.auth.models import User

from marketplace.models import Product, Seller
from qc import holds
from qc.models import Appeal
from qc.waiting import (
    Narrowing,
    group_of,
    reason_counts,
    seller_counts,
    take_next,
    waiting_count,
    waiting_groups,
    waiting_products,
)
from tests.qc.reviewing import control, make_flagged, make_product, make_reviewer

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def shops() -> tuple[Seller, Seller]:
    return Seller.objects.create(name="Harbour Lane"), Seller.objects.create(name="Old Mill", plan="premium")


def test_appeals_go_first_then_premium_sellers_then_who_was_judged_first(shops: tuple[Seller, Seller]) -> None:
    plain, premium = shops
    late = make_product(plain, description="Call +44 20 7946 0123")
    first = make_flagged(plain)
    control(late)
    paid = make_flagged(premium)
    make_product(plain)

    assert list(waiting_products()) == [paid, first, late]
    Appeal.objects.create(seller=plain, product=late, verdict=late.verdicts.get(), why="It is a museum's number.")
    assert list(waiting_products()) == [late, paid, first]
    Appeal.objects.all().delete()
    assert list(waiting_products(Narrowing(seller_id=plain.pk))) == [first, late]
    assert waiting_count(Narrowing(code="text.phone_number")) == 3
    assert waiting_count(Narrowing(code="picture.missing")) == 0


def test_what_one_holds_comes_again_until_it_is_named(shops: tuple[Seller, Seller], ana: User) -> None:
    products = [make_flagged(shops[0]) for _ in range(3)]

    assert take_next(ana) == products[0]
    assert take_next(ana) == products[0]
    assert take_next(ana, besides=[products[0].pk]) == products[1]
    assert take_next(ana, besides=[products[0].pk], skipped=[products[1].pk]) == products[2]
    assert take_next(make_reviewer("ben")) is None


def test_what_was_decided_meanwhile_is_not_shown_to_who_holds_it(shops: tuple[Seller, Seller], ana: User) -> None:
    product = make_flagged(shops[0])
    holds.take(product.pk, user=ana)
    Product.objects.update(status="live")

    assert take_next(ana) is None


def test_groups_are_of_one_seller_and_just_the_same_reasons(shops: tuple[Seller, Seller], ana: User) -> None:
    plain, premium = shops
    group = [make_flagged(plain) for _ in range(3)]
    make_flagged(premium)
    worse = make_flagged(plain, title="Old gun, works")
    held = make_flagged(plain)
    holds.take(held.pk, user=ana)

    (found,) = waiting_groups(make_reviewer("ben"))

    assert (found.seller_id, found.codes, list(found.products)) == (
        plain.pk,
        ("text.phone_number",),
        [it.pk for it in group],
    )
    assert {it["code"] for it in worse.reasons} == {"text.phone_number", "text.possibly_prohibited_goods"}
    assert group_of(plain.pk, ["text.phone_number"], user=ana).count == 4
    assert group_of(plain.pk, ["price.missing"], user=ana).count == 0
    assert group_of(plain.pk, [], user=ana).count == 0


def test_waiting_products_are_counted_by_reason_and_seller(shops: tuple[Seller, Seller]) -> None:
    plain, premium = shops
    make_flagged(plain, title="Old gun, works")
    make_flagged(plain)
    make_flagged(premium)

    assert reason_counts() == {"text.phone_number": 3, "text.possibly_prohibited_goods": 1}
    assert seller_counts() == {plain.pk: ("Harbour Lane", 2), premium.pk: ("Old Mill", 1)}
