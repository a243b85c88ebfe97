"""Vectors of products, texts and pictures: embedded once, and again only where something changed that counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.embedders.contract import Embedder, UnreadablePicture, Vectors
from catalog.embedders.hashing import HashingEmbedder
from catalog.embedding import Embedded, store_embeddings
from catalog.inputs import HASH_CHARS, input_hash
from catalog.models import StoredVector
from catalog.vectors import (
    combine,
    current_vectors,
    input_names,
    picture_vectors,
    product_vectors,
    stored_vectors,
    text_vectors,
)
from marketplace.models import Picture, Product, SyncRun
from tests.catalog.products import add_picture, make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db
BODY = (
    "A lamp of brushed brass for the table beside your favourite armchair, with a linen shade and a heavy foot that "
    "stands where children play."
)


class Counting(HashingEmbedder):
    """The hashing embedder, which tells what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed(texts)


class Seeing(Counting):
    """Looks at pictures as well: files are texts to it, and "broken" cannot be decoded."""

    fingerprint = "seeing"
    picture_weight = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[bytes] = []

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        for position, picture in enumerate(pictures):
            if picture == b"broken":
                raise UnreadablePicture(position, "broken")
        self.pictures += pictures
        return HashingEmbedder.embed(self, [picture.decode() for picture in pictures])


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


