"""Products that are like one product."""

import time

from catalog import index
from catalog.embedders.current import current_embedder
from catalog.index import IndexFilter
from catalog.ranking.ranking import RankedHit
from catalog.search.answers import Answer
from catalog.search.searching import found, took_ms_since
from catalog.search.showing import searchable_products
from catalog.vectors import stored_vectors
from marketplace.models import Product


class NotShown(Exception):
    """Buyers see no product with this id."""


def similar_products(product_id: int, *, limit: int = 12) -> Answer:
    """Find what is nearest to a product by its own vector, without itself.

    Raises:
        NotShown: it is not live.
        IndexUnavailable, IndexMissing, IndexNotLoaded: the index is away.
    """
    started = time.perf_counter()
    try:
        product = searchable_products().get(pk=product_id)
    except Product.DoesNotExist:
        raise NotShown(f"No live product has the id {product_id}.") from None
    embedder = current_embedder()
    vectors = stored_vectors(embedder.fingerprint, [product.embedding_input_hash])
    vector = vectors.get(product.embedding_input_hash)
    if vector is None:
        return Answer(results=[], total=0, took_ms=took_ms_since(started))
    near = index.nearest(
        embedder.fingerprint,
        vector,
        where=IndexFilter(),
        limit=limit + 1,
        min_similarity=embedder.min_similarity,
    )
    hits = [
        RankedHit(product_id=hit.product_id, score=hit.score, legs={"meaning": hit.score})
        for hit in near
        if hit.product_id != product_id
    ]
    results = found({hit.product_id: hit for hit in hits[:limit]})
    return Answer(results=results, total=len(results), took_ms=took_ms_since(started))
