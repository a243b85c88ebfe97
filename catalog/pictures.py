"""Pictures: decoded safely, stripped of metadata, upright, and stored under the name of their content."""

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from catalog.jpeg import strip_jpeg
from catalog.picture_measures import Measures, measure

MAX_BYTES = 16 * 1024 * 1024
MAX_PIXELS = 64_000_000
JPEG_MAGIC = b"\xff\xd8\xff"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
DISPLAY_SIDE_PX = 1200
THUMBNAIL_SIDE_PX = 320
DISPLAY_QUALITY = 82
THUMBNAIL_QUALITY = 75
MAX_PROFILE_BYTES = 4096  # an sRGB profile has some 3 kB; larger ones would outweigh a thumbnail
ORIENTATION = 0x0112

Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# What Pillow raises on malformed files, by what its plugins and their decoders document and by fuzzing reports.
_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class UnusablePicture(Exception):
    """A picture that cannot be shown; quality control tells the seller. Not a failure of the job."""

    code = "picture.unusable"


class UndecodablePicture(UnusablePicture):
    """The bytes are no picture that we can read."""

    code = "picture.undecodable"


class OversizedPicture(UnusablePicture):
    """The picture has more bytes or pixels than we take."""

    code = "picture.too_large"


@dataclass(frozen=True, slots=True)
class RenderedPicture:
    """A picture's facts, and its renditions in memory. Width and height are those of the upright source."""

    sha256: str
    perceptual_hash: str
    width_px: int
    height_px: int
    size_bytes: int
    media_type: str
    is_animated: bool
    measures: Measures
    display: bytes
    thumbnail: bytes

    @property
    def display_name(self) -> str:
        """Where the display rendition lies below MEDIA_ROOT."""
        return stored_name("pictures", self.sha256, "jpg")

    @property
    def thumbnail_name(self) -> str:
        """Where the thumbnail lies below MEDIA_ROOT."""
        return stored_name("thumbnails", self.sha256, "webp")


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture is by its header; width and height are those of the upright picture."""

    width_px: int
    height_px: int
    is_jpeg: bool


def render_picture(data: bytes) -> RenderedPicture:
    """Return the facts and renditions of an encoded picture; of an animation, of its first frame.

    The display rendition is a JPEG of at most 1,200 px: the source itself without its metadata when that is
    one already, else encoded anew over white. The thumbnail is a WebP of at most 320 px.

    Raises:
        OversizedPicture: more than 16 MiB or 64 megapixels.
        UndecodablePicture: no picture, one of another format, or a broken one.
    """
    with _told_as_unusable(len(data), max_bytes=MAX_BYTES):
        return _render(data)


def decode_picture(data: bytes, *, side_px: int) -> Image.Image:
    """Return an encoded picture upright, opaque and RGB; of an animation, its first frame.

    A JPEG is halved while it is read, as often as both its sides keep side_px.

    Raises:
        OversizedPicture: more than 16 MiB or 64 megapixels.
        UndecodablePicture: no picture, one of another format, or a broken one.
    """
    with _told_as_unusable(len(data), max_bytes=MAX_BYTES), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_pixels(image)
        return _upright(image, side_px)


def decode_picture_file(path: Path, *, side_px: int, max_bytes: int) -> Image.Image:
    """Return the picture in a file as decode_picture does; its bytes are read as they are decoded.

    Raises:
        OversizedPicture, UndecodablePicture: as decode_picture.
        FileNotFoundError: there is no such file.
    """
    with _told_as_unusable(path.stat().st_size, max_bytes=max_bytes), Image.open(path, formats=FORMATS) as image:
        _check_pixels(image)
        return _upright(image, side_px)


def picture_file_header(path: Path, *, max_bytes: int) -> PictureHeader:
    """Return what the beginning of a file says of the picture in it, without decoding that.

    Raises:
        OversizedPicture, UndecodablePicture: as decode_picture.
    """
    with _told_as_unusable(path.stat().st_size, max_bytes=max_bytes), Image.open(path, formats=FORMATS) as image:
        _check_pixels(image)
        width, height = image.size
        if image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8):
            width, height = height, width
        return PictureHeader(width, height, image.format in ("JPEG", "MPO"))


@contextmanager
def _told_as_unusable(size_bytes: int, *, max_bytes: int) -> Iterator[None]:
    """Raise what Pillow raises about a picture of that many bytes as one of our errors."""
    if size_bytes > max_bytes:
        raise OversizedPicture(f"{size_bytes:,} bytes; the most is {max_bytes:,}")
    try:
        yield
    except _BOMBS as error:
        raise OversizedPicture(str(error)) from error
    except _DECODE_ERRORS as error:
        raise UndecodablePicture(f"{type(error).__name__}: {error}") from error


def _render(data: bytes) -> RenderedPicture:
    if not data.startswith(JPEG_MAGIC):
        with Image.open(io.BytesIO(data), formats=FORMATS) as probe:
            _check_pixels(probe)
            probe.verify()  # of a JPEG, loading reads every segment itself
    display: bytes | None = None
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_pixels(image)
        width, height = image.size
        media_type = Image.MIME.get(image.format or "", "")
        orientation = image.getexif().get(ORIENTATION, 1)
        if orientation in (5, 6, 7, 8):
            width, height = height, width
        is_showable = image.format == "JPEG" and image.mode in ("RGB", "L") and orientation == 1
        if is_showable and max(width, height) <= DISPLAY_SIDE_PX:
            display = strip_jpeg(data)
        # The decoder halves a JPEG while it reads, as often as the target size allows.
        upright = _upright(image, THUMBNAIL_SIDE_PX if display is not None else DISPLAY_SIDE_PX)
        is_animated = _is_animated(image)
    profile = upright.info.get("icc_profile", b"")
    if display is None:
        display = _encode_jpeg(upright, profile)
    thumbnail = upright
    thumbnail.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BILINEAR)
    grey = thumbnail.convert("L")
    return RenderedPicture(
        sha256=sha256(data).hexdigest(),
        perceptual_hash=perceptual_hash(grey),
        width_px=width,
        height_px=height,
        size_bytes=len(data),
        media_type=media_type,
        is_animated=is_animated,
        measures=measure(thumbnail, grey),
        display=display,
        thumbnail=_encode_webp(thumbnail, profile),
    )


def _check_pixels(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise OversizedPicture(f"{width:,} x {height:,} pixels; the most is {MAX_PIXELS:,}")


def _is_animated(image: Image.Image) -> bool:
    """Tell whether more frames follow the first; one that is damaged is none. Pages of a TIFF are no frames."""
    if image.format not in ANIMATED_FORMATS:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except _DECODE_ERRORS:
        return False


def _upright(image: Image.Image, side_px: int) -> Image.Image:
    """Read the pixels: upright, opaque, and of a JPEG no more of them than side_px needs."""
    image.draft("RGB" if image.mode in ("RGB", "YCbCr") else None, (side_px, side_px))
    return _opaque(ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image)


def _opaque(image: Image.Image) -> Image.Image:
    """Return the first frame as RGB, over white where it is transparent."""
    profile = image.info.get("icc_profile", b"") if image.mode == "RGB" else b""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits a channel and more: keep the upper eight
        pixels = np.asarray(image, dtype=np.float64)
        top = max(float(pixels.max(initial=0.0)), 1.0)
        scale = 65535.0 if top > 255.0 else 255.0
        image = Image.fromarray((np.clip(pixels / max(scale, top), 0.0, 1.0) * 255.0).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    if image.mode != "RGB":
        image = image.convert("RGB")
    image.load()
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _encode_jpeg(image: Image.Image, profile: bytes) -> bytes:
    small = image.copy()
    small.thumbnail((DISPLAY_SIDE_PX, DISPLAY_SIDE_PX), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=DISPLAY_QUALITY, icc_profile=profile)
    return out.getvalue()


def _encode_webp(image: Image.Image, profile: bytes) -> bytes:
    """Encode with method 0: methods 4 and 6 took 1.9 and 2.4 times the CPU for 5-10 % fewer bytes."""
    out = io.BytesIO()
    kept = profile if len(profile) <= MAX_PROFILE_BYTES else b""
    image.save(out, "WEBP", quality=THUMBNAIL_QUALITY, method=0, icc_profile=kept, exif=b"")
    return out.getvalue()


def perceptual_hash(image: Image.Image) -> str:
    """Return 64 bits that change little when the picture does, in hexadecimal.

    Source: Zauner 2010, "Implementation and benchmarking of perceptual image hash functions": the lowest
    8 x 8 coefficients of the DCT of 32 x 32 grey pixels, each compared with their median.
    """
    grey = image.convert("L").resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=2.0)
    cosines = _cosines()
    low = cosines @ np.asarray(grey, dtype=np.float32) @ cosines.T
    bits = np.packbits((low > np.median(low)).ravel())
    return bits.tobytes().hex()


@cache
def _cosines() -> NDArray[np.float32]:
    """Return the first 8 rows of the 32-point DCT-II."""
    frequencies, places = np.arange(8)[:, None], np.arange(32)[None, :]
    cosines: NDArray[np.float32] = np.cos(np.pi * frequencies * (2 * places + 1) / 64.0).astype(np.float32)
    return cosines


def stored_name(kind: str, digest: str, extension: str) -> str:
    """Name a file by the SHA-256 of its source: equal bytes share one file."""
    return f"{kind}/{digest[:2]}/{digest[2:4]}/{digest}.{extension}"


def store_file(root: Path, name: str, content: bytes) -> None:
    """Write content below root, so that a reader sees all of it or nothing; the same content again is no change."""
    path = root / name
    if path.exists() and path.stat().st_size == len(content):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft_name = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.chmod(0o644)
        draft.replace(path)
    except BaseException:
        draft.unlink()
        raise
