"""The search index: one Milvus collection per embedder, with a dense vector and BM25 for each product.

PostgreSQL is the truth; everything here can be built again from it. The index is reached lazily, by one
client per process id: a client inherited over a fork hangs when its parent had a call in flight.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import connection, transaction

from catalog.embedders.contract import DIMENSIONS
from catalog.milvus import CONNECT_TIMEOUT_S, IndexMissing, IndexNotLoaded, speaking_of

if TYPE_CHECKING:
    from pymilvus import MilvusClient

SCHEMA_VERSION = 2
WRITE_TIMEOUT_S = 30.0
SEARCH_TIMEOUT_S = 2.0
UPSERT_ROWS = 256
DELETE_ROWS = 1000
MAX_TEXT_CHARS = 16_000
MAX_CATEGORIES = 64
MAX_CATEGORY_BYTES = 1000
_WRITE_LOCK = 0x736F756B0001  # "souk", 1: one writer at a time, over all processes

T = TypeVar("T")

_ready_collections: set[tuple[int, str, str]] = set()


@dataclass(frozen=True)
class IndexRow:
    """One product as the index holds it."""

    product_id: int
    seller_id: int
    categories: tuple[str, ...]
    price: Decimal | None
    currency: str
    availability: str
    is_visible: bool
    text: str
    input_hash: str

    @cached_property
    def row_hash(self) -> str:
        """A digest of the whole row; equal rows need no second write."""
        facts = [self.seller_id, self.categories, str(self.price), self.currency, self.availability, self.is_visible]
        return sha256(json.dumps([*facts, self.text, self.input_hash]).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that one leg of a search found; a greater score is nearer."""

    product_id: int
    score: float


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """What a hit must have beside being visible; None and empty do not narrow, of several values any will do."""

    seller_ids: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    availabilities: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    currency: str = ""

    def expression(self) -> str:
        """Write the filter in Milvus' language; every value is quoted or a number."""
        terms = ["is_visible == true"]
        if self.seller_ids:
            terms.append(f"seller_id in {_listed(int(seller_id) for seller_id in self.seller_ids)}")
        if self.categories:
            keys = _listed(category_key(name) for name in self.categories)
            terms.append(f"array_contains_any(categories, {keys})")
        if self.availabilities:
            terms.append(f"availability in {_listed(self.availabilities)}")
        if self.min_price is not None:
            terms.append(f"price >= {_number(self.min_price)}")
        if self.max_price is not None:
            terms.append(f"price <= {_number(self.max_price)}")
        if self.currency:
            terms.append(f"currency == {_quoted(self.currency.upper())}")
        return " and ".join(terms)


def category_key(name: str) -> str:
    """Return the form in which categories are compared: no case, single spaces, 1,000 bytes at most."""
    folded = " ".join(name.casefold().split())
    return folded.encode()[:MAX_CATEGORY_BYTES].decode(errors="ignore")


def collection_name(fingerprint: str) -> str:
    """Name the collection of an embedder's vectors: vectors of two fingerprints never meet."""
    return f"{settings.INDEX_COLLECTION}_v{SCHEMA_VERSION}_{fingerprint}"


@contextmanager
def write_lock() -> Iterator[None]:
    """Be the only writer of the index. The lock ends with its transaction, so with this process at the latest."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])
        yield


def ensure_collection(fingerprint: str) -> None:
    """Make the collection exist and be loaded. Call it under write_lock: of two creators one would fail."""
    name = collection_name(fingerprint)
    place = (os.getpid(), settings.MILVUS_URI, name)
    if place in _ready_collections:
        return
    with _collection(name) as client:
        if not client.has_collection(name, timeout=CONNECT_TIMEOUT_S):
            _create_collection(client, name)
        client.load_collection(name, timeout=WRITE_TIMEOUT_S)
    _ready_collections.add(place)


def drop_collection(fingerprint: str) -> None:
    """Take the whole collection of an embedder away."""
    name = collection_name(fingerprint)
    _ready_collections.discard((os.getpid(), settings.MILVUS_URI, name))
    with _collection(name) as client:
        client.drop_collection(name, timeout=WRITE_TIMEOUT_S)


def upsert(fingerprint: str, rows: Sequence[IndexRow], vectors: Mapping[str, Any]) -> None:
    """Write rows with the vectors of their input hashes. Call it under write_lock."""
    unique = list({row.product_id: row for row in rows}.values())
    name = collection_name(fingerprint)
    with _collection(name) as client:
        for start in range(0, len(unique), UPSERT_ROWS):
            entities = [_entity(row, vectors[row.input_hash]) for row in unique[start : start + UPSERT_ROWS]]
            client.upsert(name, entities, timeout=WRITE_TIMEOUT_S)


def delete(fingerprint: str, product_ids: Iterable[int]) -> None:
    """Take rows out; those that are not there do not matter. Call it under write_lock."""
    ids = sorted(set(product_ids))
    name = collection_name(fingerprint)
    with _collection(name) as client:
        for start in range(0, len(ids), DELETE_ROWS):
            client.delete(name, ids=ids[start : start + DELETE_ROWS], timeout=WRITE_TIMEOUT_S)


def flush(fingerprint: str) -> None:
    """Build the indexes of what was written: unflushed rows are searched some 30 times slower."""
    name = collection_name(fingerprint)
    with _collection(name) as client:
        client.flush(name, timeout=WRITE_TIMEOUT_S)


def warm_up(fingerprint: str, vector: Any, text: str) -> None:
    """Run one search of each kind: the first after a flush or a start reads the indexes from disk."""
    name = collection_name(fingerprint)
    everything = IndexFilter().expression()

    def search(client: "MilvusClient") -> None:
        _search(client, name, vector, "dense", {"metric_type": "COSINE"}, everything, 1, WRITE_TIMEOUT_S)
        _search(client, name, text, "sparse", {"metric_type": "BM25"}, everything, 1, WRITE_TIMEOUT_S)

    _read(name, search)


def row_hashes(fingerprint: str, product_ids: Sequence[int]) -> dict[int, str]:
    """Return the row hash of each of these products that the index holds."""
    if not product_ids:
        return {}
    name = collection_name(fingerprint)
    ids = [int(product_id) for product_id in product_ids]

    def get(client: "MilvusClient") -> Any:
        return client.get(name, ids=ids, output_fields=["id", "row_hash"], timeout=WRITE_TIMEOUT_S)

    return {row["id"]: row["row_hash"] for row in _read(name, get)}


def visible_rows(fingerprint: str, seller_id: int) -> dict[int, str]:
    """Return the row hash of every product of the seller that the index shows."""
    name = collection_name(fingerprint)

    def query(client: "MilvusClient") -> dict[int, str]:
        found: dict[int, str] = {}
        pages = client.query_iterator(
            name,
            batch_size=1000,
            filter=IndexFilter(seller_ids=(seller_id,)).expression(),
            output_fields=["id", "row_hash"],
            timeout=WRITE_TIMEOUT_S,
        )
        try:
            while page := pages.next():
                found |= {row["id"]: row["row_hash"] for row in page}
        finally:
            pages.close()
        return found

    return _read(name, query)


def nearest(fingerprint: str, vector: Any, *, where: IndexFilter, limit: int, min_similarity: float) -> list[Hit]:
    """Return the visible products whose vectors are nearest, of at least min_similarity (a cosine), best first."""
    name, expression = collection_name(fingerprint), where.expression()
    how = {"metric_type": "COSINE", "params": {"ef": max(64, limit)}}
    hits = _read(name, lambda client: _search(client, name, vector, "dense", how, expression, limit, SEARCH_TIMEOUT_S))
    return [hit for hit in hits if hit.score >= min_similarity]  # asking Milvus Lite for a radius doubles its time


def matching(fingerprint: str, text: str, *, where: IndexFilter, limit: int) -> list[Hit]:
    """Return the visible products whose text has words of this stemmed text, by BM25, best first."""
    name, expression = collection_name(fingerprint), where.expression()
    how = {"metric_type": "BM25"}
    return _read(name, lambda client: _search(client, name, text, "sparse", how, expression, limit, SEARCH_TIMEOUT_S))


def bump_version() -> None:
    """Make every cached ranking stale. A sequence: no lock, and a rollback does not take it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('catalog_index_version')")


