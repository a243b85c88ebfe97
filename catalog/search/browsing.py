"""Browse: all live products without a query, with counts that PostgreSQL makes and the cache keeps."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Count, QuerySet

from catalog.index import IndexFilter
from catalog.narrowing import narrowed
from catalog.search.answers import Facet, FacetValue
from catalog.search.asking import Search
from catalog.search.facets import Counts, facets, main_currency
from catalog.search.flights import Made, kept_or_made
from catalog.search.found_sets import facet_facts
from catalog.search.ordering import ordered
from catalog.search.rankings import filter_facts, search_version
from catalog.showing import searchable_products
from marketplace.models import Category, Product, ProductCategory

KEEP_S = 60


@dataclass(frozen=True, slots=True)
class Browsed:
    """The ids of one page, and how many products there are in all; that may be a minute old."""

    product_ids: Sequence[int]
    total: int
    has_more: bool
    facets: Sequence[Facet]


def browse(search: Search) -> Browsed:
    """Read one page of all products that pass the filter, newest first where no other order is asked for."""
    where = search.where
    facts = _overview(where, with_facets=search.with_facets)
    currency = where.currency.upper() or facts["currency"]
    products = ordered(narrowed(searchable_products(), where), search.sort, currency=currency)
    ids = list(products.values_list("pk", flat=True)[search.offset : search.offset + search.limit + 1])
    seen = search.offset + len(ids) if ids else 0
    return Browsed(
        product_ids=ids[: search.limit],
        total=max(facts["total"], seen),
        has_more=len(ids) > search.limit,
        facets=[Facet(name, [FacetValue(*it) for it in values], unit) for name, values, unit in facts["facets"]],
    )


def _overview(where: IndexFilter, *, with_facets: bool) -> dict[str, Any]:
    """Return the total, the most frequent currency and the facets, kept for a minute."""
    facts = ["facets" if with_facets else "total", *filter_facts(where)]
    key = "search:browse:" + sha256(json.dumps(facts).encode()).hexdigest()
    return kept_or_made(key, version=search_version(), make=partial(_count, where, with_facets=with_facets))[0]


def _count(where: IndexFilter, *, with_facets: bool) -> Made[dict[str, Any]]:
    by_currency = _grouped(narrowed(searchable_products(), where), "currency")
    priced = _grouped(narrowed(searchable_products(), where).filter(price__isnull=False), "currency")
    found = facets(counted_by_sql(where), where) if with_facets else []
    return Made(
        {
            "total": sum(by_currency.values()),
            "currency": main_currency(priced),
            "facets": facet_facts(found),
        },
        keep_s=KEEP_S,
    )


def counted_by_sql(where: IndexFilter) -> Counts:
    """Count all live products in each facet, by the filters of the others, as facets.counted counts rows."""
    products = searchable_products()
    sellers = narrowed(products, replace(where, seller_ids=()))
    availabilities = narrowed(products, replace(where, availabilities=()))
    priced = narrowed(products, replace(where, min_price=None, max_price=None)).filter(price__isnull=False)
    prices: defaultdict[str, Counter[Decimal]] = defaultdict(Counter)
    for currency, price, count in priced.order_by().values_list("currency", "price").annotate(count=Count("pk")):
        prices[currency][price] = count
    by_seller = sellers.order_by().values_list("seller_id", "seller__name").annotate(count=Count("pk"))
    return Counts(
        sellers=Counter({(pk, name): count for pk, name, count in by_seller}),
        categories=_by_categories(narrowed(products, replace(where, categories=()))),
        availabilities=_grouped(availabilities, "availability"),
        prices=prices,
    )


def _grouped(products: QuerySet[Product], column: str) -> Counter[str]:
    return Counter(dict(products.order_by().values_list(column).annotate(count=Count("pk"))))


def _by_categories(products: QuerySet[Product]) -> Counter[tuple[str, ...]]:
    """Count products by the paths of all their categories."""
    links = ProductCategory.objects.filter(product__in=products.order_by().values("pk"))
    sets = links.values("product").annotate(ids=ArrayAgg("category_id", order_by="category_id")).values("ids")
    inner, parameters = sets.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ids, count(*) FROM ({inner}) AS sets GROUP BY ids", parameters)  # noqa: S608 the ORM's
        by_ids = cursor.fetchall()
    paths = dict(Category.objects.filter(pk__in={pk for ids, _ in by_ids for pk in ids}).values_list("pk", "path"))
    return Counter({tuple(sorted(paths[pk] for pk in ids)): count for ids, count in by_ids})
