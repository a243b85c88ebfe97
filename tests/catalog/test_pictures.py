"""Pictures: what comes out is upright, small, without metadata, and the same each time."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog import pictures
from catalog.pictures import (
    OversizedPicture,
    UndecodablePicture,
    perceptual_hash,
    render_picture,
    store_file,
    stored_name,
)
from tests.catalog.products import picture_bytes

ROTATED_90_RIGHT = 6


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def rotated_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = ROTATED_90_RIGHT
    return picture_bytes(600, 400, exif=exif.tobytes())


def test_a_jpeg_is_kept_as_it_is_without_its_metadata() -> None:
    data = picture_bytes(600, 400, comment=b"Secret")

    rendered = render_picture(data)

    assert (rendered.width_px, rendered.height_px, rendered.media_type) == (600, 400, "image/jpeg")
    assert rendered.size_bytes == len(data)
    assert opened(rendered.display).tobytes() == opened(data).tobytes()
    assert b"Secret" not in rendered.display + rendered.thumbnail
    thumbnail = opened(rendered.thumbnail)
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (320, 213))


def test_a_turned_photograph_is_stored_upright() -> None:
    rendered = render_picture(rotated_jpeg())

    assert (rendered.width_px, rendered.height_px) == (400, 600)
    assert opened(rendered.display).size == (400, 600)
    assert opened(rendered.thumbnail).size == (213, 320)
    assert opened(rendered.display).getexif() == {}


def test_a_large_picture_is_scaled_down() -> None:
    rendered = render_picture(picture_bytes(3000, 2000))

    assert (rendered.width_px, rendered.height_px) == (3000, 2000)
    assert opened(rendered.display).size == (1200, 800)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_other_formats_become_a_jpeg(form: str) -> None:
    rendered = render_picture(picture_bytes(300, 200, form=form))

    assert rendered.media_type == Image.MIME[form]
    assert opened(rendered.display).format == "JPEG"
    assert opened(rendered.display).size == (300, 200)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_mode_can_be_shown(mode: str) -> None:
    out = io.BytesIO()
    if mode == "I;16":
        Image.fromarray(np.full((300, 300), 32768, dtype=np.uint16)).save(out, "PNG")
    else:
        grey = Image.new("L", (300, 300), 128).convert("RGB")
        grey.convert(mode).save(out, "TIFF" if mode == "CMYK" else "PNG")

    shown = opened(render_picture(out.getvalue()).display)

    assert shown.mode == "RGB"
    assert all(abs(np.asarray(shown, dtype=int).mean(axis=(0, 1)) - 128) < 3) or mode == "1"


def test_transparency_is_shown_over_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(out, "PNG")

    assert opened(render_picture(out.getvalue()).display).getpixel((150, 150)) == (255, 255, 255)


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])

    red, green, blue = opened(render_picture(out.getvalue()).display).getpixel((150, 150))  # type: ignore[misc]

    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        b"\xff\xd8\xff",
        picture_bytes()[:-5000],
        picture_bytes(form="PNG")[:-500],
        picture_bytes(form="WEBP")[:200],
        picture_bytes(form="PPM"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["empty", "page", "start", "cut JPEG", "cut PNG", "cut WebP", "other format", "SVG"],
)
def test_what_is_no_picture_is_undecodable(data: bytes) -> None:
    with pytest.raises(UndecodablePicture) as raised:
        render_picture(data)

    assert raised.value.code == "picture.undecodable"


@pytest.mark.parametrize("factor", [1.5, 3], ids=["where Pillow warns", "where Pillow refuses"])
def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    limit = int(600 * 400 / factor)
    monkeypatch.setattr(pictures, "MAX_PIXELS", limit)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)

    with pytest.raises(OversizedPicture) as raised:
        render_picture(picture_bytes(600, 400))

    assert raised.value.code == "picture.too_large"


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)

    with pytest.raises(OversizedPicture):
        render_picture(picture_bytes())


def test_equal_bytes_give_equal_files() -> None:
    assert render_picture(picture_bytes()) == render_picture(picture_bytes())


def test_the_perceptual_hash_survives_scaling_and_tells_pictures_apart() -> None:
    def bits(data: bytes) -> int:
        return int(render_picture(data).perceptual_hash, 16)

    same = bits(picture_bytes(600, 400)) ^ bits(picture_bytes(1200, 800, quality=60))
    other = bits(picture_bytes(seed=1)) ^ bits(picture_bytes(seed=2))

    assert same.bit_count() <= 4
    assert other.bit_count() >= 16
    assert len(perceptual_hash(Image.new("RGB", (10, 10)))) == 16


def test_a_file_is_written_whole_and_once(tmp_path: Path) -> None:
    name = stored_name("pictures", "ab" * 32, "jpg")
    store_file(tmp_path, name, b"content")
    written_at = (tmp_path / name).stat().st_mtime_ns

    store_file(tmp_path, name, b"content")

    assert name == f"pictures/ab/ab/{'ab' * 32}.jpg"
    assert (tmp_path / name).read_bytes() == b"content"
    assert (tmp_path / name).stat().st_mtime_ns == written_at
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [f"{'ab' * 32}.jpg"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    name = stored_name("pictures", "cd" * 32, "jpg")
    (tmp_path / name).mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        store_file(tmp_path, name, b"content")

    assert list((tmp_path / name).parent.iterdir()) == [tmp_path / name]
