"""What the vector of a product is made of: its text, and its first picture where the embedder looks at pictures.

An input is named by the digest of its text, 32 hexadecimal digits, then that of its picture where it has one. The name
that a product carries says what its vector in the index was made of.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from catalog.embedders.contract import Embedder
from catalog.models import StoredVector
from catalog.significance import compose_text, is_significant_change, normal_form
from marketplace.models import Picture, Product

HASH_CHARS = 32  # 128 bits each, so that both digests fit into a product's column

Subject = TypeVar("Subject", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Input:
    """What one vector is made of; the text and the picture are needed only where their vectors are not stored."""

    text_hash: str
    text: str = ""
    picture_hash: str = ""
    picture: Picture | None = None

    @property
    def name(self) -> str:
        """What a product and its row of the index carry."""
        return self.text_hash + self.picture_hash


def embedding_text(product: Product) -> str:
    """Return what is embedded of a product. Categories are left out: they may still grow when it is embedded."""
    return compose_text([product.title, product.brand], product.description)


def input_hash(text: str) -> str:
    """Return the digest under which a text's vector is stored: equal for texts that differ in no word."""
    return sha256(normal_form(text).encode()).hexdigest()[:HASH_CHARS]


def picture_hash(picture: Picture) -> str:
    """Return the digest under which a picture's vector is stored."""
    return picture.sha256[:HASH_CHARS]


def first_pictures(product_ids: Collection[int]) -> dict[int, Picture]:
    """Return the first picture of each product that has one which is ready."""
    ready = Picture.objects.filter(product__in=product_ids, status=Picture.Status.READY).exclude(sha256="")
    return {it.product_id: it for it in ready.order_by("product_id", "position").distinct("product_id")}


def text_hashes(texts: Mapping[Subject, str], *, named: Mapping[Subject, str], fingerprint: str) -> dict[Subject, str]:
    """Return the digest of the text that each subject's vector should be made of.

    That is the one it was made of, as long as the text has not changed significantly since: it is compared with the
    text that was embedded, so that many small changes add up.

    Args:
        texts: what each subject says now.
        named: the digest of the text that its vector was made of under this fingerprint, where it has one.
        fingerprint: the embedder's.
    """
    embedded = dict(
        StoredVector.objects.filter(fingerprint=fingerprint, input_hash__in=set(named.values())).values_list(
            "input_hash", "text"
        )
    )
    hashes = {}
    for subject, text in texts.items():
        kept = named.get(subject, "")
        stays = kept in embedded and not is_significant_change(embedded[kept], text)
        hashes[subject] = kept if stays else input_hash(text)
    return hashes


def current_inputs(products: Collection[Product], *, embedder: Embedder) -> dict[int, Input]:
    """Return what the products' vectors should be made of now."""
    texts = {product.pk: embedding_text(product) for product in products}
    named = {pk: name[:HASH_CHARS] for pk, name in _names(products, embedder.fingerprint).items()}
    hashes = text_hashes(texts, named=named, fingerprint=embedder.fingerprint)
    pictures = readable_pictures(texts, fingerprint=embedder.fingerprint) if embedder.picture_weight > 0 else {}
    return {
        pk: Input(
            text_hash=hashes[pk],
            text=text,
            picture_hash=picture_hash(pictures[pk]) if pk in pictures else "",
            picture=pictures.get(pk),
        )
        for pk, text in texts.items()
    }


def named_inputs(products: Collection[Product], *, embedder: Embedder) -> dict[int, Input]:
    """Return what the products' vectors were made of; of those that have none in store, what it should be."""
    parts = {
        pk: Input(text_hash=name[:HASH_CHARS], picture_hash=name[HASH_CHARS:])
        for pk, name in _names(products, embedder.fingerprint).items()
    }
    wanted = {digest for it in parts.values() for digest in (it.text_hash, it.picture_hash) if digest}
    stored = _stored(embedder.fingerprint, wanted) | {""}
    made = {pk: it for pk, it in parts.items() if it.text_hash in stored and it.picture_hash in stored}
    rest = [product for product in products if product.pk not in made]
    return made | (current_inputs(rest, embedder=embedder) if rest else {})


def readable_pictures(product_ids: Collection[int], *, fingerprint: str) -> dict[int, Picture]:
    """Return the products' first pictures but those that the embedder is known to be unable to decode."""
    pictures = first_pictures(product_ids)
    digests = {picture_hash(picture) for picture in pictures.values()}
    unreadable = set(
        StoredVector.objects.filter(fingerprint=fingerprint, input_hash__in=digests, vector=b"").values_list(
            "input_hash", flat=True
        )
    )
    return {pk: picture for pk, picture in pictures.items() if picture_hash(picture) not in unreadable}


def _names(products: Iterable[Product], fingerprint: str) -> dict[int, str]:
    return {it.pk: it.embedding_input_hash for it in products if it.embedding_fingerprint == fingerprint}


def _stored(fingerprint: str, hashes: Collection[str]) -> set[str]:
    return set(
        StoredVector.objects.filter(fingerprint=fingerprint, input_hash__in=hashes)
        .exclude(vector=b"")
        .values_list("input_hash", flat=True)
    )
