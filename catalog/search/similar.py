"""Products that are like one product."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import Q

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.embedders.current import current_embedder
from catalog.ranking.ranking import RankedHit
from catalog.ranking.without_index import rank_without_index
from catalog.search.answers import Answer
from catalog.search.asking import normal_query
from catalog.search.away import from_index
from catalog.search.flights import Made, Source, kept_or_made
from catalog.search.rankings import EVERYTHING, search_version
from catalog.search.rows import live_ids
from catalog.search.searching import found, took_ms_since
from catalog.showing import searchable_products
from catalog.vectors import stored_vectors
from marketplace.models import Product

MAX_LIMIT = 50
DEPTH = 2 * MAX_LIMIT  # some are copies of it, or were taken down since
KEEP_S = 3600


class NotShown(Exception):
    """Buyers see no product with this id."""


def similar_products(product_id: int, *, limit: int = 12) -> Answer:
    """Find what is nearest to a product by its own vector, without itself and what copies it.

    Where the index is away, products that share words of its title are found, marked degraded.

    Raises:
        NotShown: it is not live.
    """
    started = time.perf_counter()
    try:
        product = searchable_products().get(pk=product_id)
    except Product.DoesNotExist:
        raise NotShown(f"No product that is shown has the id {product_id}.") from None
    embedder = current_embedder()
    key = f"search:similar:{index.collection_name(embedder.fingerprint)}:{product_id}:{product.embedding_input_hash}"
    facts, source = kept_or_made(key, version=search_version(), make=partial(_near, product, embedder))
    hits = [RankedHit(*hit) for hit in facts["hits"]]
    live = live_ids([hit.product_id for hit in hits]) - _copies_of(product)
    shown = [hit for hit in hits if hit.product_id in live]
    return Answer(
        results=found({hit.product_id: hit for hit in shown[:limit]}),
        total=len(shown),
        total_is_capped=len(hits) == DEPTH,
        has_more=False,
        took_ms=took_ms_since(started),
        is_cached=source in (Source.HIT, Source.STALE),
        is_degraded=facts["is_degraded"],
    )


def _near(product: Product, embedder: Embedder) -> Made[dict[str, Any]]:
    near = from_index(partial(_nearest, product, embedder))
    if near is None:
        by_words = rank_without_index(normal_query(product.title), where=EVERYTHING).hits if product.title else ()
        hits = [(hit.product_id, hit.score, dict(hit.legs), tuple(hit.matched)) for hit in by_words[:DEPTH]]
        return Made({"hits": hits, "is_degraded": True}, keep_s=0)
    return Made({"hits": near, "is_degraded": False}, keep_s=KEEP_S, may_be_stale=bool(near))


def _nearest(product: Product, embedder: Embedder) -> Sequence[tuple[int, float, dict[str, float]]]:
    """Return the nearest products; none for one that has no vector yet."""
    vector = index.vector_of(embedder.fingerprint, product.pk)
    if vector is None:
        digest = product.embedding_input_hash
        vector = stored_vectors(embedder.fingerprint, [digest]).get(digest)
    if vector is None:
        return []
    least = embedder.min_similarity
    hits = index.nearest(embedder.fingerprint, vector, where=EVERYTHING, limit=DEPTH, min_similarity=least)
    return [(hit.product_id, hit.score, {"meaning": hit.score}) for hit in hits]


def _copies_of(product: Product) -> set[int]:
    """Return the product, what it copies, and what copies either."""
    first = product.duplicate_of_id or product.pk
    copies = Product.objects.filter(Q(duplicate_of=first) | Q(duplicate_of=product.pk))
    return {product.pk, first, *copies.values_list("pk", flat=True)}
