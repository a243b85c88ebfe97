"""Every kind of feed says the same of one catalog; a damaged one says what it can, and raises only our own error."""

import gzip
import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.feeds.contract import FeedProduct, FeedUnreadable, RowError
from catalog.feeds.opening import open_feed
from catalog.feeds.reading import read_products
from tests.catalog.feeds.samples import FEEDS, NOW, TRUTH, outcomes, products, said


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", FEEDS)
def test_every_kind_of_feed_says_the_truth(name: str, pack: type[bytes]) -> None:
    kind, write = FEEDS[name]
    data = pack(write())
    with open_feed(io.BytesIO(data)) as feed:
        assert feed.kind == kind
    found = sorted(products(data), key=lambda product: product.number)
    truth = [dict(product) for product in TRUTH]
    assert [said(product) for product in found] == truth
    assert [product.rows for product in found] == [(1,), (2, 3), (4,)]
    assert found[0].notes == ()


def test_rows_of_many_shapes_lose_nothing() -> None:
    rows = [
        {
            "id": str(number),
            "title": f"Thing {number}",
            "sku": "same",
            "gtin": [["0882780756328", "0088698629123"]],
            "price_minor": 12595,
            "brand": "B",
            "description": "D",
            "attributes": {"width": 12.50, "wireless": True, "type": "Original", "none": None},
        }
        for number in range(100)
    ]
    found = products("".join(json.dumps(row) + "\n" for row in rows).encode())
    assert [product.external_id for product in found] == [row["id"] for row in rows]
    one = found[7]
    assert one.product.price is not None
    assert (str(one.product.price.amount), one.product.price.currency, one.product.price_raw) == (
        "125.9500",
        "",
        "12595",
    )
    assert one.gtins == ("0882780756328", "0088698629123")
    assert one.gtin == "0882780756328"
    assert one.attributes == {"width": "12.5", "wireless": "true", "type": "Original"}
    assert (one.product.sku, one.address, one.product.picture_addresses, one.notes) == ("same", "", [], ())


def test_rows_that_are_none_are_named_and_cost_no_other() -> None:
    data = (
        b"id,title,price,link,image_link\n"
        b"1,A,1 EUR,,\n"
        b",no id,1 EUR,,\n"
        b"3,,1 EUR,,\n"
        b"1,again,2 EUR,,\n"
        b"5,too,many,columns,here,x\n"
        b"6,F,call us,ftp://x,nowhere\n"
        b"7,few\n"
    )
    found = outcomes(data)
    errors = [(item.number, item.field, item.code, item.line) for item in found if isinstance(item, RowError)]
    assert errors == [
        (2, "id", "feed.id_missing", 3),
        (3, "title", "feed.title_missing", 4),
        (4, "id", "feed.duplicate_id", 5),
        (5, "", "feed.column_count", 6),
        (7, "", "feed.column_count", 8),
    ]
    assert next(item.message for item in found if isinstance(item, RowError) and item.number == 4) == (
        "row 1 has this id already"
    )
    kept = [item for item in found if isinstance(item, FeedProduct)]
    assert [product.external_id for product in kept] == ["1", "6"]
    assert [(note.field, note.code, note.excerpt) for note in kept[1].notes] == [
        ("price", "feed.bad_price", "call us"),
        ("address", "feed.bad_address", "ftp://x"),
        ("picture", "feed.bad_picture", "nowhere"),
    ]


def test_memory_does_not_grow_with_the_feed() -> None:
    row = ",".join(["Thing", "text " * 20, "12.99 EUR", "https://shop.example/p"])
    data = gzip.compress(("id,title,description,price,link\n" + "".join(f"{n},{row}\n" for n in range(1_000))).encode())
    with open_feed(io.BytesIO(data)) as feed:
        found = read_products(feed, now=NOW)
        next(found)
        tracemalloc.start()
        count = sum(1 for _ in found)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 999
    assert peak < 3_000_000


SAMPLES = {name: write() for name, (_, write) in FEEDS.items()}


@settings(max_examples=60)
@given(data=st.binary(max_size=400))
def test_random_bytes_raise_only_our_own_error(data: bytes) -> None:
    for candidate in (
        data,
        b"id,title\n" + data,
        b'{"id":1,"title":"a"}\n{' + data,
        b"[{" + data,
        b"<rss><item>" + data,
    ):
        try:
            outcomes(candidate)
        except FeedUnreadable as error:
            assert error.remedy
            assert error.code.startswith("feed.")


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(SAMPLES)),
    at=st.integers(0, 3_000),
    size=st.integers(0, 200),
    noise=st.one_of(
        st.binary(max_size=20), st.sampled_from([b'"', b"\n", b"\x00", b"<", b"]", b"}", b"\\", b",,", b"\xff"])
    ),
    is_packed=st.booleans(),
)
def test_damaged_feeds_raise_only_our_own_error(name: str, at: int, size: int, noise: bytes, is_packed: bool) -> None:
    whole = SAMPLES[name]
    damaged = whole[:at] + noise + whole[at + size :]
    if is_packed:
        packed = gzip.compress(whole)
        damaged = packed[: at % len(packed)] + noise + packed[at % len(packed) + size :]
    try:
        found = outcomes(damaged)
    except FeedUnreadable:
        return
    for item in found:
        if isinstance(item, FeedProduct):
            assert item.external_id
            assert item.product.title
            json.dumps(said(item)).encode()
