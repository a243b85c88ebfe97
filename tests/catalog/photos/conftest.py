"""Sets of photos as sellers bring them."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from catalog.photos import processing
from catalog.photos.improving import ImprovedPhoto
from catalog.photos.models import PhotoSet
from catalog.photos.sets import begin_set
from catalog.photos.uploads import take_whole
from marketplace.models import Seller
from tests.catalog.photos.drawing import Colour, draw, jpeg
from tests.catalog.products import make_seller

RED, BLUE, GREEN = (190, 40, 40), (40, 60, 190), (40, 150, 60)


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Path:
    """Private photos and published pictures of the test's own."""
    settings.PHOTO_DIR = tmp_path / "photos"
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def _each_photo_is_improved_once() -> Iterator[None]:
    """Many tests bring the same photos: what is made of one is remembered by its bytes, and none is made twice."""
    improve, render = processing.improve_photo, cache(processing.render_picture)
    known: dict[bytes, ImprovedPhoto] = {}

    def improve_once(path: Path, *, max_bytes: int) -> ImprovedPhoto:
        data = path.read_bytes()
        if data not in known:
            known[data] = improve(path, max_bytes=max_bytes)
        return known[data]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing, "improve_photo", improve_once)
        patch.setattr(processing, "render_picture", render)
        yield


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


@pytest.fixture
def photo_set(seller: Seller) -> PhotoSet:
    return begin_set(seller, location="Shelf 3", description="Lamps of last year")


def bring(photo_set: PhotoSet, photos: Sequence[Image.Image]) -> None:
    """Upload photos, one after the other."""
    for number, photo in enumerate(photos, start=1):
        data = jpeg(photo)
        take_whole(photo_set.pk, name=f"IMG_{number}.jpg", size_bytes=len(data), pieces=[data])


@cache
def views(colour: Colour, *, seed: int = 0, count: int = 2) -> tuple[Image.Image, ...]:
    """Return photos of one thing, nearer and further away."""
    return tuple(
        draw(
            colour=colour,
            size=(480, 360),
            radius=0.2 + 0.05 * number,
            centre=(0.45 + 0.05 * number, 0.5),
            seed=seed + number,
        )[0]
        for number in range(count)
    )