@pytest.fixture
def pictures(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def show(product: Product, content: str, folder: Path, *, position: int = 0) -> Picture:
    (folder / f"{content}.webp").write_bytes(content.encode())
    return add_picture(
        product, sha256=content.encode().hex().ljust(64, "0"), thumbnail=f"{content}.webp", position=position
    )


def embed(embedder: Embedder, *products: Product) -> dict[int, str]:
    """Do what the stage does, and return the names that the products have."""
    found = list(Product.objects.filter(pk__in=[product.pk for product in products]).order_by("pk"))
    names = {pk: name for pk, (name, _) in current_vectors(found, embedder=embedder).items()}
    store_embeddings(Embedded(embedder.fingerprint, names), only=names)
    return names


def test_texts_of_the_same_words_are_embedded_once() -> None:
    embedder = Counting()
    texts = ["Red lamp\n\nOf brass.", "RED LAMPS\n\nThe brass!", "Red lamp\n\nOf steel."]

    vectors = text_vectors(texts, embedder=embedder)
    again = text_vectors(texts[::-1], embedder=embedder)

    assert embedder.texts == [texts[0], texts[2]]
    assert set(vectors) == {input_hash(text) for text in texts} == set(again)
    assert all(np.array_equal(vectors[digest], again[digest]) for digest in vectors)
    assert set(StoredVector.objects.values_list("text", flat=True)) == {texts[0], texts[2]}
    assert stored_vectors("another", vectors) == {}


def test_small_changes_keep_the_vector_until_they_add_up(sync: SyncRun) -> None:
    embedder = Counting()
    product = make_product(sync, "Brass lamp", description=BODY, brand="Harbour")
    names, bodies = [embed(embedder, product)[product.pk]], [BODY]
    for old, new in [("brushed", "polished"), ("favourite", "beloved"), ("armchair", "sofa"), ("linen", "cotton")]:
        bodies.append(bodies[-1].replace(old, new))
        Product.objects.update(description=bodies[-1])
        names.append(embed(embedder, product)[product.pk])

    # Two words in the place of two others are too many; that text is then what the next changes are measured by.
    first, second, third = (input_hash(f"Brass lamp\nHarbour\n\n{bodies[at]}") for at in (0, 2, 4))
    assert names == [first, first, second, second, third]
    assert embedder.texts == [f"Brass lamp\nHarbour\n\n{bodies[at]}" for at in (0, 2, 4)]
    assert StoredVector.objects.count() == 3


def test_the_index_goes_by_what_a_product_names(sync: SyncRun) -> None:
    embedder = Counting()
    named, unnamed = (make_product(sync, title, description=BODY) for title in ("Brass lamp", "Oak chair"))
    name = embed(embedder, named)[named.pk]
    Product.objects.update(title="Something else")
    products = list(Product.objects.order_by("pk"))

    names = input_names(products, embedder=embedder)
    assert len(embedder.texts) == 1
    vectors = product_vectors(products, embedder=embedder)

    assert names == {pk: vector[0] for pk, vector in vectors.items()}
    assert names == {named.pk: name, unnamed.pk: input_hash(f"Something else\n\n{BODY}")}
    assert np.allclose(vectors[named.pk][1], HashingEmbedder().embed([f"Brass lamp\n\n{BODY}"])[0])

    StoredVector.objects.filter(input_hash=name).delete()  # what is named but lost is made anew of what there is
    assert input_names(products, embedder=embedder)[named.pk] == names[unnamed.pk]


def test_another_embedder_starts_from_what_products_say_now(sync: SyncRun) -> None:
    product = make_product(sync, "Brass lamp", description=BODY)
    embed(Counting(), product)
    Product.objects.update(description=BODY.replace("linen", "cotton"))
    embedder = Seeing()

    embed(embedder, product)

    assert embedder.texts == [f"Brass lamp\n\n{BODY.replace('linen', 'cotton')}"]


def test_a_picture_is_a_part_of_the_vector_by_its_weight(sync: SyncRun, pictures: Path) -> None:
    embedder = Seeing()
    shown, same, bare = (make_product(sync, "Brass lamp") for _ in range(3))
    Picture.objects.create(product=shown, position=0, source_address="https://x.example/1.jpg", status="broken")
    show(shown, "lamp", pictures, position=1)
    show(same, "lamp", pictures)
    show(same, "chair", pictures, position=1)
    products = [shown, same, bare]

    names = embed(embedder, *products)
    vectors = product_vectors(list(Product.objects.all()), embedder=embedder)

    text, lamp = HashingEmbedder().embed(["Brass lamp", "lamp"])
    assert (embedder.texts, embedder.pictures) == (["Brass lamp"], [b"lamp"])
    assert names[shown.pk] == names[same.pk] == input_hash("Brass lamp") + b"lamp".hex().ljust(HASH_CHARS, "0")
    assert names[bare.pk] == input_hash("Brass lamp")
    assert np.allclose(vectors[shown.pk][1], combine(text, lamp, picture_weight=0.25))
    assert np.isclose(np.linalg.norm(vectors[shown.pk][1]), 1.0)
    assert np.allclose(vectors[bare.pk][1], text)
    seen = picture_vectors([it.pk for it in products], embedder=embedder)
    assert set(seen) == {shown.pk, same.pk}
    assert np.allclose(seen[shown.pk], lamp)
    assert embedder.pictures == [b"lamp"]


def test_a_new_picture_is_a_new_input_of_the_same_text(sync: SyncRun, pictures: Path) -> None:
    embedder = Seeing()
    product = make_product(sync, "Brass lamp", description=BODY)
    picture = show(product, "lamp", pictures)
    before = embed(embedder, product)[product.pk]
    picture.delete()
    show(product, "chair", pictures)
    Product.objects.update(description=BODY.replace("linen", "cotton"))

    after = embed(embedder, product)[product.pk]

    assert after[:HASH_CHARS] == before[:HASH_CHARS]
    assert after[HASH_CHARS:] != before[HASH_CHARS:]
    assert (len(embedder.texts), embedder.pictures) == (1, [b"lamp", b"chair"])


def test_a_picture_that_cannot_be_decoded_fails_no_neighbour_and_is_not_tried_again(
    sync: SyncRun, pictures: Path
) -> None:
    embedder = Seeing()
    good, bad, lost = (make_product(sync, title) for title in ("Brass lamp", "Oak chair", "Linen sheet"))
    show(good, "lamp", pictures)
    show(bad, "broken", pictures)
    show(lost, "sheet", pictures)
    (pictures / "sheet.webp").unlink()

    names = embed(embedder, good, bad, lost)
    again = embed(embedder, good, bad)

    assert [len(names[it.pk]) for it in (good, bad, lost)] == [2 * HASH_CHARS, HASH_CHARS, HASH_CHARS]
    assert again == {pk: name for pk, name in names.items() if pk != lost.pk}
    assert embedder.pictures == [b"lamp"]
    assert set(picture_vectors([good.pk, bad.pk], embedder=embedder)) == {good.pk}

    show(lost, "sheet", pictures, position=1)  # its file is back: what was only missing is looked at
    assert len(embed(embedder, lost)[lost.pk]) == 2 * HASH_CHARS


def test_an_embedder_that_answers_nonsense_is_a_bug() -> None:
    class Broken(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return super().embed(texts) * np.float32("nan")

    with pytest.raises(ValueError, match="hashing_v1 answered"):
        text_vectors(["Red lamp"], embedder=Broken())
    assert StoredVector.objects.count() == 0


def test_opposite_vectors_leave_the_picture() -> None:
    one = np.zeros(768, dtype=np.float32)
    one[0] = 1.0
    assert np.array_equal(combine(one, -one, picture_weight=0.5), -one)
