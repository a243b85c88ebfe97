"""The layout of colours: finds the same picture again, and tells others apart."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from catalog.embedders.contract import DIMENSIONS, UnreadablePicture
from catalog.embedders.current import current_picture_embedder
from catalog.embedders.layout import LayoutEmbedder
from tests.catalog.products import picture_bytes

DRAWINGS = 60
SIDE_PX = 240
embedder = LayoutEmbedder()


def drawn_product(seed: int, side: int = SIDE_PX) -> Image.Image:
    """Draw a thing over white: up to four overlapping shapes around the middle."""
    dice = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    shapes = [draw.rectangle, draw.ellipse, lambda box, fill: draw.rounded_rectangle(box, radius=8, fill=fill)]
    for _ in range(dice.integers(1, 5)):
        x, y = (int(value) for value in dice.integers(side // 4, 3 * side // 4, 2))
        width, height = (int(value) for value in dice.integers(side // 10, side // 3, 2))
        red, green, blue = (int(value) for value in dice.integers(0, 230, 3))
        box = (x - width, y - height, x + width, y + height)
        shapes[dice.integers(0, 3)](box, fill=(red, green, blue))
    return image


def encoded(image: Image.Image, form: str = "BMP", **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return embedder.embed_pictures([encoded(drawn_product(seed)) for seed in range(DRAWINGS)])


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "another encoding": lambda image: encoded(image, "JPEG", quality=40),
    "webp": lambda image: encoded(image, "WEBP", quality=50),
    "a quarter of its size": lambda image: encoded(image.resize((60, 60), Image.Resampling.BILINEAR)),
    "brighter": lambda image: encoded(ImageEnhance.Brightness(image).enhance(1.15)),
    "paler": lambda image: encoded(ImageEnhance.Contrast(image).enhance(0.8)),
    "a slight crop": lambda image: encoded(image.crop((7, 7, 233, 233))),
    "5 % off two sides": lambda image: encoded(image.crop((12, 0, 240, 228))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_is_found_again_after_changes_that_one_hardly_sees(rows: np.ndarray, change: str) -> None:
    changed = embedder.embed_pictures([CHANGES[change](drawn_product(seed)) for seed in range(DRAWINGS)])

    similarities = changed @ rows.T

    assert similarities.diagonal().min() > 0.75 > embedder.min_similarity
    assert (similarities.argmax(axis=1) == np.arange(DRAWINGS)).mean() >= 0.95


def test_unrelated_pictures_lie_below_the_least_similarity(rows: np.ndarray) -> None:
    pairs = (rows @ rows.T)[np.triu_indices(DRAWINGS, k=1)]

    assert np.percentile(pairs, 95) == pytest.approx(embedder.min_similarity, abs=0.02)


def test_rows_are_unit_vectors_in_order_and_the_same_for_ever(rows: np.ndarray) -> None:
    again = embedder.embed_pictures([encoded(drawn_product(seed)) for seed in (3, 1)])

    assert rows.shape == (DRAWINGS, DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert np.array_equal(again, rows[[3, 1]])
    assert embedder.fingerprint == "layout_v1"
    assert rows[0, :3].tolist() == pytest.approx([0.01625, 0.01122, -0.03242], abs=1e-4)


@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_a_blank_picture_has_a_fixed_vector(colour: str) -> None:
    (row,) = embedder.embed_pictures([encoded(Image.new("RGB", (300, 200), colour), "JPEG", quality=70)])

    assert row[0] == 1.0
    assert not row[1:].any()


def test_no_pictures_make_no_rows() -> None:
    assert embedder.embed_pictures([]).shape == (0, DIMENSIONS)


def test_a_picture_that_cannot_be_decoded_is_named() -> None:
    with pytest.raises(UnreadablePicture, match="picture 70 cannot be decoded") as caught:
        embedder.embed_pictures([*[picture_bytes(64, 64)] * 70, b"GIF89a nonsense", picture_bytes(64, 64)])
    assert caught.value.position == 70


@pytest.mark.django_db
def test_it_serves_where_the_embedder_sees_no_pictures() -> None:
    assert isinstance(current_picture_embedder(), LayoutEmbedder)
    assert current_picture_embedder() is current_picture_embedder()
