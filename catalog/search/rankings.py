"""Rankings: from the cache, else from the index, else from PostgreSQL, until a whole one is there."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

from django.conf import settings

from catalog import index
from catalog.category_paths import category_form
from catalog.embedders.current import current_embedder
from catalog.index import IndexFilter
from catalog.ranking.ranking import RankedHit, Ranking, rank
from catalog.ranking.vocabulary import current_vocabulary
from catalog.ranking.without_index import rank_without_index
from catalog.search.asking import normal_query
from catalog.search.away import alarm, breaker_of_index, from_index
from catalog.search.flights import STALE_S, Made, Source, kept, kept_or_made, make_behind
from catalog.search.query_vectors import CachedQueries, breaker_of

# Grows with each release that ranks the same query over the same index differently.
RANKING_VERSION = 1
EVERYTHING = IndexFilter()
KEEP_S = 3600
KEEP_EMPTY_S = 60
# Nobody waits for a ranking that is made behind.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking, and where it comes from; source is None where it is degraded and was made just now.

    Args:
        key: names the query, the filter and the embedder, in the cache.
    """

    ranking: Ranking
    source: Source | None
    key: str


def ranking_of(words: str, *, where: IndexFilter, version: str) -> Ranked:
    """Rank what the index shows for a query and a filter; where it is away, what PostgreSQL finds by words alone.

    Args:
        words: the query.
        where: the filter.
        version: search_version() of now.
    """
    query = normal_query(words)
    embedder = current_embedder()
    key = ranking_key(query, where, fingerprint=embedder.fingerprint)
    in_peace = partial(_rank, query, where, wait_s=PATIENCE_S)
    facts, source = kept_or_made(key, version=version, make=partial(_rank, query, where), make_in_peace=in_peace)
    ranking = _ranking(facts)
    is_new_and_degraded = ranking.is_degraded and source is Source.MISS
    if is_new_and_degraded and breaker_of_index(settings.MILVUS_URI).is_closed:  # it was only late
        make_behind(key, version=version, make=in_peace)
    return Ranked(ranking, source=None if is_new_and_degraded else source, key=key)


def pool_of(words: str, *, version: str) -> Ranked:
    """Return what a filter narrows: the kept ranking of all matches, else one by words alone, which costs a third."""
    query = normal_query(words)
    key = ranking_key(query, EVERYTHING, fingerprint=current_embedder().fingerprint)
    whole = kept(key, version=version)
    if whole is not None:
        return Ranked(_ranking(whole), source=Source.HIT, key=key)
    facts, source = kept_or_made(f"{key}:pool", version=version, make=partial(_pool, query))
    return Ranked(_ranking(facts), source=source, key=f"{key}:pool")


def _pool(query: str) -> Made[dict[str, Any]]:
    ranking = replace(rank_without_index(query, where=EVERYTHING), is_degraded=False)
    return Made(_facts(ranking), keep_s=KEEP_EMPTY_S, may_be_stale=False)


def search_version() -> str:
    """Name the state of all that a ranking is made of: the index, and what is known of its words."""
    return f"{index.current_version()}.{current_vocabulary().number}"


def _rank(query: str, where: IndexFilter, *, wait_s: float | None = None) -> Made[dict[str, Any]]:
    """Rank by the index; where it is away, by PostgreSQL.

    Where the index was late or away, what the words found is kept to be served until the whole ranking is there: else
    each search waits in vain for an index that is busy, or ranks anew.
    """
    embedder = current_embedder()
    queries = CachedQueries(embedder, breaker_of(embedder.fingerprint))
    ranking = from_index(partial(rank, query, where=where, embedder=queries, wait_s=wait_s))
    if ranking is None:
        return Made(_facts(rank_without_index(query, where=where)), keep_s=int(STALE_S), is_provisional=True)
    if ranking.is_degraded:
        alarm.tell("the embedder or the index did not answer in time")
        return Made(_facts(ranking), keep_s=int(STALE_S), is_provisional=True)
    is_empty = not ranking.hits
    return Made(_facts(ranking), keep_s=KEEP_EMPTY_S if is_empty else KEEP_S, may_be_stale=not is_empty)


def ranking_key(query: str, where: IndexFilter, *, fingerprint: str) -> str:
    """Name a ranking in the cache."""
    facts = [RANKING_VERSION, index.collection_name(fingerprint), query, *filter_facts(where)]
    return "search:ranking:" + sha256(json.dumps(facts).encode()).hexdigest()


def filter_facts(where: IndexFilter) -> list[Any]:
    """Write a filter so that equal ones are written equally."""
    return [
        sorted(where.seller_ids),
        sorted(category_form(name) for name in where.categories),
        sorted(where.availabilities),
        _plain(where.min_price),
        _plain(where.max_price),
        where.currency.upper(),
    ]


def _plain(price: Decimal | None) -> str | None:
    return None if price is None else f"{price.normalize():f}"


def _facts(ranking: Ranking) -> dict[str, Any]:
    """Write a ranking in plain types, for the cache."""
    hits = [(hit.product_id, hit.score, dict(hit.legs), tuple(hit.matched)) for hit in ranking.hits]
    return {
        "hits": hits,
        "is_capped": ranking.is_capped,
        "corrected": ranking.corrected,
        "is_degraded": ranking.is_degraded,
    }


def _ranking(facts: dict[str, Any]) -> Ranking:
    return Ranking(
        hits=[RankedHit(*hit) for hit in facts["hits"]],
        is_capped=facts["is_capped"],
        corrected=facts["corrected"],
        is_degraded=facts["is_degraded"],
    )
