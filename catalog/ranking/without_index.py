"""Search without the index: the same ranking of what PostgreSQL finds by words."""

from catalog.index import IndexFilter
from catalog.ranking.candidates import documents_with
from catalog.ranking.ranking import WORDS_DEPTH, Ranking, in_order, understood_by
from catalog.ranking.vocabulary import current_vocabulary


def rank_without_index(query: str, *, where: IndexFilter) -> Ranking:
    """Rank the live products that hold words of the query and pass the filter; no leg of meaning."""
    vocabulary = current_vocabulary()
    understood = understood_by(query, vocabulary)
    documents = documents_with(understood.sought(vocabulary, most=WORDS_DEPTH), where=where, limit=WORDS_DEPTH)
    return Ranking(
        hits=in_order(understood, documents, vocabulary=vocabulary),
        is_capped=len(documents) == WORDS_DEPTH,
        corrected=understood.corrected,
        is_degraded=True,
    )
