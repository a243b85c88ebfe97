"""Live products whose words are counted, as rankings find them; without the index."""

from collections.abc import Sequence
from typing import Any

from catalog.index import IndexFilter
from catalog.ranking.documents import document_of, write_documents
from catalog.ranking.ranking import RankedHit
from catalog.ranking.vocabulary import Vocabulary, current_vocabulary, refresh_vocabulary
from catalog.ranking.without_index import rank_without_index
from marketplace.models import Product
from tests.catalog.products import make_product, make_seller, make_sync


def keep(*titles: str, **fields: Any) -> list[Product]:
    """Make live products of these titles, and keep their words."""
    sync = make_sync(make_seller(f"Seller {Product.objects.count()}"))
    products = [make_product(sync, title, status="live", **fields) for title in titles]
    write_documents([document_of(product, fields.get("categories", ())) for product in products])
    return products


def counted() -> Vocabulary:
    """Count the words of what is kept."""
    assert refresh_vocabulary()
    return current_vocabulary()


def hits(query: str, where: IndexFilter | None = None) -> Sequence[RankedHit]:
    return rank_without_index(query, where=where or IndexFilter()).hits


def found(query: str) -> list[str]:
    """List the titles that are found, best first."""
    ranked = [hit.product_id for hit in hits(query)]
    titles = dict(Product.objects.filter(pk__in=ranked).values_list("pk", "title"))
    return [titles[pk] for pk in ranked]
