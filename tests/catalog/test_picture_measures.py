"""Measures of pictures: what blurs, what is empty, and what is framed; not what only looks so."""

import io
from typing import Any

import pytest
from PIL import Image

from catalog.picture_measures import Measures, measure
from catalog.pictures import render_picture
from tests.qc.labelled.sketches import sketch

PALE = (238, 238, 238)


def measures(**spec: Any) -> Measures:
    return render_picture(sketch(spec)).measures


def sharpness(**spec: Any) -> float:
    found = measures(**spec).sharpness
    assert found is not None
    return found


def plain(width: int, height: int, colour: tuple[int, int, int] = (10, 120, 200)) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def measured(image: Image.Image) -> Measures:
    return measure(image, image.convert("L"))


@pytest.mark.parametrize("scene", ["cup", "letters", "dress", "filled"])
def test_the_more_a_picture_is_blurred_the_less_sharp_it_is(scene: str) -> None:
    found = [sharpness(scene=scene, ground="grey", blur=blur) for blur in (0, 2, 5, 10)]

    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[-1]


def test_movement_blurs_though_it_leaves_edges_along_its_way_sharp() -> None:
    assert sharpness(scene="letters", motion=26) < 0.5 * sharpness(scene="letters")


def test_a_subject_in_focus_is_sharp_whatever_is_behind_it() -> None:
    blurred = {"scene": "cup", "ground": "busy", "blur": 12}

    assert sharpness(**blurred, sharp_part=[0.25, 0.2, 0.85, 0.8]) > 2 * sharpness(**blurred)


def test_of_a_picture_without_edges_nothing_is_said_about_sharpness() -> None:
    assert measured(plain(300, 300)).sharpness is None
    assert measures(scene="nothing", ground="gradient").sharpness is None


def test_one_colour_has_no_contrast_whatever_its_noise() -> None:
    assert measured(plain(300, 300)).contrast < 1
    assert measures(scene="nothing", ground="grey", noise=6).contrast < measures(scene="chain", colour=PALE).contrast


def test_the_average_colour_is_told() -> None:
    assert measured(plain(300, 300)).average_colour == "0a78c8"


@pytest.mark.parametrize(
    ("bars", "colour", "share"),
    [
        ([0.15, 0.15, 0, 0], (0, 0, 0), 0.3),
        ([0, 0, 0.2, 0.2], (0, 0, 0), 0.4),
        ([0.1, 0.1, 0, 0], (255, 255, 255), 0.2),
        ([0.05, 0.05, 0.05, 0.05], (200, 30, 40), 0.19),
    ],
)
def test_bars_and_frames_are_measured(bars: list[float], colour: tuple[int, int, int], share: float) -> None:
    found = measures(scene="filled", bars=bars, bar_colour=colour)

    assert found.frame_share == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("scene", ["cup", "poster", "letters", "dress", "chain", "pale cup"])
@pytest.mark.parametrize("ground", ["white", "cream", "grey", "dark"])
def test_a_plain_ground_is_no_frame(scene: str, ground: str) -> None:
    assert measures(scene=scene, ground=ground).frame_share == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 320), (320, 1), (3, 2), (8, 8), (9, 9), (12, 13), (320, 17)])
def test_the_smallest_pictures_can_be_measured(size: tuple[int, int]) -> None:
    assert measured(plain(*size)).contrast <= 1
    noise = Image.effect_noise(size, 90).convert("RGB")
    assert 0 <= measured(noise).frame_share <= 1


@pytest.mark.parametrize(("form", "frames", "is_animated"), [
    ("GIF", 3, True), ("WEBP", 2, True), ("PNG", 2, True), ("GIF", 1, False), ("PNG", 1, False), ("JPEG", 1, False),
])  # fmt: skip
def test_an_animation_is_told_from_a_still(form: str, frames: int, is_animated: bool) -> None:
    assert render_picture(sketch({"form": form, "frames": frames})).is_animated is is_animated


def test_the_pages_of_a_tiff_are_no_animation() -> None:
    out = io.BytesIO()
    plain(300, 300).save(out, "TIFF", save_all=True, append_images=[plain(300, 300, (9, 9, 9))])

    assert not render_picture(out.getvalue()).is_animated


def test_an_animation_whose_second_frame_is_damaged_is_a_still_that_can_be_shown() -> None:
    data = sketch({"form": "GIF", "frames": 3, "scene": "letters"})
    with Image.open(io.BytesIO(data)) as image:
        first_only = io.BytesIO()
        image.save(first_only, "GIF")
    cut = data[: len(first_only.getvalue()) + 10]

    assert render_picture(cut).width_px == 640
