"""How good a catalog is: what is counted, and what is not."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.figures import catalog_figures
from tests.catalog.products import add_picture, make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db


def test_a_catalog_is_counted_without_what_is_gone_from_it() -> None:
    seller = make_seller()
    sync = make_sync(seller)
    shown = {"availability": "in_stock", "status": "live"}
    for number in range(3):
        address = f"https://shop.example/p/{number}"
        add_picture(make_product(sync, "Lamp", categories=["Lamps"], canonical_address=address, **shown))
    make_product(sync, "No price", price=None, currency="", status="rejected")
    make_product(sync, "", status="dead", address="https://other.example/p/9")
    original = make_product(sync, "Same", canonical_address="https://shop.example/p/0", **shown)
    make_product(sync, "Copy", duplicate_of=original, status="rejected")
    make_product(sync, "Gone", status="gone")

    figures = catalog_figures(seller)

    assert figures.products == 7
    assert figures.by_status == {"live": 4, "rejected": 2, "dead": 1}
    assert figures.complete_share == round(3 / 7, 4)
    assert figures.missing == {
        "title": 1, "price": 1, "currency": 1, "availability": 3, "picture": 4, "canonical_address": 3, "category": 4,
    }  # fmt: skip
    assert (figures.copies, figures.live_duplicates_share) == (1, 0.25)
    assert figures.failed_share_by_host == {"other.example": 1.0, "shop.example": 0.0}


def test_an_empty_catalog_has_no_shares() -> None:
    figures = catalog_figures(make_seller())

    assert (figures.products, figures.complete_share, figures.live_duplicates_share) == (0, 0.0, 0.0)


def test_the_command_says_the_same_to_people_and_machines() -> None:
    seller = make_seller("Harbour Lane")
    make_product(make_sync(seller), "Lamp")
    out = StringIO()

    call_command("catalog_figures", seller="Harbour Lane", json=True, stdout=out)

    assert json.loads(out.getvalue())["products"] == 1
    call_command("catalog_figures", seller=str(seller.pk))
    with pytest.raises(CommandError, match="there is no seller named Nobody"):
        call_command("catalog_figures", seller="Nobody")
