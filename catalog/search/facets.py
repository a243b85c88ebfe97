"""What the results of a search can be narrowed by, with counts.

Facets are disjunctive: each counts what passes the filters of all others, but not its own, so that a second value of
the same facet shows what it would add.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from catalog.category_paths import PATH_SEPARATOR, category_form, last_name, paths_to
from catalog.index import IndexFilter
from catalog.search.answers import Facet, FacetValue
from catalog.search.price_ranges import range_text, ranges_of
from catalog.search.rows import Matcher, Row
from marketplace.models import Product

MAX_VALUES = 20
LABELS = {str(value): str(label).capitalize() for value, label in Product.Availability.choices}


@dataclass
class Counts:
    """How many products each facet counts: by seller (id, name), the paths of their categories, and so on."""

    sellers: Counter[tuple[int, str]] = field(default_factory=Counter)
    categories: Counter[tuple[str, ...]] = field(default_factory=Counter)
    availabilities: Counter[str] = field(default_factory=Counter)
    prices: defaultdict[str, Counter[Decimal]] = field(default_factory=lambda: defaultdict(Counter))


def facets_of(rows: Iterable[Row], where: IndexFilter) -> list[Facet]:
    """Count rows by seller, category, availability and price, under a filter that not all of them pass."""
    return facets(counted(rows, where), where)


def counted(rows: Iterable[Row], where: IndexFilter) -> Counts:
    """Count each row in the facets whose filter is the only one, if any, that it does not pass."""
    counts = Counts()
    matcher = Matcher(where)
    currency = where.currency.upper()
    for row in rows:
        fails = matcher.failing(row)
        if len(fails) > 1:
            continue
        if fails in ((), ("seller",)):
            counts.sellers[row.seller_id, row.seller_name] += 1
        if fails in ((), ("category",)):
            counts.categories[tuple(row.paths)] += 1
        if fails in ((), ("availability",)):
            counts.availabilities[row.availability] += 1
        if fails in ((), ("price",)) and row.price is not None and currency in ("", row.currency):
            counts.prices[row.currency][row.price] += 1
    return counts


def facets(counts: Counts, where: IndexFilter) -> list[Facet]:
    """Write counts as facets, those values first that most products have."""
    return [
        Facet("category", category_values(counts.categories, where.categories)),
        price_facet(counts.prices, where),
        Facet("seller", _seller_values(counts.sellers, where.seller_ids)),
        Facet("availability", _availability_values(counts.availabilities, where.availabilities)),
    ]


def _seller_values(counts: Mapping[tuple[int, str], int], selected: Sequence[int]) -> list[FacetValue]:
    values = [FacetValue(str(pk), name, count, pk in selected) for (pk, name), count in counts.items()]
    return _first(values)


def _availability_values(counts: Mapping[str, int], selected: Sequence[str]) -> list[FacetValue]:
    names = dict.fromkeys([*counts, *(name for name in selected if name in LABELS)])
    return _first([FacetValue(name, LABELS[name], counts.get(name, 0), name in selected) for name in names])


def _first(values: Iterable[FacetValue]) -> list[FacetValue]:
    """Order values by their counts, and keep the first of them and those that are selected."""
    ordered = sorted(values, key=lambda value: (-value.count, value.label.casefold(), value.value))
    return [*ordered[:MAX_VALUES], *(value for value in ordered[MAX_VALUES:] if value.is_selected)]


def price_facet(prices: Mapping[str, Mapping[Decimal, int]], where: IndexFilter) -> Facet:
    """Cut the prices of one currency into ranges: of the one asked for, else of the most frequent."""
    totals = {currency: sum(counts.values()) for currency, counts in prices.items()}
    currency = where.currency.upper() or main_currency(totals)
    values = [
        FacetValue(
            range_text(low, high),
            _price_label(low, high, currency),
            count,
            (low, high) == (where.min_price or Decimal(0), where.max_price)
            and (where.min_price, where.max_price) != (None, None),
        )
        for (low, high), count in ranges_of(prices.get(currency, {}))
    ]
    return Facet("price", values, currency=currency)


def main_currency(totals: Mapping[str, int]) -> str:
    """Return the currency of most products; that of none named only where there is no other."""
    return min(totals, key=lambda currency: (not currency, -totals[currency], currency), default="")


def _price_label(low: Decimal | None, high: Decimal | None, currency: str) -> str:
    if high is None:
        text = f"{low:f} and more"
    elif not low:
        text = f"up to {high:f}"
    else:
        text = f"{low:f} to {high:f}"
    return f"{text} {currency}".strip() if high is not None else f"{low:f} {currency}".strip() + " and more"


@dataclass
class _Node:
    """A category over all sellers that write its path alike."""

    count: int = 0
    spellings: Counter[str] = field(default_factory=Counter)

    @property
    def path(self) -> str:
        return min(self.spellings, key=lambda path: (-self.spellings[path], path))


def category_values(counts: Mapping[tuple[str, ...], int], selected: Sequence[str]) -> list[FacetValue]:
    """Write the tree of categories as far as it is open: its top, and what lies below each selected one.

    A level with one category alone is open as well. Parents stand before their children; a product that is in several
    categories counts once in what lies above them.
    """
    nodes = _nodes(counts)
    children: defaultdict[str, list[str]] = defaultdict(list)
    for key in nodes:
        children[key.rpartition(PATH_SEPARATOR)[0]].append(key)
    names = {category_form(name) for name in selected}
    chosen = {key for key in nodes if key in names or last_name(key) in names}
    is_open = {above for key in chosen for above, _ in _levels(key)}
    values: list[FacetValue] = []

    def show(parent: str) -> None:
        level = sorted(children[parent], key=lambda key: (-nodes[key].count, key))
        for place, key in enumerate(level):
            if place >= MAX_VALUES and key not in is_open:
                continue
            path = nodes[key].path
            values.append(FacetValue(path, last_name(path), nodes[key].count, key in chosen))
            if key in is_open or len(level) == 1:
                show(key)

    show("")
    return values


def _nodes(counts: Mapping[tuple[str, ...], int]) -> dict[str, _Node]:
    nodes: defaultdict[str, _Node] = defaultdict(_Node)
    for paths, count in counts.items():
        mine: dict[str, str] = {}
        for path in paths:
            for key, above in _levels(path):
                mine.setdefault(key, above)
        for key, path in mine.items():
            nodes[key].count += count
            nodes[key].spellings[path] += count
    return dict(nodes)


@lru_cache(maxsize=20_000)
def _levels(path: str) -> tuple[tuple[str, str], ...]:
    """List the paths above a path from the root, and itself: each with its key before it."""
    return tuple((category_form(above), above) for above in paths_to(path))
