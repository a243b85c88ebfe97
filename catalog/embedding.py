"""Give products their vectors, once per input."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from catalog.embedders.contract import Embedder
from catalog.embedders.current import picture_embedder_of
from catalog.indexing import Purpose, write_products
from catalog.vectors import current_vectors, picture_vectors
from marketplace.models import Product


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the vector of each product is made of; the vectors themselves are stored."""

    fingerprint: str
    input_names: Mapping[int, str]


def embed_products(product_ids: Collection[int], *, embedder: Embedder) -> Embedded:
    """Embed what was never embedded, and prepare hidden rows of the index for products on their way.

    The rows are written before the products name their vectors: a product that has its vector has its row.

    Raises:
        IndexUnavailable: the index is away for longer than 30 s.
        JobError: what the embedder says; nothing of these products is changed then.
    """
    products = list(Product.objects.filter(pk__in=product_ids).order_by("pk"))
    vectors = current_vectors(products, embedder=embedder)
    picture_vectors(product_ids, embedder=picture_embedder_of(embedder))  # stored, for the stage that shows them
    write_products(product_ids, purpose=Purpose.PREPARE, embedder=embedder, vectors=vectors)
    return Embedded(fingerprint=embedder.fingerprint, input_names={pk: name for pk, (name, _) in vectors.items()})


def store_embeddings(embedded: Embedded, *, only: Collection[int]) -> None:
    """Note what the vectors of those products that are named are made of."""
    names = {pk: name for pk, name in embedded.input_names.items() if pk in only}
    locked = Product.objects.filter(pk__in=names).order_by("pk").select_for_update()
    changed = []
    for product in locked.only("embedding_fingerprint", "embedding_input_hash"):
        is_known = product.embedding_fingerprint == embedded.fingerprint
        if is_known and product.embedding_input_hash == names[product.pk]:
            continue
        product.embedding_fingerprint = embedded.fingerprint
        product.embedding_input_hash = names[product.pk]
        changed.append(product)
    Product.objects.bulk_update(changed, ["embedding_fingerprint", "embedding_input_hash"])
