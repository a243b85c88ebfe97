"""Find products: by meaning and by words together, or newest first; never one that is not live."""

import time
from collections.abc import Mapping
from dataclasses import replace

from catalog.ranking.ranking import RankedHit
from catalog.search.answers import Answer, Found
from catalog.search.asking import MAX_OFFSET, Search, normal_query
from catalog.search.browsing import browse
from catalog.search.counting import count_search
from catalog.search.flights import Source
from catalog.search.found_sets import found_set_of
from catalog.search.rankings import EVERYTHING, Ranked, pool_of, ranking_of, search_version
from catalog.search.suggesting import ways_out
from catalog.showing import shown_products
from marketplace.models import Product

MAX_WAYS_OUT = 5


def search_products(search: Search) -> Answer:
    """Find products; an empty query browses, newest first.

    What is shown is read from PostgreSQL each time, so that a product that was rejected or taken down, or whose
    seller was suspended, is not shown from the moment its row says so. All pages of a query are cut from one ranking:
    they join exactly. Where that holds all matches, filters, facets and orders are worked out on it, without the index.
    """
    started = time.perf_counter()
    answer, outcomes = _ranked(search) if search.words else (_browsed(search), ["browse"])
    answer = replace(answer, took_ms=took_ms_since(started))
    count_search(
        outcomes,
        took_ms=answer.took_ms,
        query="" if search.offset else normal_query(search.words),
        is_empty=not answer.total,
    )
    return answer


def _browsed(search: Search) -> Answer:
    browsed = browse(search)
    return Answer(
        results=found(dict.fromkeys(browsed.product_ids)),
        total=browsed.total,
        has_more=browsed.has_more and search.offset + search.limit <= MAX_OFFSET,
        facets=browsed.facets,
    )


def _ranked(search: Search) -> tuple[Answer, list[str]]:
    version = search_version()
    chosen, whole = _rankings(search, version)
    hits = {hit.product_id: hit for hit in chosen.ranking.hits}
    found_set = found_set_of(search, chosen, whole, version=version)
    end = search.offset + search.limit
    page = found_set.product_ids[search.offset : end]
    corrected = chosen.ranking.corrected
    answer = Answer(
        results=found({product_id: hits[product_id] for product_id in page}),
        total=len(found_set.product_ids),
        total_is_capped=chosen.ranking.is_capped,
        has_more=len(found_set.product_ids) > end <= MAX_OFFSET,
        is_cached=_outcome(whole, chosen) in (Source.HIT, Source.STALE),
        is_degraded=chosen.ranking.is_degraded,
        corrected=corrected,
        facets=found_set.facets,
        suggestions=() if found_set.product_ids else ways_out(corrected or search.words, limit=MAX_WAYS_OUT),
    )
    return answer, [_outcome(whole, chosen)]


def _rankings(search: Search, version: str) -> tuple[Ranked, Ranked]:
    """Return the ranking that is shown, and the one that facets count beside it."""
    if search.where != EVERYTHING:
        pool = pool_of(search.words, version=version)
        if pool.ranking.is_capped:
            return ranking_of(search.words, where=search.where, version=version), pool
    whole = ranking_of(search.words, where=EVERYTHING, version=version)
    return whole, whole


def _outcome(*rankings: Ranked) -> str:
    """Name the worst of what became of the rankings: made here, stale, or kept; of one without the index, degraded."""
    sources = {ranked.source for ranked in rankings}
    worst = next((source for source in (None, Source.MISS, Source.STALE) if source in sources), Source.HIT)
    return "degraded" if worst is None else worst.value


def found(hits: Mapping[int, RankedHit | None]) -> list[Found]:
    """Read what is shown of hits, in their order; those that are not live are left out."""
    products = shown_products(hits)
    return [_found(products[pk], hit) for pk, hit in hits.items() if pk in products]


def _found(product: Product, hit: RankedHit | None) -> Found:
    if hit is None:
        return Found(product=product, score=None)
    return Found(product=product, score=hit.score, legs=hit.legs, matched=hit.matched)


def took_ms_since(started: float) -> float:
    """Return the milliseconds since a reading of the performance counter."""
    return round((time.perf_counter() - started) * 1000, 1)
