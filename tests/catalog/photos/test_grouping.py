"""Photos of one thing stand together."""

from pathlib import Path

import pytest

from catalog.embedders.layout import LayoutEmbedder
from catalog.photos.grouping import group_photos, look_of
from catalog.photos.improving import improve_photo
from catalog.photos.uploads import MAX_BYTES
from catalog.pictures import RenderedPicture, render_picture
from tests.catalog.photos.drawing import draw, jpeg

COLOURS = ((190, 40, 40), (40, 60, 190), (40, 150, 60), (60, 50, 45))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[RenderedPicture]:
    """Four things in the order 0 0 1 1 1 2 3 0: turned, nearer, in another light."""
    folder: Path = tmp_path_factory.mktemp("photos")
    pictures = []
    for number, thing in enumerate((0, 0, 1, 1, 1, 2, 3, 0)):
        photo, _ = draw(
            shape=("disc", "block", "wedge", "block")[thing],
            colour=COLOURS[thing],
            size=(480, 360),
            radius=0.2 + 0.03 * (number % 3),
            turn=15.0 * (number % 4),
            light=(1.0, 1.0, 1.0) if number % 2 else (0.92, 0.9, 0.88),
            seed=number,
        )
        path = folder / str(number)
        path.write_bytes(jpeg(photo))
        pictures.append(render_picture(improve_photo(path, max_bytes=MAX_BYTES).jpeg))
    return pictures


def test_there_is_nothing_to_group() -> None:
    assert group_photos([], None) == []


@pytest.mark.parametrize("has_vectors", [True, False])
def test_photos_of_one_thing_stand_together(rendered: list[RenderedPicture], has_vectors: bool) -> None:
    looks = [look_of(it.thumbnail, perceptual_hash=it.perceptual_hash) for it in rendered]
    vectors = LayoutEmbedder().embed_pictures([it.thumbnail for it in rendered]) if has_vectors else None
    groups = group_photos(looks, vectors, unlike=LayoutEmbedder.min_similarity)
    assert groups == [[0, 1, 7], [2, 3, 4], [5], [6]]
