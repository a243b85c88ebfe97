"""Which products answer a query, and in what order: one ranking of a fixed depth, whatever page is shown."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.index import Hit, IndexFilter
from catalog.ranking.candidates import Document, documents_of, documents_with
from catalog.ranking.patience import Patience
from catalog.ranking.queries import Understood, understand
from catalog.ranking.rerank import Placed, Tier, place
from catalog.ranking.synonyms import current_synonyms
from catalog.ranking.vocabulary import Vocabulary, current_vocabulary
from jobs.errors import JobError

logger = logging.getLogger(__name__)

# Candidates: what holds words of the query, what the index's BM25 puts first, what its vectors find by meaning.
WORDS_DEPTH = 300
# Milvus Lite takes 0.4 ms a hit; nDCG@10 is the same at 20, 30 and 50 (November 2026). A page shows 24.
BEST_DEPTH = 24
MEANING_DEPTH = 24
# The index is asked while PostgreSQL is: each takes some 20 ms at 10,000 products. These threads touch no database.
_beside = ThreadPoolExecutor(max_workers=16, thread_name_prefix="search-leg")
_patience = Patience()


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A product in its place: a greater score comes first.

    Args:
        score: the tier (3 named by its code, 2 holds all words, 1 some, 0 none) and, below 1, how well it answers.
        legs: what each leg says: "words" from 0 to 1, "meaning" the cosine, "exact" 1 for a code.
        matched: the words of the query that the product holds, as people wrote them.
    """

    product_id: int
    score: float
    legs: Mapping[str, float] = field(default_factory=dict)
    matched: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that was found, best first.

    Args:
        is_capped: there are more matches than the ranking is deep.
        corrected: the query as it was understood, where that differs from what was written; else empty.
        is_degraded: the index or the embedder is away; found by words alone.
    """

    hits: Sequence[RankedHit]
    is_capped: bool = False
    corrected: str = ""
    is_degraded: bool = False


def rank(query: str, *, where: IndexFilter, embedder: Embedder, wait_s: float | None = None) -> Ranking:
    """Rank the products that the index shows and that pass the filter; without words, nothing is found.

    An embedder that fails, or an index that takes wait_s longer than PostgreSQL, does not fail the search: it goes
    by the words alone that PostgreSQL found then, and says so (is_degraded). By default the wait is short while the
    index is too busy to be worth waiting for (`catalog.ranking.patience`).

    Raises:
        IndexUnavailable, IndexMissing, IndexNotLoaded: the index is away.
    """
    vocabulary = current_vocabulary()
    understood = understood_by(query, vocabulary)
    if not understood.terms:
        return Ranking(hits=())
    sought = understood.sought(vocabulary, most=WORDS_DEPTH)
    vector = _vector(understood.corrected or query, embedder=embedder)
    nearest = (
        None if vector is None else _beside.submit(_timed, partial(_by_meaning, vector, where=where, embedder=embedder))
    )
    is_broad = any(vocabulary.frequency.get(stem, 0) >= WORDS_DEPTH for stem in sought)
    best = _beside.submit(_timed, partial(_by_words, sought, where=where, embedder=embedder)) if is_broad else None
    documents = documents_with(sought, where=where, limit=WORDS_DEPTH)
    is_capped = len(documents) == WORDS_DEPTH
    if is_capped and best is None:
        best = _beside.submit(_timed, partial(_by_words, sought, where=where, embedder=embedder))
    give_up_at = time.monotonic() + (_patience.wait_s if wait_s is None else wait_s)
    meaning, by_words = _answer(nearest, give_up_at), _answer(best, give_up_at)
    cosines = {hit.product_id: hit.score for hit in meaning or ()}
    others = {hit.product_id for hit in by_words or ()}.union(cosines)
    documents += documents_of(others - {document.product_id for document in documents})
    return Ranking(
        hits=in_order(understood, documents, vocabulary=vocabulary, cosines=cosines),
        is_capped=is_capped,
        corrected=understood.corrected,
        is_degraded=meaning is None or (is_capped and by_words is None),
    )


def _answer(leg: Future[list[Hit]] | None, give_up_at: float) -> list[Hit] | None:
    """Return what a leg found; None where it was not asked, or does not answer in time."""
    if leg is None:
        return None
    try:
        return leg.result(timeout=max(give_up_at - time.monotonic(), 0.0))
    except TimeoutError:
        leg.cancel()
        return None


def _timed(ask: Callable[[], list[Hit]]) -> list[Hit]:
    """Ask the index, and learn from how long it takes."""
    started = time.monotonic()
    try:
        hits = ask()
    except JobError:
        _patience.answered(took_s=time.monotonic() - started, is_error=True)
        raise
    _patience.answered(took_s=time.monotonic() - started)
    return hits


def understood_by(query: str, vocabulary: Vocabulary) -> Understood:
    """Say what a query means by this vocabulary and the synonyms of staff."""
    return understand(query, vocabulary=vocabulary, synonyms=current_synonyms(vocabulary.languages))


def in_order(
    understood: Understood,
    documents: Sequence[Document],
    *,
    vocabulary: Vocabulary,
    cosines: Mapping[int, float] = MappingProxyType({}),
) -> list[RankedHit]:
    """Order candidates by tier and by what their words are worth; ties by meaning, then by id.

    Meaning finds and orders what holds no word of the query. It never moves what holds some: measured, see docs.
    """
    hits = [_hit(placed, cosines.get(placed.product_id)) for placed in place(understood, documents, vocabulary)]
    found = [hit for hit in hits if hit.legs]
    return sorted(found, key=lambda hit: (-hit.score, -hit.legs.get("meaning", 0.0), hit.product_id))


def _by_words(stems: Collection[str], *, where: IndexFilter, embedder: Embedder) -> list[Hit]:
    """Find the best by BM25 where there are more matches than PostgreSQL lists; else it could only find them again."""
    return index.matching(embedder.fingerprint, " ".join(stems), where=where, limit=BEST_DEPTH)


def _vector(text: str, *, embedder: Embedder) -> NDArray[np.float32] | None:
    """Embed a query; None where the embedder fails."""
    try:
        (vector,) = embedder.embed_queries([text])
    except JobError as error:
        logger.warning("search goes by words alone: %s: %s", error.code, error)
        return None
    return cast(NDArray[np.float32], vector)


def _by_meaning(vector: NDArray[np.float32], *, where: IndexFilter, embedder: Embedder) -> list[Hit]:
    return index.nearest(
        embedder.fingerprint, vector, where=where, limit=MEANING_DEPTH, min_similarity=embedder.min_similarity
    )


def _hit(placed: Placed, cosine: float | None) -> RankedHit:
    legs = {} if placed.tier is Tier.MEANING else {"words": placed.words}
    if placed.tier is Tier.EXACT:
        legs["exact"] = 1.0
    if cosine is not None:
        legs["meaning"] = cosine
    below_one = max(0.0, min(cosine or 0.0, 0.999)) if placed.tier is Tier.MEANING else placed.words
    return RankedHit(
        product_id=placed.product_id, score=float(placed.tier) + below_one, legs=legs, matched=placed.matched
    )
