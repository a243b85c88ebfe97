"""Search without the index: PostgreSQL's own full text."""

from functools import reduce
from operator import or_

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector

from catalog.index import IndexFilter
from catalog.ranking.ranking import RankedHit, Ranking
from catalog.search.filtering import narrowed
from catalog.search.showing import searchable_products

DEPTH = 500


def rank_without_index(query: str, *, where: IndexFilter) -> Ranking:
    """Rank by PostgreSQL's full text: any word counts, the title most."""
    text = SearchVector("title", "brand", "sku", weight="A", config="english") + SearchVector(
        "description", weight="C", config="english"
    )
    words = reduce(or_, (SearchQuery(word, config="english", search_type="plain") for word in query.split()))
    matched = (
        narrowed(searchable_products(), where)
        .annotate(text=text, score=SearchRank(text, words))
        .filter(text=words)
        .order_by("-score", "pk")
    )
    rows = list(matched.values_list("pk", "score")[: DEPTH + 1])
    hits = [RankedHit(product_id=pk, score=float(score), legs={"words": float(score)}) for pk, score in rows[:DEPTH]]
    return Ranking(hits=hits, is_capped=len(rows) > DEPTH, is_degraded=True)
