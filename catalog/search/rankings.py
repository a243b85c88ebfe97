"""Rankings: from the cache, else from the index, else from PostgreSQL; only the index's own are cached."""

import json
import logging
import time
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

from django.conf import settings

from catalog import index
from catalog.embedders.current import current_embedder
from catalog.index import IndexFilter
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.ranking.ranking import RankedHit, Ranking, rank
from catalog.search.breaking import Breaker
from catalog.search.degraded import rank_without_index
from catalog.search.flights import Made, Source, kept_or_made
from catalog.search.query_vectors import CachedQueries, breaker_of

logger = logging.getLogger(__name__)

# Grows with each release that ranks the same query over the same index differently.
RANKING_VERSION = 1
KEEP_S = 3600
KEEP_EMPTY_S = 60
ALARM_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking, and where it comes from; source is None where it is degraded: that is never cached."""

    ranking: Ranking
    source: Source | None


def ranking_of(words: str, *, where: IndexFilter) -> Ranked:
    """Rank what the index shows for a query and a filter; where it is away, what PostgreSQL finds by words alone."""
    query = normal_query(words)
    embedder = current_embedder()
    key = _key(query, where, embedder.fingerprint)
    facts, source = kept_or_made(key, version=index.current_version(), make=partial(_rank, query, where))
    ranking = _ranking(facts)
    return Ranked(ranking, source=None if ranking.is_degraded else source)


def normal_query(words: str) -> str:
    """Return the query in the form in which it is ranked and cached: no case, single spaces, composed letters."""
    return unicodedata.normalize("NFC", " ".join(words.split()).casefold())


def _rank(query: str, where: IndexFilter) -> Made[dict[str, Any]]:
    """Rank by the index; where it is away, or was a moment ago, by PostgreSQL."""
    embedder = current_embedder()
    breaker = breaker_of_index(settings.MILVUS_URI)
    if not breaker.allows():
        return _degraded(rank_without_index(query, where=where), "the index was away a moment ago")
    try:
        ranking = rank(query, where=where, embedder=CachedQueries(embedder, breaker_of(embedder.fingerprint)))
    except (IndexUnavailable, IndexMissing, IndexNotLoaded) as error:
        if isinstance(error, IndexUnavailable):
            breaker.failed()
        else:
            breaker.succeeded()
        return _degraded(rank_without_index(query, where=where), str(error))
    breaker.succeeded()
    if ranking.is_degraded:
        return _degraded(ranking, "the embedder is away")
    is_empty = not ranking.hits
    return Made(_facts(ranking), keep_s=KEEP_EMPTY_S if is_empty else KEEP_S, may_be_stale=not is_empty)


def _degraded(ranking: Ranking, reason: str) -> Made[dict[str, Any]]:
    _alarm.tell(reason)
    return Made(_facts(replace(ranking, is_degraded=True)), keep_s=0)


@lru_cache(maxsize=8)
def breaker_of_index(uri: str) -> Breaker:
    """Return this process's circuit breaker for the index at an address."""
    return Breaker(open_s=5.0)


class _Alarm:
    """Warns of degraded searches once a minute, and says how many there were."""

    def __init__(self) -> None:
        self._told_at = -ALARM_EVERY_S
        self._count = 0

    def tell(self, reason: str) -> None:
        self._count += 1
        now = time.monotonic()
        if now - self._told_at < ALARM_EVERY_S:
            return
        logger.warning("search is degraded: %d searches by words of PostgreSQL alone: %s", self._count, reason)
        self._told_at, self._count = now, 0


_alarm = _Alarm()


def _key(query: str, where: IndexFilter, fingerprint: str) -> str:
    facts = [RANKING_VERSION, index.collection_name(fingerprint), query, *filter_facts(where)]
    return "search:ranking:" + sha256(json.dumps(facts).encode()).hexdigest()


def filter_facts(where: IndexFilter) -> list[Any]:
    """Write a filter so that equal ones are written equally."""
    return [
        sorted(where.seller_ids),
        sorted(index.category_key(name) for name in where.categories),
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