def current_version() -> int:
    """Return the number that grows with each change of what searches can find."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM catalog_index_version")
        return int(cursor.fetchone()[0])


@contextmanager
def _collection(name: str) -> Iterator["MilvusClient"]:
    """Yield the client to speak of a collection with; forget that it was ready when it turns out to be missing."""
    try:
        with speaking_of(name) as client:
            yield client
    except IndexMissing:
        _ready_collections.discard((os.getpid(), settings.MILVUS_URI, name))
        raise


def _read(name: str, operation: Callable[["MilvusClient"], T]) -> T:
    """Return what operation returns; where a restarted server has not loaded the collection, load it first."""
    try:
        with _collection(name) as client:
            return operation(client)
    except IndexNotLoaded:
        with _collection(name) as client:
            client.load_collection(name, timeout=WRITE_TIMEOUT_S)
            return operation(client)


def _search(
    client: "MilvusClient",
    name: str,
    query: Any,
    field: str,
    how: dict[str, Any],
    expression: str,
    limit: int,
    timeout_s: float,
) -> list[Hit]:
    hits = client.search(
        name, [query], anns_field=field, search_params=how, filter=expression, limit=limit, timeout=timeout_s
    )[0]
    return [Hit(product_id=hit["id"], score=float(hit["distance"])) for hit in hits]


def _entity(row: IndexRow, vector: Any) -> dict[str, Any]:
    return {
        "id": row.product_id,
        "seller_id": row.seller_id,
        "categories": [category_key(name) for name in row.categories[:MAX_CATEGORIES]],
        "price": None if row.price is None else float(row.price),
        "currency": row.currency,
        "availability": row.availability,
        "is_visible": row.is_visible,
        "row_hash": row.row_hash,
        "dense": vector,
        "text": row.text[:MAX_TEXT_CHARS],
    }


def _create_collection(client: "MilvusClient", name: str) -> None:
    from pymilvus import DataType, Function, FunctionType  # noqa: PLC0415 see _client

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("seller_id", DataType.INT64)
    schema.add_field(
        "categories",
        DataType.ARRAY,
        element_type=DataType.VARCHAR,
        max_capacity=MAX_CATEGORIES,
        max_length=MAX_CATEGORY_BYTES,
    )
    schema.add_field("price", DataType.DOUBLE, nullable=True)
    schema.add_field("currency", DataType.VARCHAR, max_length=3)
    schema.add_field("availability", DataType.VARCHAR, max_length=15)
    schema.add_field("is_visible", DataType.BOOL)
    schema.add_field("row_hash", DataType.VARCHAR, max_length=32)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=DIMENSIONS)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535, enable_analyzer=True, enable_match=True)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(Function("bm25", FunctionType.BM25, ["text"], ["sparse"]))
    indexes = client.prepare_index_params()
    indexes.add_index("dense", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    client.create_collection(name, schema=schema, index_params=indexes, timeout=WRITE_TIMEOUT_S)


def _quoted(text: str) -> str:
    """Write a string literal of Milvus' filter language, which takes JSON's."""
    return json.dumps(text, ensure_ascii=False)


def _listed(values: Iterable[str | int]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no price")
    return f"{value:f}"
