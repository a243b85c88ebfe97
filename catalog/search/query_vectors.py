"""Vectors of queries, kept in the cache far longer than rankings: a new index does not change them."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import numpy as np
from django.core.cache import cache
from redis.exceptions import RedisError

from catalog.embedders.contract import DIMENSIONS, Embedder, Vectors
from catalog.search.asking import normal_query
from catalog.search.breaking import Breaker
from jobs.errors import JobError, RetryableError

logger = logging.getLogger(__name__)

KEEP_S = 7 * 24 * 3600


class EmbedderRests(RetryableError):
    """The embedder failed a moment ago; queries do without it for some seconds."""

    code = "search.embedder_rests"


class CachedQueries:
    """An embedder whose queries are embedded once a week, and which is left alone for a while after it failed."""

    def __init__(self, embedder: Embedder, breaker: Breaker) -> None:
        self._embedder = embedder
        self._breaker = breaker
        self.fingerprint = embedder.fingerprint
        self.summary = embedder.summary
        self.min_similarity = embedder.min_similarity
        self.picture_weight = embedder.picture_weight

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Encode texts of products; see the contract."""
        return self._embedder.embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people look for: from the cache, else by the embedder.

        Raises:
            EmbedderRests: it failed a moment ago.
            JobError: it fails now; of what family, it says itself.
        """
        keys = [self._key(text) for text in texts]
        kept = _kept(keys)
        missing = [position for position, key in enumerate(keys) if key not in kept]
        if missing:
            fresh = self._embedded([texts[position] for position in missing])
            kept |= {keys[position]: row.astype("<f4").tobytes() for position, row in zip(missing, fresh, strict=True)}
            _keep({keys[position]: kept[keys[position]] for position in missing})
        rows = [np.frombuffer(kept[key], dtype="<f4") for key in keys]
        return np.array(rows, dtype=np.float32).reshape(len(rows), DIMENSIONS)

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        if not self._breaker.allows():
            raise EmbedderRests
        try:
            vectors = self._embedder.embed_queries(texts)
        except JobError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return vectors

    def _key(self, text: str) -> str:
        return f"search:vector:{self.fingerprint}:{sha256(normal_query(text).encode()).hexdigest()}"


@lru_cache(maxsize=8)
def breaker_of(fingerprint: str) -> Breaker:
    """Return this process's circuit breaker for the embedder of a fingerprint."""
    return Breaker(open_s=5.0)


def _kept(keys: Sequence[str]) -> dict[str, bytes]:
    try:
        kept: dict[str, bytes] = cache.get_many(keys)
    except RedisError as error:
        logger.warning("vectors of queries cannot be read from the cache: %s", error)
        return {}
    return {key: row for key, row in kept.items() if len(row) == DIMENSIONS * 4}


def _keep(rows: dict[str, bytes]) -> None:
    try:
        cache.set_many(rows, KEEP_S)
    except RedisError as error:
        logger.warning("vectors of queries cannot be kept: %s", error)
