"""Which products answer a query, and in what order: one ranking of a fixed depth, whatever page is shown."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.index import Hit, IndexFilter
from catalog.models import SearchDocument
from catalog.ranking.queries import Understood, understand
from catalog.ranking.rerank import Document, Placed, Tier, place
from catalog.ranking.synonyms import current_synonyms
from catalog.ranking.vocabulary import Vocabulary, current_vocabulary
from jobs.errors import JobError

logger = logging.getLogger(__name__)

# Candidates of each leg: what BM25 finds by words, what the vectors find by meaning.
WORDS_DEPTH = 500
MEANING_DEPTH = 50


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


def rank(query: str, *, where: IndexFilter, embedder: Embedder) -> Ranking:
    """Rank the products that the index shows and that pass the filter; without words, nothing is found.

    An embedder that fails does not fail the search: it goes by words alone then.

    Raises:
        IndexUnavailable, IndexMissing, IndexNotLoaded: the index is away.
    """
    vocabulary = current_vocabulary()
    understood = understand(query, vocabulary=vocabulary, synonyms=current_synonyms(vocabulary.languages))
    if not understood.terms:
        return Ranking(hits=())
    words = index.matching(embedder.fingerprint, understood.index_text, where=where, limit=WORDS_DEPTH)
    meaning = _by_meaning(understood.corrected or query, where=where, embedder=embedder)
    hits = in_order(understood, words=words, meaning=meaning or [], vocabulary=vocabulary)
    return Ranking(
        hits=hits,
        is_capped=len(words) == WORDS_DEPTH,
        corrected=understood.corrected,
        is_degraded=meaning is None,
    )


def in_order(
    understood: Understood, *, words: Sequence[Hit], meaning: Sequence[Hit], vocabulary: Vocabulary
) -> list[RankedHit]:
    """Order the candidates of both legs by tier and by what their words are worth; ties by meaning, then by id.

    Meaning finds and orders what holds no word of the query. It never moves what holds some: measured, see docs.
    """
    cosines = {hit.product_id: hit.score for hit in meaning}
    candidates = dict.fromkeys([*(hit.product_id for hit in words), *cosines])
    placed = place(understood, documents_of(candidates), vocabulary)
    found = [_hit(it, cosines.get(it.product_id)) for it in placed]
    found = [hit for hit in found if hit.legs]
    return sorted(found, key=lambda hit: (-hit.score, -hit.legs.get("meaning", 0.0), hit.product_id))


def documents_of(product_ids: Collection[int]) -> list[Document]:
    """Read the words of products, in the order of their ids; one without a document is not in the index any more."""
    rows = SearchDocument.objects.filter(pk__in=list(product_ids)).order_by("pk")
    return [Document(*row) for row in rows.values_list(*("product_id", *Document._fields[1:]))]


def _by_meaning(text: str, *, where: IndexFilter, embedder: Embedder) -> list[Hit] | None:
    """Find the nearest by meaning; None where the embedder fails."""
    try:
        (vector,) = embedder.embed_queries([text])
    except JobError as error:
        logger.warning("search goes by words alone: %s: %s", error.code, error)
        return None
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
