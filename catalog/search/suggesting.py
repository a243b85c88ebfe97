"""Suggestions for somebody who has begun to write: words, brands, categories and products that begin like that."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q

from catalog import index
from catalog.search.answers import Suggestion, SuggestionKind
from catalog.search.asking import MAX_QUERY_CHARS
from catalog.search.filtering import category_key
from catalog.search.flights import Made, kept_or_made
from catalog.search.rankings import EVERYTHING, normal_query, ranking_of
from catalog.search.rows import live_ids
from catalog.search.showing import searchable_products
from catalog.words import fold
from marketplace.models import Category, Product, ProductCategory

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

    Every word of the text counts, its last one as a beginning. Where nothing begins like that, what a search finds is
    suggested: it knows of misspelt words.
    """
    query = normal_query(text.replace("\0", " "))[:MAX_QUERY_CHARS]
    if not _WORD.search(query):
        return []
    key = "search:suggest:" + sha256(query.encode()).hexdigest()
    kept, _ = kept_or_made(key, version=index.current_version(), make=partial(_suggestions, query))
    live = live_ids([product_id for _, _, product_id in kept if product_id is not None])
    shown = [Suggestion(*it) for it in kept if it[2] is None or it[2] in live]
    return _mixed(shown, limit=min(limit, MAX_SUGGESTIONS))


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
    words = _WORD.findall(query)
    candidates = _candidates(words)
    found: list[Kept] = [
        *((text, "word", None) for text in completed(query, (it.title for it in candidates))),
        *((text, "brand", None) for text in beginning(words, (it.brand for it in candidates))),
        *((path, "category", None) for path in _categories(query)),
        *((it.title, "product", it.product_id) for it in best_titles(words, candidates)),
    ]
    return Made(found or _searched(query), keep_s=KEEP_S, may_be_stale=bool(found))


def _candidates(words: Sequence[str]) -> list[Candidate]:
    """Find live products that have all the words in title or brand, the last one as the beginning of a word."""
    *whole, last = [re.sub(r"[^\w]", " ", word).split() for word in words]
    terms = [f"'{part}'" for word in whole for part in word] + [f"'{part}':*" for part in last]
    query = SearchQuery(" & ".join(terms), config="simple", search_type="raw")
    found = searchable_products().annotate(begins=SearchVector("title", "brand", config="simple")).filter(begins=query)
    return [Candidate(*row) for row in found.order_by().values_list("pk", "title", "brand")[:CANDIDATES]]


def completed(query: str, titles: Iterable[str]) -> list[str]:
    """Complete the last word of the query by words of the titles, the most frequent first."""
    head, last = re.match(r"(.*?)([^\s]*)$", query, re.DOTALL).groups()  # type: ignore[union-attr]
    beginning_ = fold(last)
    counts: Counter[str] = Counter()
    for title in titles:
        words = {word for word in _WORD.findall(title.casefold()) if fold(word).startswith(beginning_)}
        counts.update(words)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return [f"{head}{word}" for word in ordered if beginning_ and fold(word) != beginning_][: WORDS * 2]


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
    """Find the paths of categories whose names begin like the query and that hold live products."""
    name = category_key(query)
    named = Category.objects.filter(Q(name__istartswith=name) | Q(name__icontains=f" {name}"))
    links = ProductCategory.objects.filter(category__in=named, product__in=searchable_products().values("pk"))
    paths = Counter(links.order_by().values_list("category__path", flat=True)[: CANDIDATES * 5])
    return sorted(paths, key=lambda path: (-paths[path], path))[: CATEGORIES * 2]


def _searched(query: str) -> list[Kept]:
    """Suggest what a search finds, and the query as it understood it."""
    ranking = ranking_of(query, where=EVERYTHING).ranking
    titles = dict(_titles([hit.product_id for hit in ranking.hits[:MAX_SUGGESTIONS]]))
    products: list[Kept] = [
        (titles[hit.product_id], "product", hit.product_id) for hit in ranking.hits if hit.product_id in titles
    ]
    return [(ranking.corrected, "word", None), *products] if ranking.corrected else products


def _titles(product_ids: Iterable[int]) -> Iterable[tuple[int, str]]:
    return Product.objects.filter(pk__in=list(product_ids)).values_list("pk", "title")
