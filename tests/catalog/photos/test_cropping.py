"""Where the object is: it is never cut, and where that is not known nothing is cropped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalog.photos.cropping import find_object
from tests.catalog.photos.drawing import SHAPES, draw

SIZE = (320, 240)
channel = st.integers(0, 255)


def holds(outer: tuple[int, int, int, int], inner: tuple[int, int, int, int]) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


@settings(max_examples=30)
@given(
    shape=st.sampled_from(SHAPES),
    colour=st.tuples(channel, channel, channel),
    ground=st.tuples(st.integers(60, 250), st.integers(60, 250), st.integers(60, 250)),
    centre=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    radius=st.floats(0.08, 0.45),
    turn=st.floats(-90, 90),
    noise=st.floats(0, 6),
    slope=st.floats(0, 25),
    seed=st.integers(0, 1000),
)
def test_no_thing_is_ever_cut(shape, colour, ground, centre, radius, turn, noise, slope, seed) -> None:  # type: ignore[no-untyped-def]
    try:
        photo, box = draw(
            shape=shape, colour=colour, ground=ground, size=SIZE, centre=centre, radius=radius, turn=turn, noise=noise,
            slope=slope, seed=seed,
        )  # fmt: skip
    except AssertionError:
        return  # turned out of the photo
    if np.abs(np.subtract(colour, ground)).sum() < 60:
        return  # nobody sees it
    assert holds(find_object(photo).pixels(*SIZE), box)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thing_on_an_even_ground_is_found(shape: str) -> None:
    photo, box = draw(shape=shape, size=SIZE, centre=(0.4, 0.55), radius=0.22)
    found = find_object(photo)
    assert found.crop == "cropped"
    left, top, right, bottom = found.pixels(*SIZE)
    assert holds((left, top, right, bottom), box)
    assert (right - left) * (bottom - top) < 0.5 * SIZE[0] * SIZE[1]


def test_a_white_thing_on_white_with_a_dark_part_is_kept_whole() -> None:
    photo, box = draw(shape="block", colour=(246, 246, 244), ground=(226, 226, 224), size=SIZE, radius=0.3, slope=4)
    photo.paste((40, 40, 40), (150, 110, 170, 125))
    assert holds(find_object(photo).pixels(*SIZE), box)


def test_a_busy_ground_is_left_as_it_is() -> None:
    rng = np.random.default_rng(3)
    rough = rng.integers(0, 255, (18, 24, 3)).repeat(20, axis=0).repeat(20, axis=1).astype(np.uint8)
    assert find_object(Image.fromarray(rough)).crop == "unsure"


def test_an_empty_photo_is_left_as_it_is() -> None:
    assert find_object(Image.new("RGB", SIZE, (200, 200, 200))).crop == "unsure"


def test_a_thing_that_fills_the_photo_is_left_as_it_is() -> None:
    photo, _ = draw(shape="block", size=SIZE, radius=0.62)
    found = find_object(photo)
    assert (str(found.crop), found.box) == ("fills", (0.0, 0.0, 1.0, 1.0))


def test_what_is_left_is_never_a_strip() -> None:
    photo = Image.new("RGB", (800, 600), (230, 230, 230))
    photo.paste((20, 20, 20), (100, 295, 700, 305))
    left, top, right, bottom = find_object(photo).pixels(800, 600)
    assert (right - left) / (bottom - top) <= 2.05
