"""Holds: one product, one pair of eyes."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from marketplace.models import Product, Seller
from qc.holds import HOLD, HeldByAnother, NotHeld, held_by, insist_on_hold, release, renew, take, take_one
from qc.models import ReviewHold
from tests.qc.reviewing import make_flagged, make_reviewer

pytestmark = pytest.mark.django_db
LATER = HOLD + timedelta(seconds=1)


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def ben() -> User:
    return make_reviewer("ben")


@pytest.fixture
def products() -> list[Product]:
    seller = Seller.objects.create(name="Harbour Lane")
    return [make_flagged(seller, title=f"Lamp {number}") for number in range(3)]


def test_two_who_ask_get_two_products(products: list[Product], ana: User, ben: User) -> None:
    waiting = Product.objects.order_by("pk")

    taken = [take_one(waiting, user=user) for user in (ana, ben)]

    assert taken == products[:2]
    assert take_one(waiting, user=ana) == products[0]
    assert take_one(waiting.filter(pk=products[1].pk), user=ana) is None


def test_a_product_that_is_held_is_refused_with_who_holds_it(products: list[Product], ana: User, ben: User) -> None:
    take(products[0].pk, user=ana)

    with pytest.raises(HeldByAnother, match=r"^ana is looking at this product, until .* at the latest"):
        take(products[0].pk, user=ben)
    with pytest.raises(HeldByAnother):
        insist_on_hold(products[0].pk, user=ben)
    insist_on_hold(products[0].pk, user=ana)
    with pytest.raises(NotHeld):
        insist_on_hold(products[1].pk, user=ana)


def test_a_hold_that_ran_out_is_the_next_ones_to_take_and_not_renewed(
    products: list[Product], ana: User, ben: User
) -> None:
    now = timezone.now()
    take(products[0].pk, user=ana, now=now)

    assert renew([products[0].pk, products[1].pk], user=ana, now=now + HOLD / 2) == {products[1].pk}
    assert renew([products[0].pk], user=ana, now=now + 2 * LATER) == {products[0].pk}
    take(products[0].pk, user=ben, now=now + 2 * LATER)

    assert ReviewHold.objects.get().user == ben
    with pytest.raises(HeldByAnother):
        take(products[0].pk, user=ana, now=now + 2 * LATER)


def test_only_ones_own_holds_are_given_up(products: list[Product], ana: User, ben: User) -> None:
    take(products[0].pk, user=ana)
    take(products[1].pk, user=ben)

    release([it.pk for it in products], user=ana)

    assert list(held_by(ana)) == []
    assert [it.product for it in held_by(ben)] == [products[1]]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_no_two_get_the_same() -> None:
    seller = Seller.objects.create(name="Harbour Lane")
    products = [make_flagged(seller, title=f"Lamp {number}") for number in range(30)]
    users = [make_reviewer(f"user-{number}") for number in range(6)]
    barrier = threading.Barrier(len(users))
    taken: dict[int, list[int]] = {user.pk: [] for user in users}

    def ask(user: User) -> None:
        try:
            barrier.wait(timeout=10)
            while (
                product := take_one(Product.objects.exclude(pk__in=taken[user.pk]).order_by("pk"), user=user)
            ) is not None:
                taken[user.pk].append(product.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    everyones = [pk for its in taken.values() for pk in its]
    assert len(everyones) == len(set(everyones))
    # One that was locked while all looked is left for the next look; nothing is held by nobody.
    assert set(everyones) == set(ReviewHold.objects.values_list("product_id", flat=True))
    assert set(everyones) <= {it.pk for it in products}
    assert len(everyones) >= len(products) - len(users)
