"""What a search answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from marketplace.models import Product

SuggestionKind = Literal["product", "category", "brand", "word"]


@dataclass(frozen=True, slots=True)
class Found:
    """A product in its place.

    Args:
        product: what is shown, with its seller, categories and pictures.
        score: what put it there, comparable within one answer; None where nothing is ranked.
        legs: what each leg of the search gave it, by the leg's name ("words", "meaning", "exact").
        matched: the words of the query that it holds.
    """

    product: Product
    score: float | None
    legs: Mapping[str, float] = field(default_factory=dict)
    matched: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value that may be chosen, and how many results there would be with it.

    Args:
        value: what the filter of the same name takes; of a price "25-50", "-25" or "100-", ends included.
        label: as people read it.
        count: products that have it and pass the filters of the other facets.
        is_selected: whether the search asks for it.
    """

    value: str
    label: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to narrow a search: "seller", "category", "availability" or "price".

    Args:
        name: which.
        values: of a category, parents before their children: a value is its path, "Home > Lamps".
        currency: of a price's values; ask for it together with them. Else empty.
    """

    name: str
    values: Sequence[FacetValue]
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What somebody who began to write may mean."""

    text: str
    kind: SuggestionKind
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of what was found.

    Args:
        results: in their order.
        total: how many were found.
        total_is_capped: there are more than the total, and the counts of the facets are "at least".
        has_more: a page with a greater offset holds more.
        took_ms: from the question to the answer.
        is_cached: the ranking comes from the cache; the products never do.
        is_degraded: the index or the embedder is away; found by words alone.
        corrected: the query as it was understood, where that is not as it was written; else empty.
        facets: empty where they were not asked for.
        suggestions: what else to look for, where nothing was found.
    """

    results: Sequence[Found]
    total: int
    total_is_capped: bool = False
    has_more: bool = False
    took_ms: float = 0.0
    is_cached: bool = False
    is_degraded: bool = False
    corrected: str = ""
    facets: Sequence[Facet] = ()
    suggestions: Sequence[Suggestion] = ()
