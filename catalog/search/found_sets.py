"""What a search found, narrowed, ordered and counted: worked out on its ranking, and kept for a minute."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from catalog.index import IndexFilter
from catalog.ranking.ranking import Ranking
from catalog.search.answers import Facet, FacetValue
from catalog.search.asking import Search, Sort
from catalog.search.facets import facets_of
from catalog.search.flights import Made, Source, kept_or_made
from catalog.search.ordering import sorted_ids
from catalog.search.rankings import EVERYTHING, Ranked, filter_facts
from catalog.search.rows import Matcher, Row, live_ids, rows_of

KEEP_S = 60


@dataclass(frozen=True, slots=True)
class FoundSet:
    """All that was found and is shown at this moment, in its order; the counts of its facets may be a minute old."""

    product_ids: Sequence[int]
    facets: Sequence[Facet] = ()


def found_set_of(search: Search, chosen: Ranked, whole: Ranked, *, version: str) -> FoundSet:
    """Narrow, order and count what was found.

    Where the whole ranking is capped, facets count over what both rankings hold: "at least".
    """
    if search.where == EVERYTHING and search.sort is Sort.RELEVANCE and not search.with_facets:
        return FoundSet(_shown([hit.product_id for hit in chosen.ranking.hits]))
    make = partial(_worked_out, search, chosen.ranking, whole.ranking)
    facts, source = kept_or_made(_key(search, chosen, whole), version=version, make=make)
    return FoundSet(
        product_ids=facts["ids"] if source is Source.MISS else _shown(facts["ids"]),  # just made: all are shown
        facets=[Facet(name, [FacetValue(*it) for it in values], unit) for name, values, unit in facts["facets"]],
    )


def facet_facts(facets: Sequence[Facet]) -> list[tuple[str, list[tuple[Any, ...]], str]]:
    """Write facets in plain types, for the cache."""
    return [
        (facet.name, [(it.value, it.label, it.count, it.is_selected) for it in facet.values], facet.currency)
        for facet in facets
    ]


def _shown(product_ids: Sequence[int]) -> list[int]:
    live = live_ids(product_ids)
    return [product_id for product_id in product_ids if product_id in live]


def _worked_out(search: Search, chosen: Ranking, whole: Ranking) -> Made[dict[str, Any]]:
    ids = [hit.product_id for hit in chosen.hits]
    pool = dict.fromkeys([*ids, *(hit.product_id for hit in whole.hits)])
    rows = {row.product_id: row for row in rows_of(pool)}
    passing = _passing(ids, rows, search.where)
    return Made(
        {
            "ids": sorted_ids(passing, search.sort, where=search.where),
            "facets": facet_facts(facets_of(rows.values(), search.where)) if search.with_facets else [],
        },
        keep_s=KEEP_S,
        may_be_stale=False,
    )


def _passing(product_ids: Sequence[int], rows: Mapping[int, Row], where: IndexFilter) -> list[Row]:
    matcher = Matcher(where)
    shown = (rows[product_id] for product_id in product_ids if product_id in rows)
    return [row for row in shown if not matcher.failing(row)]


def _key(search: Search, *rankings: Ranked) -> str:
    """Name what was asked and the very rankings: of one query there may be a stale and a whole one at one version."""
    ids = [[hit.product_id for hit in ranked.ranking.hits] for ranked in rankings]
    facts = [*(it.key for it in rankings), ids, search.sort, search.with_facets, *filter_facts(search.where)]
    return "search:found:" + sha256(json.dumps(facts).encode()).hexdigest()
