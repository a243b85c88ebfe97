"""Give products their vectors, once per input."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from catalog.embedders.contract import Embedder
from catalog.indexing import Purpose, write_products
from catalog.vectors import Vector, embedding_text, input_hash, store_vectors, vectors_for
from marketplace.models import Product


@dataclass(frozen=True, slots=True)
class Embedded:
    """Which input each product has, and the vectors that are not stored yet."""

    fingerprint: str
    input_hashes: Mapping[int, str]
    fresh: Mapping[str, Vector]


def embed_products(product_ids: Collection[int], *, embedder: Embedder) -> Embedded:
    """Embed what was never embedded, and prepare hidden rows of the index for products on their way.

    The rows are written before anything is stored: a product that has its vector has its row.

    Raises:
        IndexUnavailable: the index is away for longer than 30 s.
    """
    texts = {product.pk: embedding_text(product) for product in Product.objects.filter(pk__in=product_ids)}
    hashes = {pk: input_hash(text) for pk, text in texts.items()}
    vectors, fresh = vectors_for({hashes[pk]: text for pk, text in texts.items()}, embedder=embedder)
    write_products(product_ids, purpose=Purpose.PREPARE, embedder=embedder, vectors=vectors)
    return Embedded(fingerprint=embedder.fingerprint, input_hashes=hashes, fresh=fresh)


def store_embeddings(embedded: Embedded, *, only: Collection[int]) -> None:
    """Keep the fresh vectors, and note the inputs of those of the products that are named."""
    hashes = {pk: digest for pk, digest in embedded.input_hashes.items() if pk in only}
    wanted = set(hashes.values())
    store_vectors(embedded.fingerprint, {digest: it for digest, it in embedded.fresh.items() if digest in wanted})
    locked = Product.objects.filter(pk__in=hashes).order_by("pk").select_for_update()
    changed = []
    for product in locked.only("embedding_fingerprint", "embedding_input_hash"):
        is_known = product.embedding_fingerprint == embedded.fingerprint
        if is_known and product.embedding_input_hash == hashes[product.pk]:
            continue
        product.embedding_fingerprint = embedded.fingerprint
        product.embedding_input_hash = hashes[product.pk]
        changed.append(product)
    Product.objects.bulk_update(changed, ["embedding_fingerprint", "embedding_input_hash"])
