"""Find products: by meaning and by words together, or newest first; never one that is not live."""

import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import reduce
from hashlib import sha256
from operator import or_
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.core.cache import cache
from django.db.models import Prefetch, Q, QuerySet
from redis.exceptions import RedisError

from catalog import index
from catalog.embedders.contract import Embedder
from catalog.embedders.current import current_embedder
from catalog.index import Hit, IndexFilter
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.ranking.ranking import rank
from marketplace.models import Picture, Product, ProductCategory, Seller

logger = logging.getLogger(__name__)

MAX_LIMIT = 100
MAX_OFFSET = 1000
MAX_QUERY_CHARS = 500
CACHE_S = 3600


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for."""

    query: str = ""
    where: IndexFilter = field(default_factory=IndexFilter)
    limit: int = 20
    offset: int = 0

    @property
    def words(self) -> str:
        """The query with single spaces, 500 characters at most."""
        return " ".join(self.query.replace("\0", " ").split())[:MAX_QUERY_CHARS]


@dataclass(frozen=True, slots=True)
class Found:
    """A product, and the score that put it into its place; None where nothing is ranked."""

    product: Product
    score: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The products found, best first.

    Args:
        has_more: there may be results after these.
        is_cached: the ranking comes from the cache; the products never do.
        is_degraded: the index is away and PostgreSQL's full text answered, without meaning.
    """

    results: Sequence[Found]
    has_more: bool
    took_ms: float
    is_cached: bool
    is_degraded: bool


@dataclass(frozen=True, slots=True)
class _Ranking:
    hits: Sequence[Hit]
    has_more: bool
    is_cached: bool = False
    is_degraded: bool = False


def search_products(search: Search) -> Answer:
    """Find products; an empty query browses, newest first.

    What is shown is read from PostgreSQL each time, so that a product that was rejected or taken down, or whose
    seller was suspended, is not shown from the moment its row says so.
    """
    started = time.perf_counter()
    ranking = _rank(search) if search.words else _newest(search)
    products = {product.pk: product for product in shown_products([hit.product_id for hit in ranking.hits])}
    return Answer(
        results=[
            Found(product=products[hit.product_id], score=hit.score if search.words else None)
            for hit in ranking.hits
            if hit.product_id in products
        ],
        has_more=ranking.has_more,
        took_ms=round((time.perf_counter() - started) * 1000, 1),
        is_cached=ranking.is_cached,
        is_degraded=ranking.is_degraded,
    )


def searchable_products() -> QuerySet[Product]:
    """Find the products that buyers may see."""
    return Product.objects.filter(status=Product.Status.LIVE, seller__status=Seller.Status.ACTIVE)


def shown_products(product_ids: Iterable[int]) -> QuerySet[Product]:
    """Find those of the products that buyers may see, with all that a result shows."""
    pictures = Picture.objects.filter(status=Picture.Status.READY).order_by("position")
    return (
        searchable_products()
        .filter(pk__in=list(product_ids))
        .select_related("seller")
        .prefetch_related("categories", Prefetch("pictures", queryset=pictures))
    )


def _rank(search: Search) -> _Ranking:
    """Rank by the cache, else by the index, else by PostgreSQL; only the index's own answer is cached."""
    embedder = current_embedder()
    key = _cache_key(search, embedder.fingerprint)
    cached = _cached(key)
    if cached is not None:
        hits = [Hit(product_id=product_id, score=score) for product_id, score in cached["hits"]]
        return _Ranking(hits=hits, has_more=cached["has_more"], is_cached=True)
    try:
        ranking = _page(_hits(search, embedder), search)
    except (IndexUnavailable, IndexMissing, IndexNotLoaded) as error:
        logger.warning("search answers from PostgreSQL: %s", error)
        return _full_text(search)
    _keep(key, {"hits": [(hit.product_id, hit.score) for hit in ranking.hits], "has_more": ranking.has_more})
    return ranking


def _hits(search: Search, embedder: Embedder) -> list[Hit]:
    ranking = rank(search.words, where=search.where, embedder=embedder)
    return [Hit(product_id=hit.product_id, score=hit.score) for hit in ranking.hits]


def _page(hits: Sequence[Hit], search: Search) -> _Ranking:
    end = search.offset + search.limit
    return _Ranking(hits=hits[search.offset : end], has_more=len(hits) > end)


def _newest(search: Search) -> _Ranking:
    end = search.offset + search.limit
    newest = _narrowed(searchable_products(), search.where).order_by("-first_seen_at", "-pk")
    ids = list(newest.values_list("pk", flat=True)[search.offset : end + 1])
    hits = [Hit(product_id=product_id, score=0.0) for product_id in ids[: search.limit]]
    return _Ranking(hits=hits, has_more=len(ids) > search.limit)


def _full_text(search: Search) -> _Ranking:
    """Rank by PostgreSQL's own full text: any word counts, the title most."""
    text = SearchVector("title", "brand", "sku", weight="A", config="english") + SearchVector(
        "description", weight="C", config="english"
    )
    words = (SearchQuery(word, config="english", search_type="plain") for word in search.words.split())
    query = reduce(or_, words)
    end = search.offset + search.limit
    matched = (
        _narrowed(searchable_products(), search.where)
        .annotate(text=text, score=SearchRank(text, query))
        .filter(text=query)
        .order_by("-score", "pk")
    )
    rows = list(matched.values_list("pk", "score")[search.offset : end + 1])
    hits = [Hit(product_id=product_id, score=float(score)) for product_id, score in rows[: search.limit]]
    return _Ranking(hits=hits, has_more=len(rows) > search.limit, is_degraded=True)


def _narrowed(products: QuerySet[Product], where: IndexFilter) -> QuerySet[Product]:
    """Apply the index's filter to PostgreSQL's rows."""
    terms = Q()
    if where.seller_ids:
        terms &= Q(seller__in=where.seller_ids)
    if where.availabilities:
        terms &= Q(availability__in=where.availabilities)
    if where.min_price is not None:
        terms &= Q(price__gte=where.min_price)
    if where.max_price is not None:
        terms &= Q(price__lte=where.max_price)
    if where.currency:
        terms &= Q(currency=where.currency.upper())
    if where.categories:
        paths = reduce(or_, (_of_category(name) for name in where.categories))
        terms &= Q(pk__in=ProductCategory.objects.filter(paths).values("product"))
    return products.filter(terms)


def _of_category(name: str) -> Q:
    """Match the category's name, its path, and whatever lies below that."""
    name = " ".join(name.split())
    return Q(category__name__iexact=name) | Q(category__path__iexact=name) | Q(category__path__istartswith=f"{name} > ")


def _cache_key(search: Search, fingerprint: str) -> str:
    facts = [search.words.casefold(), search.limit, search.offset, asdict(search.where)]
    place = [index.collection_name(fingerprint), index.current_version()]
    return "search:" + sha256(json.dumps([*place, *facts], default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    raise TypeError(f"{type(value).__name__} cannot be part of a cache key")


def _cached(key: str) -> dict[str, Any] | None:
    """Return what is cached; a cache that is away holds nothing."""
    try:
        ranking: dict[str, Any] | None = cache.get(key)
    except RedisError as error:
        logger.warning("search goes without its cache: %s", error)
        return None
    return ranking


def _keep(key: str, ranking: dict[str, Any]) -> None:
    try:
        cache.set(key, ranking, CACHE_S)
    except RedisError as error:
        logger.warning("search could not be cached: %s", error)
