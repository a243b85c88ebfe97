"""Suggestions for somebody who has begun to write: words, brands, categories and products that begin like that."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q

from catalog.category_paths import PATH_SEPARATOR, category_form, last_name, paths_to
from catalog.ranking.completions import completions
from catalog.ranking.vocabulary import current_vocabulary
from catalog.search.answers import Suggestion, SuggestionKind
from catalog.search.asking import MAX_QUERY_CHARS, Search, normal_query
from catalog.search.browsing import browse
from catalog.search.flights import Made, kept_or_made
from catalog.search.rankings import KEEP_EMPTY_S, search_version
from catalog.search.rows import live_ids
from catalog.showing import searchable_products
from catalog.words import fold
from marketplace.models import Category, ProductCategory

MAX_SUGGESTIONS = 20
KEEP_S = 300
CANDIDATES = 200
# How many of a kind stand before the products; what is left of the limit is theirs.
WORDS, BRANDS, CATEGORIES = 3, 2, 2

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")

Kept = tuple[str, SuggestionKind, int | None]


class Candidate(NamedTuple):
    """A live product that may be meant."""

    product_id: int
    title: str
    brand: str


def suggest(text: str, *, limit: int = 8) -> list[Suggestion]:
    """Suggest what begins like the text, the likeliest first, and only what is live; nothing for nothing.

    Every word of the text counts, its last one as a beginning; that may be misspelt where nothing begins so.
    """
    query = normal_query(text.replace("\0", " "))[:MAX_QUERY_CHARS]
    if not _WORD.search(query):
        return []
    key = "search:suggest:" + sha256(query.encode()).hexdigest()
    kept, _ = kept_or_made(key, version=search_version(), make=partial(_suggestions, query))
    live = live_ids([product_id for _, _, product_id in kept if product_id is not None])
    shown = [Suggestion(*it) for it in kept if it[2] is None or it[2] in live]
    return _mixed(shown, limit=min(limit, MAX_SUGGESTIONS))


def ways_out(text: str, *, limit: int) -> list[Suggestion]:
    """Suggest what else to look for where the text finds nothing: what begins like it, then the largest categories."""
    facets = {facet.name: facet for facet in browse(Search(limit=1)).facets}
    largest = (value for value in facets["category"].values if PATH_SEPARATOR not in value.value)
    categories = [Suggestion(value.value, "category") for value in largest]
    begun = suggest(text, limit=limit)
    return [*begun, *(it for it in categories if it not in begun)][:limit]


def _mixed(suggestions: Sequence[Suggestion], *, limit: int) -> list[Suggestion]:
    """Take the first of each kind, no text twice, and products for the rest of the limit."""
    most = {"word": WORDS, "brand": BRANDS, "category": CATEGORIES, "product": MAX_SUGGESTIONS}
    seen: set[str] = set()
    taken: list[Suggestion] = []
    for suggestion in suggestions:
        text = fold(suggestion.text)
        if text in seen or most[suggestion.kind] == 0:
            continue
        seen.add(text)
        most[suggestion.kind] -= 1
        taken.append(suggestion)
    return taken[:limit]


def _suggestions(query: str) -> Made[list[Kept]]:
    completed = completions(query, vocabulary=current_vocabulary(), limit=2 * WORDS)
    words = _WORD.findall(query)
    candidates = _candidates(words)
    if not candidates and completed and completed[0].is_corrected:
        words = _WORD.findall(completed[0].text)
        candidates = _candidates(words)
    found: list[Kept] = [
        *((it.text, "word", None) for it in completed if it.text != query),
        *((text, "brand", None) for text in beginning(words, (it.brand for it in candidates))),
        *((path, "category", None) for path in _categories(" ".join(words))),
        *((it.title, "product", it.product_id) for it in best_titles(words, candidates)),
    ]
    return Made(found, keep_s=KEEP_S if found else KEEP_EMPTY_S, may_be_stale=bool(found))


def _candidates(words: Sequence[str]) -> list[Candidate]:
    """Find live products that have all the words in title or brand, the last one as the beginning of a word."""
    *whole, last = [re.sub(r"[^\w]", " ", word).split() for word in words]
    terms = [f"'{part}'" for word in whole for part in word] + [f"'{part}':*" for part in last]
    query = SearchQuery(" & ".join(terms), config="simple", search_type="raw")
    found = searchable_products().annotate(begins=SearchVector("title", "brand", config="simple")).filter(begins=query)
    return [Candidate(*row) for row in found.order_by().values_list("pk", "title", "brand")[:CANDIDATES]]


def beginning(words: Sequence[str], names: Iterable[str]) -> list[str]:
    """Return the names that begin with these words, the most frequent first."""
    begins = fold(" ".join(words))
    counts = Counter(name for name in names if fold(name).startswith(begins))
    return sorted(counts, key=lambda name: (-counts[name], name))[: BRANDS * 2]


def best_titles(words: Sequence[str], candidates: Sequence[Candidate]) -> list[Candidate]:
    """Order candidates: titles that begin with the words first, short ones before long ones."""
    begins = fold(" ".join(words))

    def place(it: Candidate) -> tuple[bool, int, str, int]:
        return not fold(it.title).startswith(begins), len(it.title), it.title, it.product_id

    return sorted(candidates, key=place)[:MAX_SUGGESTIONS]


def _categories(query: str) -> list[str]:
    """Find the paths of categories with a word in their names that the query begins, where live products are in them.

    Of a path the part down to that name is suggested: what lies below it is found with it.
    """
    name = category_form(query)
    named = Category.objects.filter(Q(path__istartswith=name) | Q(path__icontains=f" {name}"))
    links = ProductCategory.objects.filter(category__in=named, product__in=searchable_products().values("pk"))
    counts: Counter[str] = Counter()
    for path in links.order_by().values_list("category__path", flat=True)[: CANDIDATES * 5]:
        counts.update(above_named(path, name))
    return sorted(counts, key=lambda path: (-counts[path], path))[: CATEGORIES * 2]


def above_named(path: str, begins: str) -> list[str]:
    """Return the path down to the first name in it with a word that begins like this; nothing where none does."""
    for above in paths_to(path):
        if f" {begins}" in f" {category_form(last_name(above))}":
            return [above]
    return []
