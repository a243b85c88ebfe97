"""Which products answer a query, and in what order: one ranking of a fixed depth, whatever page is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.index import Hit, IndexFilter
from catalog.words import index_text

# Candidates of each leg: what BM25 finds by words, what the vectors find by meaning.
WORDS_DEPTH = 500
MEANING_DEPTH = 50
# Source: Cormack et al. 2009, "Reciprocal rank fusion outperforms Condorcet": k = 60.
RANK_CONSTANT = 60


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A product in its place: a greater score comes first, and comparable within one ranking only.

    Args:
        legs: what each leg contributed, by its name ("words", "meaning", "exact"): the leg's own score.
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


def rank(query: str, *, where: IndexFilter, embedder: Embedder) -> Ranking:
    """Rank the products that the index shows and that pass the filter; without words, nothing is found.

    Both legs are fused here rather than by Milvus' hybrid search: Milvus Lite drops the least similarity there, and a
    query without any neighbour would find its 50 least distant strangers.

    Raises:
        IndexUnavailable, IndexMissing, IndexNotLoaded: the index is away.
    """
    stemmed = index_text([query])
    if not stemmed:
        return Ranking(hits=())
    (vector,) = embedder.embed_queries([query])
    words = index.matching(embedder.fingerprint, stemmed, where=where, limit=WORDS_DEPTH)
    meaning = index.nearest(
        embedder.fingerprint, vector, where=where, limit=MEANING_DEPTH, min_similarity=embedder.min_similarity
    )
    return Ranking(hits=fuse({"words": words, "meaning": meaning}), is_capped=len(words) == WORDS_DEPTH)


def fuse(legs: Mapping[str, Sequence[Hit]]) -> list[RankedHit]:
    """Merge rankings by reciprocal rank fusion: a product scores 1 / (60 + rank) in each; ties by id."""
    scores: dict[int, float] = {}
    found: dict[int, dict[str, float]] = {}
    for name, leg in legs.items():
        for rank_, hit in enumerate(leg, start=1):
            scores[hit.product_id] = scores.get(hit.product_id, 0.0) + 1.0 / (RANK_CONSTANT + rank_)
            found.setdefault(hit.product_id, {})[name] = hit.score
    fused = [RankedHit(product_id=pk, score=score, legs=found[pk]) for pk, score in scores.items()]
    return sorted(fused, key=lambda hit: (-hit.score, hit.product_id))
