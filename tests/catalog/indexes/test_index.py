"""The index on a real Milvus: what is written is found, and what is away is said to be away."""

import time
from decimal import Decimal
from typing import Any

import pytest

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter, IndexRow
from catalog.milvus import IndexMissing, IndexUnavailable, milvus_client, patiently
from catalog.words import stems
from tests.catalog.indexes.server import Server

embedder = HashingEmbedder()
EVERYTHING = IndexFilter()


def row(product_id: int, text: str, **fields: Any) -> IndexRow:
    values: dict[str, Any] = {
        "seller_id": 1,
        "categories": ("Lamps",),
        "price": Decimal(20),
        "currency": "EUR",
        "availability": "in_stock",
        "is_visible": True,
        "text": " ".join(stems(text)),
        "input_hash": text,
    }
    return IndexRow(product_id=product_id, **values | fields)


def write(*rows: IndexRow) -> None:
    texts = sorted({row.input_hash for row in rows})
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    with index.write_lock():
        index.ensure_collection(embedder.fingerprint)
        index.upsert(embedder.fingerprint, rows, vectors)


def matching(query: str, where: IndexFilter = EVERYTHING) -> list[int]:
    words = " ".join(stems(query))
    return [hit.product_id for hit in index.matching(embedder.fingerprint, words, where=where, limit=10)]


def nearest(query: str, where: IndexFilter = EVERYTHING) -> list[int]:
    (vector,) = embedder.embed([query])
    return [
        hit.product_id
        for hit in index.nearest(embedder.fingerprint, vector, where=where, limit=10, min_similarity=0.12)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("is_flushed", [False, True])
def test_what_is_written_is_found_by_word_and_by_meaning(search_index: str, is_flushed: bool) -> None:
    write(row(1, "red lamp"), row(2, "blue lamps"), row(3, "oak chair"), row(4, "hidden lamp", is_visible=False))
    if is_flushed:
        index.flush(search_index)
        index.warm_up(search_index, embedder.embed(["lamp"])[0], "lamp")

    assert sorted(matching("lamps")) == [1, 2]
    assert nearest("red lamp")[0] == 1
    assert 3 not in nearest("red lamp")
    assert matching("") == []


@pytest.mark.django_db
def test_a_row_is_replaced_by_its_id(search_index: str) -> None:
    write(row(1, "red lamp", is_visible=False))
    write(row(1, "red lamp"), row(1, "oak chair"))

    assert matching("lamp") == []
    assert matching("chair") == [1]
    assert index.row_hashes(search_index, [1, 2]) == {1: row(1, "oak chair").row_hash}


@pytest.mark.django_db
def test_a_deleted_row_is_not_found(search_index: str) -> None:
    write(row(1, "red lamp"), row(2, "red lamp"))

    with index.write_lock():
        index.delete(search_index, [1, 99])

    assert matching("lamp") == [2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("where", "found"),
    [
        (EVERYTHING, {1, 2, 3}),
        (IndexFilter(seller_ids=(2,)), {3}),
        (IndexFilter(categories=("home",)), {1}),
        (IndexFilter(categories=("HOME  > lamps",)), {1}),
        (IndexFilter(categories=('5" "lamps" \\ {odd} %',)), {2}),
        (IndexFilter(categories=('x") or (id > 0',)), set()),
        (IndexFilter(min_price=Decimal("10.00")), {1, 2}),
        (IndexFilter(min_price=Decimal("10.01")), {2}),
        (IndexFilter(max_price=Decimal("10.00")), {1}),
        (IndexFilter(min_price=Decimal(10), max_price=Decimal(20), currency="eur"), {1}),
        (IndexFilter(currency="USD"), {2}),
        (IndexFilter(seller_ids=(1, 2)), {1, 2, 3}),
        (IndexFilter(categories=("home", '5" "lamps" \\ {odd} %')), {1, 2}),
        (IndexFilter(availabilities=("preorder",)), {2}),
        (IndexFilter(availabilities=("preorder", "in_stock"), seller_ids=(1,)), {1, 2}),
    ],
)
def test_filters_narrow(search_index: str, where: IndexFilter, found: set[int]) -> None:
    write(
        row(1, "lamp", categories=("Home", "Home > Lamps", "Lamps"), price=Decimal(10)),
        row(
            2, "lamp", categories=('5" "Lamps" \\ {odd} %',), price=Decimal(20), currency="USD", availability="preorder"
        ),
        row(3, "lamp", categories=(), price=None, seller_id=2),
    )

    assert set(matching("lamp", where)) == found


def test_a_price_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN is no price"):
        IndexFilter(min_price=Decimal("NaN")).expression()


@pytest.mark.django_db
def test_visible_rows_are_listed_by_seller(search_index: str) -> None:
    rows = [row(number, f"lamp {number}", seller_id=number % 2) for number in range(1, 1200)]
    write(*rows, row(5000, "lamp", is_visible=False))

    held = index.visible_rows(search_index, 1)

    assert held == {it.product_id: it.row_hash for it in rows if it.seller_id == 1}


@pytest.mark.django_db
def test_a_change_of_any_fact_is_another_row() -> None:
    base = row(1, "lamp")
    others = [
        row(1, "lamp", seller_id=2),
        row(1, "lamp", categories=("Chairs",)),
        row(1, "lamp", price=Decimal(21)),
        row(1, "lamp", currency="USD"),
        row(1, "lamp", is_visible=False),
        row(1, "lamps and more"),
    ]

    assert row(1, "lamp").row_hash == base.row_hash
    assert len({base.row_hash, *(other.row_hash for other in others)}) == 7


@pytest.mark.django_db
def test_a_collection_that_is_not_there_is_said_to_be_missing(search_index: str) -> None:
    with pytest.raises(IndexMissing):
        matching("lamp")


@pytest.mark.django_db
def test_a_collection_that_vanished_is_made_again(search_index: str) -> None:
    write(row(1, "lamp"))
    milvus_client().drop_collection(index.collection_name(search_index))

    patiently(lambda: write(row(1, "lamp")), patience_s=5)

    assert matching("lamp") == [1]


@pytest.mark.django_db
def test_an_index_that_is_away_says_so_at_once(server: Server) -> None:
    started = time.monotonic()

    with pytest.raises(IndexUnavailable):
        matching("lamp")

    assert time.monotonic() - started < 5


@pytest.mark.django_db
def test_patience_ends(server: Server) -> None:
    with pytest.raises(IndexUnavailable):
        patiently(lambda: write(row(1, "lamp")), patience_s=0.3)


@pytest.mark.django_db
def test_a_write_outlasts_a_killed_server_and_loses_nothing(server: Server) -> None:
    server.start()
    patiently(lambda: write(row(1, "red lamp")))
    server.kill()
    with pytest.raises(IndexUnavailable):
        matching("lamp")
    server.start()

    patiently(lambda: write(row(2, "blue lamp")))

    assert sorted(matching("lamp")) == [1, 2]
