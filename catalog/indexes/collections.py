"""The collections of the index: their names, their one schema, and their care.

There are two kinds: products by words and meaning, one collection for each embedder; products by their pictures, one
for each picture embedder. Searches name a collection by the fingerprint of what made their vector, never by an alias:
so no vector ever meets those of another embedder, not even in the second in which staff changes it. The alias
(settings.INDEX_COLLECTION) names the products' collection in use, for people who look into Milvus.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

from catalog.embedders.contract import DIMENSIONS
from catalog.indexes.filters import CATEGORY_CHARS, MAX_CATEGORIES
from catalog.milvus import CONNECT_TIMEOUT_S, IndexMissing, IndexNotLoaded, speaking_of

if TYPE_CHECKING:
    from pymilvus import MilvusClient

SCHEMA_VERSION = 3
WRITE_TIMEOUT_S = 30.0
# Not the categories: no index helps to find a word within them.
INDEXED = ("seller_id", "price", "currency", "availability", "is_visible")

T = TypeVar("T")

_ready_collections: set[tuple[int, str, str]] = set()


class Kind(StrEnum):
    """What a collection finds products by."""

    PRODUCTS = "products"  # words and meaning
    PICTURES = "pictures"


def collection_name(fingerprint: str, kind: Kind = Kind.PRODUCTS) -> str:
    """Name the collection of an embedder's vectors: vectors of two fingerprints never meet."""
    what = "_pictures" if kind is Kind.PICTURES else ""
    return f"{settings.INDEX_COLLECTION}{what}_v{SCHEMA_VERSION}_{fingerprint}"


def ensure_collection(fingerprint: str, kind: Kind = Kind.PRODUCTS) -> None:
    """Make the collection exist and be loaded. Call it under write_lock: of two creators one would fail."""
    name = collection_name(fingerprint, kind)
    place = _place(name)
    if place in _ready_collections:
        return
    with speaking_to(name) as client:
        if not client.has_collection(name, timeout=CONNECT_TIMEOUT_S):
            _create_collection(client, name, kind)
        client.load_collection(name, timeout=WRITE_TIMEOUT_S)
    _ready_collections.add(place)


def drop_collection(fingerprint: str, kind: Kind = Kind.PRODUCTS) -> None:
    """Take the whole collection of an embedder away, where it is there, with the alias if that names it."""
    name = collection_name(fingerprint, kind)
    _ready_collections.discard(_place(name))
    with speaking_to(name) as client:
        if not client.has_collection(name, timeout=CONNECT_TIMEOUT_S):
            return
        for alias in client.list_aliases(name, timeout=CONNECT_TIMEOUT_S)["aliases"]:
            client.drop_alias(alias, timeout=CONNECT_TIMEOUT_S)
        client.drop_collection(name, timeout=WRITE_TIMEOUT_S)


def flush(fingerprint: str, kind: Kind = Kind.PRODUCTS) -> None:
    """Build the indexes of what was written: unflushed rows are searched some 30 times slower."""
    name = collection_name(fingerprint, kind)
    with speaking_to(name) as client:
        client.flush(name, timeout=WRITE_TIMEOUT_S)


def point_alias(fingerprint: str) -> None:
    """Let the alias name the products' collection of this embedder. Call it under write_lock."""
    name, alias = collection_name(fingerprint), settings.INDEX_COLLECTION
    with speaking_to(name) as client:
        is_there = alias in client.list_aliases(timeout=CONNECT_TIMEOUT_S)["aliases"]
        point = client.alter_alias if is_there else client.create_alias
        point(name, alias, timeout=CONNECT_TIMEOUT_S)


@contextmanager
def speaking_to(name: str) -> Iterator["MilvusClient"]:
    """Yield the client to speak of a collection with; forget that it was ready when it turns out to be missing."""
    try:
        with speaking_of(name) as client:
            yield client
    except IndexMissing:
        _ready_collections.discard(_place(name))
        raise


def read(name: str, operation: Callable[["MilvusClient"], T]) -> T:
    """Return what operation returns; where a restarted server has not loaded the collection, load it first."""
    try:
        with speaking_to(name) as client:
            return operation(client)
    except IndexNotLoaded:
        with speaking_to(name) as client:
            client.load_collection(name, timeout=WRITE_TIMEOUT_S)
            return operation(client)


def _place(name: str) -> tuple[int, str, str]:
    return os.getpid(), settings.MILVUS_URI, name


def _create_collection(client: "MilvusClient", name: str, kind: Kind) -> None:
    from pymilvus import DataType, Function, FunctionType  # noqa: PLC0415 see milvus_client

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("seller_id", DataType.INT64)
    schema.add_field("categories", DataType.VARCHAR, max_length=MAX_CATEGORIES * (CATEGORY_CHARS + 1) + 1)
    schema.add_field("price", DataType.DOUBLE, nullable=True)
    schema.add_field("currency", DataType.VARCHAR, max_length=3)
    schema.add_field("availability", DataType.VARCHAR, max_length=15)
    schema.add_field("is_visible", DataType.BOOL)
    schema.add_field("row_hash", DataType.VARCHAR, max_length=32)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=DIMENSIONS)
    indexes = client.prepare_index_params()
    indexes.add_index("dense", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
    if kind is Kind.PRODUCTS:
        schema.add_field("text", DataType.VARCHAR, max_length=65_535, enable_analyzer=True, enable_match=True)
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("bm25", FunctionType.BM25, ["text"], ["sparse"]))
        indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    for field in INDEXED:
        indexes.add_index(field, index_type="INVERTED")
    client.create_collection(
        name, schema=schema, index_params=indexes, consistency_level="Bounded", timeout=WRITE_TIMEOUT_S
    )
