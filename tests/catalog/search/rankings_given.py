"""Rankings that are given, so that what is made of them can be tested without an index."""

from collections.abc import Callable, Sequence

import pytest

from catalog.embedders.contract import Embedder
from catalog.index import IndexFilter
from catalog.ranking.ranking import RankedHit, Ranking
from catalog.search import rankings
from marketplace.models import Product
from tests.catalog.products import make_product, make_seller, make_sync

Given = Callable[[str, IndexFilter], Ranking]


def give(monkeypatch: pytest.MonkeyPatch, ranking: Given) -> list[tuple[str, IndexFilter]]:
    """Have queries ranked by this function; returns the list to which every call is added."""
    calls: list[tuple[str, IndexFilter]] = []

    def rank(query: str, *, where: IndexFilter, embedder: Embedder, wait_s: float) -> Ranking:
        calls.append((query, where))
        return ranking(query, where)

    monkeypatch.setattr(rankings, "rank", rank)
    return calls


def ranked(products: Sequence[Product], *, is_capped: bool = False, corrected: str = "") -> Ranking:
    """Rank products in the order given."""
    hits = [RankedHit(product.pk, 1.0 / place, {"words": 1.0}, ("lamp",)) for place, product in enumerate(products, 1)]
    return Ranking(hits=hits, is_capped=is_capped, corrected=corrected)


def make_live(*titles: str, seller: str = "Harbour Lane") -> list[Product]:
    """Make live products of one seller, of which the index knows nothing."""
    sync = make_sync(make_seller(seller))
    return [make_product(sync, title, status="live") for title in titles]
