"""Reading the index: searches, which take what was written a moment ago or so, and writers, who must not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalog.indexes.collections import WRITE_TIMEOUT_S, Kind, collection_name, read
from catalog.indexes.filters import IndexFilter
from catalog.indexes.rows import Hit

if TYPE_CHECKING:
    from pymilvus import MilvusClient

SEARCH_TIMEOUT_S = 2.0
PAGE_ROWS = 1000
# A server answers a writer by what it has acknowledged, else a change and its undoing within the bound would be lost.
STRONG = "Strong"
BY_MEANING = {"metric_type": "COSINE"}
BY_WORDS = {"metric_type": "BM25"}


def nearest(fingerprint: str, vector: Any, *, where: IndexFilter, limit: int, min_similarity: float) -> list[Hit]:
    """Return the visible products whose vectors are nearest, of at least min_similarity (a cosine), best first."""
    return _nearest(collection_name(fingerprint), vector, where, limit, min_similarity)


def nearest_pictures(
    fingerprint: str, vector: Any, *, where: IndexFilter, limit: int, min_similarity: float
) -> list[Hit]:
    """Return the visible products whose first pictures are nearest; see nearest().

    Args:
        fingerprint: the picture embedder's.
        vector: of the picture to look for.
        where: what a hit must have.
        limit: how many at most.
        min_similarity: a cosine.
    """
    return _nearest(collection_name(fingerprint, Kind.PICTURES), vector, where, limit, min_similarity)


def matching(fingerprint: str, text: str, *, where: IndexFilter, limit: int) -> list[Hit]:
    """Return the visible products whose text has words of this stemmed text, by BM25, best first."""
    name, expression = collection_name(fingerprint), where.expression()
    return read(name, lambda client: _search(client, name, text, "sparse", BY_WORDS, expression, limit))


def vector_of(fingerprint: str, product_id: int, kind: Kind = Kind.PRODUCTS) -> NDArray[np.float32] | None:
    """Return the vector that the index holds of a product, visible or not; None where it holds none."""
    name = collection_name(fingerprint, kind)

    def get(client: "MilvusClient") -> Any:
        return client.get(name, ids=[int(product_id)], output_fields=["dense"], timeout=SEARCH_TIMEOUT_S)

    rows = read(name, get)
    return np.asarray(rows[0]["dense"], dtype=np.float32) if rows else None


def warm_up(fingerprint: str, vector: Any, text: str = "", kind: Kind = Kind.PRODUCTS) -> None:
    """Run one search of each kind: the first after a flush or a start reads the indexes from disk."""
    name = collection_name(fingerprint, kind)
    everything = IndexFilter().expression()

    def search(client: "MilvusClient") -> None:
        _search(client, name, vector, "dense", BY_MEANING, everything, 1, timeout_s=WRITE_TIMEOUT_S)
        if kind is Kind.PRODUCTS:
            _search(client, name, text, "sparse", BY_WORDS, everything, 1, timeout_s=WRITE_TIMEOUT_S)

    read(name, search)


def row_hashes(fingerprint: str, product_ids: Sequence[int], kind: Kind = Kind.PRODUCTS) -> dict[int, str]:
    """Return the row hash of each of these products that the index holds."""
    if not product_ids:
        return {}
    name = collection_name(fingerprint, kind)
    ids = [int(product_id) for product_id in product_ids]

    def get(client: "MilvusClient") -> Any:
        return client.get(
            name, ids=ids, output_fields=["id", "row_hash"], consistency_level=STRONG, timeout=WRITE_TIMEOUT_S
        )

    return {row["id"]: row["row_hash"] for row in read(name, get)}


def visible_rows(fingerprint: str, seller_id: int) -> dict[int, str]:
    """Return the row hash of every product of the seller that the index shows."""
    return _rows(collection_name(fingerprint), IndexFilter(seller_ids=(seller_id,)).expression())


def held_rows(
    fingerprint: str, kind: Kind = Kind.PRODUCTS, *, seller_id: int | None = None, after: int, until: int | None
) -> dict[int, str]:
    """Return the row hash of every product held, hidden ones too, of after < id <= until; until None: to the end."""
    terms = [f"id > {int(after)}"]
    if until is not None:
        terms.append(f"id <= {int(until)}")
    if seller_id is not None:
        terms.append(f"seller_id == {int(seller_id)}")
    return _rows(collection_name(fingerprint, kind), " and ".join(terms))


def _rows(name: str, expression: str) -> dict[int, str]:
    def query(client: "MilvusClient") -> dict[int, str]:
        found: dict[int, str] = {}
        pages = client.query_iterator(
            name,
            batch_size=PAGE_ROWS,
            filter=expression,
            output_fields=["id", "row_hash"],
            consistency_level=STRONG,
            timeout=WRITE_TIMEOUT_S,
        )
        try:
            while page := pages.next():
                found |= {row["id"]: row["row_hash"] for row in page}
        finally:
            pages.close()
        return found

    return read(name, query)


def _nearest(name: str, vector: Any, where: IndexFilter, limit: int, min_similarity: float) -> list[Hit]:
    expression = where.expression()
    how = {**BY_MEANING, "params": {"ef": max(64, limit)}}
    hits = read(name, lambda client: _search(client, name, vector, "dense", how, expression, limit))
    return [hit for hit in hits if hit.score >= min_similarity]  # asking Milvus Lite for a radius doubles its time


def _search(
    client: "MilvusClient",
    name: str,
    query: Any,
    field: str,
    how: dict[str, Any],
    expression: str,
    limit: int,
    *,
    timeout_s: float = SEARCH_TIMEOUT_S,
) -> list[Hit]:
    hits = client.search(
        name, [query], anns_field=field, search_params=how, filter=expression, limit=limit, timeout=timeout_s
    )[0]
    return [Hit(product_id=hit["id"], score=float(hit["distance"])) for hit in hits]
