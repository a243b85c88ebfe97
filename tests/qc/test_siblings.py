"""Siblings: what a product shares with earlier ones of its seller, and with nobody else."""

import random
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.models import HASH_SLICES, Picture, Product, Seller
from qc.siblings import Shared, shared_by
from tests.marketplace.factories import make_product, make_seller

pytestmark = pytest.mark.django_db

HASH, NEAR, FAR = "f0f0f0f0f0f0f0f0", "f0f0f0f0f0f0f0ff", "f0f0f0f0f0f0ff1f"


@pytest.fixture
def seller() -> Seller:
    return make_seller()


def shared(*products: Product) -> list[Shared]:
    found = shared_by(products)
    return [found[it.pk] for it in products]


def show(product: Product, perceptual_hash: str = HASH, sha256: str = "a", **fields: Any) -> Product:
    Picture.objects.create(
        product=product, status="ready", perceptual_hash=perceptual_hash, sha256=sha256 * 64, **fields
    )
    return product


@pytest.mark.parametrize(("field", "value"), [("gtin", "4006381333931"), ("sku", "A-1")])
def test_a_number_is_shared_with_the_first_of_another_title(seller: Seller, field: str, value: str) -> None:
    first, same_title, other = (
        make_product(seller, title=title, **{field: value}) for title in ("Lamp", "LAMP", "Chair")
    )
    make_product(make_seller(), title="Table", **{field: value})

    assert [getattr(it, field) for it in shared(first, same_title, other)] == [None, None, first.pk]


@pytest.mark.parametrize("field", ["gtin", "sku"])
def test_no_number_is_shared_by_those_that_have_none(seller: Seller, field: str) -> None:
    assert shared(*(make_product(seller, **{field: ""}) for _ in range(2))) == [Shared(), Shared()]


def test_what_is_gone_shares_nothing(seller: Seller) -> None:
    make_product(seller, sku="A", status="gone")

    assert shared(make_product(seller, sku="A")) == [Shared()]


def test_an_offer_is_a_title_with_a_price(seller: Seller) -> None:
    first = make_product(seller, title="Lamp", price=10, currency="EUR")
    same = make_product(seller, title="lamp", price=10, currency="EUR")
    others = [
        make_product(seller, title="Lamp", price=11, currency="EUR"),
        make_product(seller, title="Lamp", price=10, currency="USD"),
        make_product(seller, title="Lamp"),
        make_product(seller, title="", price=10, currency="EUR"),
    ]

    assert [it.offer for it in shared(first, same, *others)] == [None, first.pk, None, None, None, None]


def test_the_same_file_is_told_from_a_picture_that_looks_the_same(seller: Seller) -> None:
    first = show(make_product(seller))
    same, near, far = (show(make_product(seller), *look) for look in ((HASH, "a"), (NEAR, "b"), (FAR, "c")))

    assert [(it.picture, it.similar_picture) for it in shared(first, same, near, far)] == [
        (None, None),
        (first.pk, first.pk),
        (None, first.pk),
        (None, None),
    ]


def test_the_same_shape_in_another_colour_is_another_picture(seller: Seller) -> None:
    first = show(make_product(seller), average_colour="803020")
    red, blue = (show(make_product(seller), NEAR, "b", average_colour=colour) for colour in ("832420", "203080"))
    assert [it.similar_picture for it in shared(red, blue)] == [None, None]

    alike = show(make_product(seller), NEAR, "b", average_colour="832e22")
    assert [it.similar_picture for it in shared(alike)] == [first.pk]


def test_pictures_of_the_same_title_and_of_other_sellers_are_left_out(seller: Seller) -> None:
    show(make_product(seller, title="Lamp"))
    show(make_product(make_seller(), title="Chair"))

    assert shared(show(make_product(seller, title="lamp"))) == [Shared()]


def test_only_the_first_picture_counts(seller: Seller) -> None:
    show(make_product(seller), position=1)

    assert shared(show(make_product(seller))) == [Shared()]


def test_an_old_picture_is_found_behind_any_number_of_others(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc.siblings.MOST_COMPARED", 2)
    first = show(make_product(seller))
    others = [show(make_product(seller), f"{number:x}" * 16, "b") for number in range(1, 8)]
    last = show(make_product(seller), NEAR, "c")

    assert shared(last)[0].similar_picture == first.pk
    assert [it.similar_picture for it in shared(first, *others, last)] == [None] * 8 + [first.pk]


def test_of_many_that_share_all_the_first_ones_are_compared(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc.siblings.MOST_COMPARED", 2)
    first, second, third, fourth = (show(make_product(seller)) for _ in range(4))
    Product.objects.filter(pk__in=[first.pk, second.pk]).update(title=fourth.title.upper())

    assert [it.picture for it in shared(third)] == [first.pk]
    assert [it.picture for it in shared(fourth)] == [None]  # the third is not among the first two


def test_pictures_are_alike_as_their_bits_and_colours_say_whichever_are_asked_about(seller: Seller) -> None:
    rng = random.Random(1)
    kinds = [(rng.getrandbits(64), [rng.randrange(250) for _ in range(3)]) for _ in range(4)]
    looks: dict[int, tuple[int, list[int] | None, str]] = {}
    for _ in range(80):
        bits, colour = rng.choice(kinds)
        for place in rng.sample(range(64), rng.randrange(5)):
            bits ^= 1 << place
        seen = None if rng.random() < 0.1 else [channel + rng.randrange(6) for channel in colour]
        product = make_product(seller, title=rng.choice(["Lamp", "lamp", "Chair"]))
        show(product, f"{bits:016x}", rng.choice("ab"), average_colour="" if seen is None else bytes(seen).hex())
        looks[product.pk] = bits, seen, product.title.lower()

    def is_like(one: int, other: int) -> bool:
        (bits, colour, title), (their_bits, their_colour, their_title) = looks[one], looks[other]
        apart = np.abs(np.subtract(colour, their_colour)).max() if colour and their_colour else 0
        return title != their_title and (bits ^ their_bits).bit_count() <= 4 and apart <= 6

    def first_like(own: int) -> int | None:
        return next((pk for pk in looks if pk < own and is_like(own, pk)), None)

    products = list(Product.objects.order_by("?"))
    found = shared_by(products)
    assert {pk: found[pk].similar_picture for pk in looks} == {pk: first_like(pk) for pk in looks}
    assert {it.pk: shared_by([it])[it.pk] for it in products[:20]} == {it.pk: found[it.pk] for it in products[:20]}


def test_nothing_is_asked_of_no_products() -> None:
    assert shared_by([]) == {}


def test_pictures_are_found_by_indexes_of_their_slices(seller: Seller) -> None:
    product = show(make_product(seller))
    others = Product.objects.bulk_create(
        Product(seller=seller, external_id=f"other-{n}", title=f"Other {n}") for n in range(2_000)
    )
    Picture.objects.bulk_create(
        Picture(
            product=it, status="ready", perceptual_hash=f"{random.Random(it.pk).getrandbits(64):016x}", sha256="b" * 64
        )
        for it in others
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketplace_product, marketplace_picture")
    with CaptureQueriesContext(connection) as asked:
        shared(product)
    (query,) = (it["sql"] for it in asked.captured_queries if "perceptual_hash" in it["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        plan = str(cursor.fetchall())
    assert [first for first, _ in HASH_SLICES if f"picture_hash_from_{first}" not in plan] == []
