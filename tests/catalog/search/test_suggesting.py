"""Suggestions: what begins so, of each kind, nothing twice, nothing that is not live."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from catalog.ranking.documents import document_of, write_documents
from catalog.ranking.vocabulary import forget_vocabulary, refresh_vocabulary
from catalog.search.suggesting import above_named, suggest, ways_out
from marketplace.models import Product, SyncRun
from tests.catalog.products import make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def sync() -> Iterator[SyncRun]:
    cache.clear()
    forget_vocabulary()
    yield make_sync(make_seller())
    forget_vocabulary()


def texts(written: str, kind: str = "", **fields: int) -> list[str]:
    return [it.text for it in suggest(written, **fields) if kind in ("", it.kind)]


@pytest.fixture
def stock(sync: SyncRun) -> list[Product]:
    """Six live products and one that is not."""
    rows = [
        ("Red table lamp", "Lampe & Co", ["Home > Lamps"]),
        ("Lamp", "Lampe & Co", ["Home > Lamps"]),
        ("Lamp", "", ["Home > Lamps"]),
        ("Lamb's wool blanket", "Old Mill", ["Home > Bedding"]),
        ("Café mug", "Old Mill", []),
        ("Wi-Fi 6 router", "", ["Electronics > Networks"]),
    ]
    products = [make_product(sync, t, brand=b, categories=c, status="live") for t, b, c in rows]
    make_product(sync, "Lamp that is not shown", status="rejected")
    return products


def test_what_begins_so_is_suggested_whatever_it_is(stock: list[Product]) -> None:
    assert texts("la", "product") == ["Lamp", "Lamb's wool blanket", "Red table lamp"]
    assert texts("LAMP", "brand") == ["Lampe & Co"]
    assert texts("lam", "category") == ["Home > Lamps"]
    assert texts("home", "category") == ["Home"]
    assert texts("red la", "product") == ["Red table lamp"]
    assert texts("café", "product") == ["Café mug"]
    assert texts("wi-fi 6 r", "product") == ["Wi-Fi 6 router"]
    assert texts("old m", "brand") == ["Old Mill"]
    ids = {it.product_id for it in suggest("lam") if it.kind == "product"}
    assert ids <= {product.pk for product in stock}


@pytest.mark.parametrize("written", ["", "  ", "\0", "!!", "'", "&|:*", "zzyzx", "lamp zzyzx", "x" * 2000])
def test_nothing_is_suggested_for_what_nothing_begins_with(stock: list[Product], written: str) -> None:
    assert suggest(written) == []


def test_no_more_than_asked_for_and_no_text_twice(stock: list[Product]) -> None:
    assert len(texts("l", limit=2)) == 2
    assert len(texts("la")) == len({text.casefold() for text in texts("la")})


def test_what_is_taken_down_is_not_suggested_though_cached(stock: list[Product]) -> None:
    assert "Café mug" in texts("caf")
    Product.objects.filter(title="Café mug").update(status=Product.Status.REJECTED)
    assert texts("caf", "product") == []


def test_words_complete_what_was_written_and_mend_it(stock: list[Product]) -> None:
    write_documents([document_of(product, []) for product in stock])
    assert refresh_vocabulary()
    assert texts("red ta", "word") == ["red table"]
    assert "Lamb's wool blanket" in texts("blnaket")


def test_below_which_name_a_category_is_suggested() -> None:
    assert above_named("Home > Table lamps > Small", "lamp") == ["Home > Table lamps"]
    assert above_named("Home > Table lamps", "home") == ["Home"]
    assert above_named("Home > Overlamps", "lamp") == []


def test_where_nothing_is_found_the_largest_categories_are_ways_out(stock: list[Product]) -> None:
    assert [(it.text, it.kind) for it in ways_out("zzyzx", limit=5)] == [
        ("Home", "category"),
        ("Electronics", "category"),
    ]
    assert ways_out("red", limit=1)[0].text == "Red table lamp"
