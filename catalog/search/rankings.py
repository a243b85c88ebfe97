"""Rankings: from the cache, else from the index, else from PostgreSQL; only the index's own are cached."""

import json
import logging
from dataclasses import asdict, dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from catalog import index
from catalog.embedders.current import current_embedder
from catalog.index import IndexFilter
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.ranking.ranking import RankedHit, Ranking, rank
from catalog.search.degraded import rank_without_index

logger = logging.getLogger(__name__)

CACHE_S = 3600


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking, and whether the cache had it."""

    ranking: Ranking
    is_cached: bool = False


def ranking_of(query: str, *, where: IndexFilter) -> Ranked:
    """Rank what the index shows for a query and a filter."""
    embedder = current_embedder()
    key = _cache_key(query, where, embedder.fingerprint)
    cached = _cached(key)
    if cached is not None:
        return Ranked(cached, is_cached=True)
    try:
        ranking = rank(query, where=where, embedder=embedder)
    except (IndexUnavailable, IndexMissing, IndexNotLoaded) as error:
        logger.warning("search answers from PostgreSQL: %s", error)
        return Ranked(rank_without_index(query, where=where))
    if not ranking.is_degraded:
        _keep(key, ranking)
    return Ranked(ranking)


def _cache_key(query: str, where: IndexFilter, fingerprint: str) -> str:
    facts = [index.collection_name(fingerprint), index.current_version(), query.casefold(), asdict(where)]
    return "search:" + sha256(json.dumps(facts, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    raise TypeError(f"{type(value).__name__} cannot be part of a cache key")


def _cached(key: str) -> Ranking | None:
    """Return what is cached; a cache that is away holds nothing."""
    try:
        facts: dict[str, Any] | None = cache.get(key)
    except RedisError as error:
        logger.warning("search goes without its cache: %s", error)
        return None
    if facts is None:
        return None
    return Ranking(
        hits=[RankedHit(product_id=hit[0], score=hit[1], legs=hit[2], matched=hit[3]) for hit in facts["hits"]],
        is_capped=facts["is_capped"],
        corrected=facts["corrected"],
    )


def _keep(key: str, ranking: Ranking) -> None:
    hits = [(hit.product_id, hit.score, dict(hit.legs), tuple(hit.matched)) for hit in ranking.hits]
    facts = {"hits": hits, "is_capped": ranking.is_capped, "corrected": ranking.corrected}
    try:
        cache.set(key, facts, CACHE_S)
    except RedisError as error:
        logger.warning("search could not be cached: %s", error)
