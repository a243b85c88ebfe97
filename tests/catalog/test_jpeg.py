"""JPEG: metadata goes, pixels stay."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from catalog.jpeg import strip_jpeg
from tests.catalog.products import picture_bytes


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def with_metadata(**options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
    return picture_bytes(exif=exif.tobytes(), comment=b"SecretComment", xmp=b"SecretXmp", **options)


@pytest.mark.parametrize("is_progressive", [False, True])
def test_metadata_goes_and_pixels_stay(is_progressive: bool) -> None:
    data = with_metadata(progressive=is_progressive)
    assert data.count(b"Secret") == 3

    stripped = strip_jpeg(data)

    assert b"Secret" not in stripped
    assert b"Exif" not in stripped
    assert pixels(stripped) == pixels(data)


def test_the_colour_profile_stays() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    stripped = strip_jpeg(picture_bytes(icc_profile=profile))

    with Image.open(io.BytesIO(stripped)) as image:
        assert image.info["icc_profile"] == profile


def test_what_follows_the_picture_goes() -> None:
    data = picture_bytes()

    assert strip_jpeg(data + b"a hidden film") == strip_jpeg(data)


def test_stripping_twice_changes_nothing() -> None:
    once = strip_jpeg(with_metadata())

    assert strip_jpeg(once) == once


@given(st.data())
def test_a_damaged_file_is_refused_or_stripped_but_never_breaks(data: st.DataObject) -> None:
    whole = SMALL
    cut = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole[:cut])
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        strip_jpeg(bytes(damaged))
    except ValueError:
        return


SMALL = picture_bytes(64, 48)
