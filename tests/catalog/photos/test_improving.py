"""Light is evened gently; what a photo tells of its taker is gone."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from PIL import Image

from catalog.photos.improving import improve_photo, light_curves
from catalog.photos.uploads import MAX_BYTES
from catalog.pictures import OversizedPicture, UndecodablePicture
from tests.catalog.photos.drawing import draw, jpeg


def improved(tmp_path: Path, data: bytes) -> tuple[Any, Image.Image]:
    path = tmp_path / "photo"
    path.write_bytes(data)
    photo = improve_photo(path, max_bytes=MAX_BYTES)
    return photo, Image.open(io.BytesIO(photo.jpeg))


@settings(max_examples=60)
@given(arrays(np.uint8, (12, 16, 3)))
def test_no_pixel_becomes_black_or_white_that_was_not(pixels: Any) -> None:
    photo = Image.fromarray(pixels)
    after = np.asarray(photo.point(light_curves(photo)))
    assert not ((after == 255) & (pixels != 255)).any()
    assert not ((after == 0) & (pixels != 0)).any()


@settings(max_examples=60)
@given(arrays(np.uint8, (12, 16, 3)))
def test_what_was_brighter_stays_brighter(pixels: Any) -> None:
    curves = np.array(light_curves(Image.fromarray(pixels))).reshape(3, 256)
    assert (np.diff(curves, axis=1) >= 0).all()


def test_a_cast_is_taken_off(tmp_path: Path) -> None:
    warm, _ = draw(light=(1.0, 0.93, 0.86), size=(480, 360), slope=4)
    _, after = improved(tmp_path, jpeg(warm))
    before_corner, corner = (np.asarray(it)[:20, :20].mean(axis=(0, 1)) for it in (warm, after))
    assert np.ptp(corner) < 0.5 * np.ptp(before_corner)


def test_a_red_thing_stays_red(tmp_path: Path) -> None:
    close = Image.new("RGB", (400, 300), (180, 40, 45))
    _, after = improved(tmp_path, jpeg(close))
    assert np.abs(np.asarray(after)[150, 200].astype(int) - (180, 40, 45)).max() <= 6


def test_a_dark_photo_becomes_brighter_and_not_more_than_half(tmp_path: Path) -> None:
    dark, _ = draw(light=(0.5, 0.5, 0.5), size=(480, 360))
    _, after = improved(tmp_path, jpeg(dark))
    before_corner, corner = (np.asarray(it)[:20, :20].mean() for it in (dark, after))
    assert 1.2 < corner / before_corner < 1.6


def test_a_photo_is_turned_upright_and_tells_nothing(tmp_path: Path) -> None:
    photo, _ = draw(size=(480, 360), centre=(0.3, 0.5), radius=0.15)
    data = jpeg(photo, orientation=6)
    photo_info, after = improved(tmp_path, data)
    assert (photo_info.width_px, photo_info.height_px) == (480, 360)
    assert dict(after.getexif()) == {}
    assert not {"exif", "comment", "xmp"} & set(after.info)
    assert b"SecretPhoneMaker" in data
    assert b"SecretPhoneMaker" not in photo_info.jpeg


def test_a_photo_is_no_larger_than_it_is_shown(tmp_path: Path) -> None:
    _, after = improved(tmp_path, jpeg(Image.effect_noise((1300, 200), 80).convert("RGB")))
    assert max(after.size) == 1200


def test_what_is_no_picture_or_too_large_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"\xff\xd8\xff" + b"0" * 1000)
    with pytest.raises(UndecodablePicture):
        improve_photo(path, max_bytes=MAX_BYTES)
    with pytest.raises(OversizedPicture):
        improve_photo(path, max_bytes=1000)
