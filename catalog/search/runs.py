"""Many queries at once, for those who measure how good the ranking is."""

from collections.abc import Iterable, Iterator
from itertools import islice

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.index import IndexFilter
from catalog.milvus import patiently
from catalog.ranking.ranking import rank
from catalog.ranking.vocabulary import refresh_vocabulary
from catalog.search.asking import Search
from catalog.showing import searchable_products

PATIENCE_S = 30.0  # what is measured must not depend on how busy the machine is
SPARE_HITS = 200  # of which some may have gone since they were indexed


def run_queries(
    queries: Iterable[str], *, where: IndexFilter, limit: int, embedder: Embedder
) -> Iterator[tuple[str, list[str]]]:
    """Yield each query with the external ids of its first results, as their sources gave them; nothing is cached.

    The vocabulary is brought up to date before.

    Raises:
        IndexUnavailable, IndexMissing, IndexNotLoaded: the index is away.
    """
    refresh_vocabulary()
    (vector,) = embedder.embed_queries(["warm up"])
    patiently(lambda: index.warm_up(embedder.fingerprint, vector, "warm"))
    for query in queries:
        words = Search(query=query).words
        ranking = rank(words, where=where, embedder=embedder, wait_s=PATIENCE_S)
        wanted = [hit.product_id for hit in ranking.hits[: limit + SPARE_HITS]]
        ids = dict(searchable_products().filter(pk__in=wanted).values_list("pk", "external_id"))
        yield query, [source_id(ids[pk]) for pk in islice((pk for pk in wanted if pk in ids), limit)]


def source_id(external_id: str) -> str:
    """Return the id that the source itself gave: without the source's name before it."""
    return external_id.partition(":")[2] or external_id
