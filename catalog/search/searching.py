"""Find products: by meaning and by words together, or newest first; never one that is not live."""

import time
from collections.abc import Sequence

from catalog.index import IndexFilter
from catalog.ranking.ranking import RankedHit
from catalog.search.answers import Answer, Found
from catalog.search.asking import Search
from catalog.search.filtering import narrowed
from catalog.search.rankings import ranking_of
from catalog.search.showing import searchable_products, shown_products


def search_products(search: Search) -> Answer:
    """Find products; an empty query browses, newest first.

    What is shown is read from PostgreSQL each time, so that a product that was rejected or taken down, or whose
    seller was suspended, is not shown from the moment its row says so.
    """
    started = time.perf_counter()
    end = search.offset + search.limit
    if search.words:
        ranked = ranking_of(search.words, where=search.where)
        ranking = ranked.ranking
        live = set(_live(ranking.hits, search.where))
        hits = [hit for hit in ranking.hits if hit.product_id in live]
        results = found(hits[search.offset : end])
        return Answer(
            results=results,
            total=len(hits),
            total_is_capped=ranking.is_capped,
            has_more=len(hits) > end,
            took_ms=took_ms_since(started),
            is_cached=ranked.is_cached,
            is_degraded=ranking.is_degraded,
            corrected=ranking.corrected,
        )
    products = narrowed(searchable_products(), search.where)
    newest = products.order_by("-first_seen_at", "-pk").values_list("pk", flat=True)
    hits = [RankedHit(product_id=product_id, score=0.0) for product_id in newest[search.offset : end]]
    total = products.count()
    return Answer(
        results=found(hits, is_ranked=False), total=total, has_more=total > end, took_ms=took_ms_since(started)
    )


def found(hits: Sequence[RankedHit], *, is_ranked: bool = True) -> list[Found]:
    """Read what is shown of hits, in their order; those that are not live are left out."""
    products = {product.pk: product for product in shown_products([hit.product_id for hit in hits])}
    return [
        Found(
            product=products[hit.product_id],
            score=hit.score if is_ranked else None,
            legs=hit.legs,
            matched=hit.matched,
        )
        for hit in hits
        if hit.product_id in products
    ]


def took_ms_since(started: float) -> float:
    """Return the milliseconds since a reading of the performance counter."""
    return round((time.perf_counter() - started) * 1000, 1)


def _live(hits: Sequence[RankedHit], where: IndexFilter) -> list[int]:
    ids = [hit.product_id for hit in hits]
    return list(narrowed(searchable_products().filter(pk__in=ids), where).values_list("pk", flat=True))
