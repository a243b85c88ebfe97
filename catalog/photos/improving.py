"""Make a photo fit to be shown: upright, cropped to its object, in an even light, without a word about its taker.

Light is corrected gently, and never so that a pixel becomes black or white that was not: the curves rise everywhere
between the darkest and the brightest.
"""

import io
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.photos.cropping import SIDE_PX, Found, find_object, small_copy
from catalog.photos.models import Photo
from catalog.pictures import DISPLAY_QUALITY, DISPLAY_SIDE_PX, decode_picture_file, picture_file_header

# Pixels that are near grey tell the colour of the light; where there are fewer, the photo says nothing about it.
NEAR_GREY = 0.25  # (largest - smallest) / largest channel
GREY_FROM, GREY_TO = 40, 250
MIN_GREY_SHARE = 0.10
WEAKEST_CHANNEL = 0.85  # a channel is dimmed to that at most
CAST_TAKEN_OFF = 0.8  # of the cast that is measured
# The darkest and the brightest half per cent are moved towards these, and no further than so.
BLACK, WHITE = 6.0, 249.0
SHARE = 0.5
BRIGHTNESS = (0.299, 0.587, 0.114)  # of red, green and blue. Source: ITU-R BT.601
DARKER_BY, BRIGHTER_TIMES = 20.0, 1.4
MIN_RANGE = 40.0  # of brightness; where all is much the same, as on a wall, nothing says how bright it should be


@dataclass(frozen=True, slots=True)
class ImprovedPhoto:
    """A photo as it is to be shown, a JPEG without metadata; how it was cropped, and its size as it was taken."""

    jpeg: bytes
    crop: Photo.Crop
    width_px: int
    height_px: int


def improve_photo(path: Path, *, max_bytes: int) -> ImprovedPhoto:
    """Return a photo's file upright, cropped, evened and without metadata, at most 1,200 px long.

    It is decoded twice: small to look for the object, then no larger than what is kept of it needs.

    Raises:
        UndecodablePicture, OversizedPicture: it cannot be used.
        FileNotFoundError: there is no such file.
    """
    header = picture_file_header(path, max_bytes=max_bytes)
    small = decode_picture_file(path, side_px=SIDE_PX, max_bytes=max_bytes)
    found = find_object(small)
    whole = small if not header.is_jpeg else _decoded_for(path, found, small.size, max_bytes=max_bytes)
    kept = whole.crop(found.pixels(*whole.size)) if found.crop == Photo.Crop.CROPPED else whole
    profile = whole.info.get("icc_profile", b"")
    kept.thumbnail((DISPLAY_SIDE_PX, DISPLAY_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    shown = kept.point(light_curves(small))
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=DISPLAY_QUALITY, icc_profile=profile)
    return ImprovedPhoto(out.getvalue(), found.crop, header.width_px, header.height_px)


def _decoded_for(path: Path, found: Found, size: tuple[int, int], *, max_bytes: int) -> Image.Image:
    """Decode a JPEG so large that what is kept of it is long enough, if it is; the decoder halves it as it reads."""
    left, top, right, bottom = found.box
    width, height = size
    kept = max((right - left) * width, (bottom - top) * height)
    side_px = ceil(min(width, height) * DISPLAY_SIDE_PX / kept)
    return decode_picture_file(path, side_px=side_px, max_bytes=max_bytes)


def light_curves(photo: Image.Image) -> list[int]:
    """Return what each value of red, green and blue becomes (3 x 256), for a photo of which this is a copy.

    No value but 0 becomes 0, and none but 255 becomes 255.
    """
    pixels = np.asarray(small_copy(photo, SIDE_PX), dtype=np.float64).reshape(-1, 3)
    dimmed = pixels * (gains := _gains(pixels))
    low = float(np.percentile(dimmed.min(axis=1), SHARE))
    high = float(np.percentile(dimmed.max(axis=1), 100.0 - SHARE))
    darkest, brightest = np.percentile(dimmed @ BRIGHTNESS, (SHARE, 100.0 - SHARE))
    if brightest - darkest < MIN_RANGE:
        low, high = 0.0, 255.0  # as they are
    curves = [_curve(gain, low, high) for gain in gains]
    return [int(value) for curve in curves for value in curve]


def _gains(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by what each channel is dimmed so that what is near grey becomes grey; 1 for the weakest channel."""
    largest, smallest = pixels.max(axis=1), pixels.min(axis=1)
    is_grey = (largest >= GREY_FROM) & (largest <= GREY_TO) & (largest - smallest <= NEAR_GREY * largest)
    if is_grey.mean() < MIN_GREY_SHARE:
        return np.ones(3)
    means = pixels[is_grey].mean(axis=0)
    gains: NDArray[np.float64] = np.maximum((means.min() / means) ** CAST_TAKEN_OFF, WEAKEST_CHANNEL)
    return gains


def _curve(gain: float, low: float, high: float) -> NDArray[np.int64]:
    """Return one channel's curve: dimmed by gain, then stretched towards black and white with soft ends."""
    values = np.arange(256) * gain
    black = max(min(low, BLACK), low - DARKER_BY)
    white = min(max(high, WHITE), high * BRIGHTER_TIMES)
    if high - low < 255.0:
        values = np.interp(values, [0.0, max(low, 1e-6), min(high, 255.0 - 1e-6), 255.0], [0.0, black, white, 255.0])
    curve: NDArray[np.int64] = np.rint(values).astype(np.int64)
    curve[1:-1] = np.clip(curve[1:-1], 1, 254)
    curve[0] = 0
    return curve
