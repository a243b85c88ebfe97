"""Find businesses: by their words and by their meaning together, or by name."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, QuerySet

from catalog.directory.embedder import directory_embedder
from catalog.directory.nearest import forget, nearest
from catalog.search.query_vectors import CachedQueries, breaker_of
from jobs.errors import JobError
from marketplace.directory import SEARCH_CONFIG, folded, shown_entries, visible_entries
from marketplace.models import DirectoryEntry, Seller

logger = logging.getLogger(__name__)

MAX_LIMIT = 100
CANDIDATES = 200  # of each leg: how deep one can page
MAX_QUERY_CHARS = 500
MAX_WORDS = 32
# Source: Cormack, Clarke, Buettcher 2009, "Reciprocal rank fusion".
RRF_K = 60


@dataclass(frozen=True, slots=True)
class FoundBusiness:
    """A business, the score that put it into its place, and its score in each leg that found it."""

    entry: DirectoryEntry
    score: float | None
    legs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DirectoryAnswer:
    """The businesses found, best first.

    Args:
        has_more: there are results after these.
        is_degraded: the embedder did not answer, and only words were compared.
    """

    results: Sequence[FoundBusiness]
    has_more: bool
    took_ms: float
    is_degraded: bool


def search_directory(query: str, *, category: str = "", limit: int = 20, offset: int = 0) -> DirectoryAnswer:
    """Find businesses; an empty query lists them by name. Up to 200 of each leg are ranked.

    What is shown is read from PostgreSQL each time: a seller who is suspended is not shown from that moment on.
    """
    started = time.perf_counter()
    words = folded(query.replace("\0", " "))[:MAX_QUERY_CHARS]
    category = " ".join(category.split())
    if words:
        found, has_more, is_degraded = _ranked(query, words, category=category, limit=limit, offset=offset)
    else:
        found, has_more, is_degraded = *_by_name(category, limit=limit, offset=offset), False
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    return DirectoryAnswer(results=found, has_more=has_more, took_ms=took_ms, is_degraded=is_degraded)


def _ranked(
    query: str, words: str, *, category: str, limit: int, offset: int
) -> tuple[list[FoundBusiness], bool, bool]:
    legs = {"words": _by_words(words, category)}
    is_degraded = False
    try:
        legs["meaning"] = _by_meaning(query, category)
    except JobError as error:
        logger.warning("the directory is searched by words alone: %s", error, extra={"code": error.code})
        is_degraded = True
    scores: dict[int, float] = {}
    for leg in legs.values():
        for rank, pk in enumerate(leg, start=1):
            scores[pk] = scores.get(pk, 0.0) + 1.0 / (RRF_K + rank)
    names = dict(visible_entries().filter(pk__in=scores).values_list("pk", "name"))
    forget(legs.get("meaning", {}).keys() - names.keys())
    best = sorted(names, key=lambda pk: (folded(names[pk]) != words, -scores[pk], pk))
    page = best[offset : offset + limit]
    entries = shown_entries().in_bulk(page)
    found = [
        FoundBusiness(entries[pk], scores[pk], {name: leg[pk] for name, leg in legs.items() if pk in leg})
        for pk in page
        if pk in entries
    ]
    return found, len(best) > offset + limit, is_degraded


def _by_name(category: str, *, limit: int, offset: int) -> tuple[list[FoundBusiness], bool]:
    entries = list(_narrowed(shown_entries(), category).order_by("name", "pk")[offset : offset + limit + 1])
    return [FoundBusiness(entry, None, {}) for entry in entries[:limit]], len(entries) > limit


def _by_words(words: str, category: str) -> dict[int, float]:
    """Rank by PostgreSQL's full text: any word counts, those of the name most."""
    any_word = reduce(
        or_, (SearchQuery(word, config=SEARCH_CONFIG, search_type="plain") for word in words.split()[:MAX_WORDS])
    )
    matching = _narrowed(visible_entries(), category).filter(words=any_word)
    ranked = matching.annotate(rank=SearchRank(F("words"), any_word)).order_by("-rank", "pk")
    return {pk: float(rank) for pk, rank in ranked.values_list("pk", "rank")[:CANDIDATES]}


def _by_meaning(query: str, category: str) -> dict[int, float]:
    embedder = directory_embedder()
    among: Collection[int] | None = None
    hidden: Collection[int] = ()
    if category:
        among = list(_narrowed(visible_entries(), category).values_list("pk", flat=True))
    else:
        suspended = DirectoryEntry.objects.filter(seller__status=Seller.Status.SUSPENDED)
        hidden = list(suspended.values_list("pk", flat=True))
    return dict(
        nearest(
            CachedQueries(embedder, breaker_of(embedder.fingerprint)).embed_queries([query[:MAX_QUERY_CHARS]])[0],
            fingerprint=embedder.fingerprint,
            limit=CANDIDATES,
            min_similarity=embedder.min_similarity,
            among=among,
            without=hidden,
        )
    )


def _narrowed(entries: QuerySet[DirectoryEntry], category: str) -> QuerySet[DirectoryEntry]:
    return entries.filter(category__iexact=category) if category else entries
