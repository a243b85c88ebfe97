"""Draw pictures such as shops take them, and as they should not, from a few words; the same words give the same bytes.

A spec may say (all of it optional):
    size [width, height], seed, format ("JPEG" | "PNG" | "WEBP" | "GIF"), quality,
    background (a colour, or "white" | "black" | "gradient" | "wood" | "busy" | "room"), background_blur (pixels),
    subject (a key of SUBJECTS, or "none"), colour, scale and shift of the subject, contrast (1 as it is, 0 unseen),
    texture (strength of weave or grain), blur (sigma), motion (pixels), upscaled_from (pixels of the longer side),
    noise (standard deviation, 0-255), vignette (how dark the corners are, 0-1), frames (more than one animates),
    border {sides, share (one, or one a side), colour, radius (of the opening's corners, pixels)}, or a list of such,
    spoil (a key of SPOILT: no picture at all).
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.qc.labelled.subjects import SUBJECTS, Look, Pixels

SIDES: Final = ("left", "top", "right", "bottom")
SPOILT: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "html": b"<!doctype html><html><head><title>404 Not Found</title></head><body>Not found</body></html>",
    "text": b"image will follow shortly\n",
    "json": b'{"error": "no such image", "status": 404}',
    "pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
    "zip": b"PK\x05\x06" + bytes(18),
    "zeros": bytes(4096),
    "noise": np.random.default_rng(7).bytes(5000),
    "jpeg_head": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
    "png_head": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
    "gif_head": b"GIF89a",
    "webp_head": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "jpeg_noise": b"\xff\xd8\xff\xe0" + np.random.default_rng(8).bytes(3000),
    "mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(200),
}


def draw(spec: Mapping[str, Any]) -> bytes:
    """Draw and encode one picture.

    Raises:
        KeyError: the spec names a subject, background or spoilage that there is none of.
    """
    if "spoil" in spec:
        return SPOILT[spec["spoil"]]
    frames = [_frame(spec, number) for number in range(int(spec.get("frames", 1)))]
    out = io.BytesIO()
    kind = spec.get("format", "JPEG")
    more: dict[str, Any] = {}
    if len(frames) > 1:
        more = {"save_all": True, "append_images": frames[1:], "duration": 120, "loop": 0}
    if kind in {"JPEG", "WEBP"}:
        more["quality"] = spec.get("quality", 85)
    if kind == "WEBP":
        more["method"] = 0
    if kind == "PNG":
        more["compress_level"] = 1
    frames[0].save(out, kind, **more)
    return out.getvalue()


def _frame(spec: Mapping[str, Any], number: int) -> Image.Image:
    width, height = spec.get("size", (800, 800))
    rng = np.random.default_rng([int(spec.get("seed", 1)), number])
    canvas = _background(spec.get("background", "white"), width, height, np.random.default_rng(spec.get("seed", 1)))
    if blur := spec.get("background_blur"):
        canvas = _pixels(_image(canvas).filter(ImageFilter.GaussianBlur(blur)))
    if (subject := spec.get("subject", "mug")) != "none":
        canvas = SUBJECTS[subject](canvas, Look(spec, number))
    image = _degraded(_image(canvas), spec)
    if vignette := spec.get("vignette"):
        down, across = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
        image = _image(_pixels(image) * (1 - vignette * (down[:, None, None] ** 2 + across[None, :, None] ** 2) / 2))
    if noise := spec.get("noise", 0):
        pixels = _pixels(image)
        pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(noise)
        image = _image(pixels)
    borders = spec.get("border", [])
    for border in [borders] if isinstance(borders, Mapping) else borders:
        image = _bordered(image, border)
    return image


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, dtype=np.float32).copy()


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8), "RGB")


def _degraded(image: Image.Image, spec: Mapping[str, Any]) -> Image.Image:
    size = image.size
    if longest := spec.get("upscaled_from"):
        share = longest / max(size)
        small = (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
        image = image.resize(small, Image.Resampling.BOX).resize(size, Image.Resampling.BICUBIC)
    if blur := spec.get("blur"):
        image = image.filter(ImageFilter.GaussianBlur(blur))
    if length := int(spec.get("motion", 0)):
        pixels = _pixels(image)
        padded = np.pad(pixels, ((0, 0), (length, 0), (0, 0)), mode="edge")
        summed = np.cumsum(padded, axis=1, dtype=np.float64)
        image = _image(((summed[:, length:] - summed[:, :-length]) / length).astype(np.float32))
    return image


def _bordered(image: Image.Image, border: Mapping[str, Any]) -> Image.Image:
    """Cover the named sides by bars of one colour, each `share` of the side it shortens."""
    width, height = image.size
    share, radius = border["share"], border.get("radius", 0)
    shares = share if isinstance(share, Mapping) else dict.fromkeys(border.get("sides", SIDES), share)
    left, top, right, bottom = (
        round(length * shares.get(side, 0)) for side, length in zip(SIDES, (width, height, width, height), strict=True)
    )
    opening = Image.new("L", image.size)
    ImageDraw.Draw(opening).rounded_rectangle((left, top, width - right - 1, height - bottom - 1), radius, fill=255)
    return Image.composite(image, Image.new("RGB", image.size, tuple(border["colour"])), opening)


# Backgrounds


def _background(kind: Any, width: int, height: int, rng: np.random.Generator) -> Pixels:
    if not isinstance(kind, str):
        return np.broadcast_to(np.asarray(kind, dtype=np.float32), (height, width, 3)).copy()
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    plain: Pixels = np.ones((height, width, 3), dtype=np.float32)
    if kind == "white":
        return plain * 255
    if kind == "black":
        return plain * 6
    if kind == "gradient":
        return plain * np.array([238, 240, 244], np.float32) - 70 * down - 12 * across
    if kind == "wood":
        grain = np.cumsum(rng.standard_normal((height, 1, 1)).astype(np.float32), axis=0) / 3
        rings = np.sin(down * 160 + grain + 2 * np.sin(across * 5 + down * 9))
        drawn: Pixels = plain * np.array([168, 118, 74], np.float32) + rings * np.array([22, 18, 12], np.float32)
        return drawn
    if kind == "room":
        return _room(plain, down)
    if kind == "busy":
        return _busy(width, height, rng)
    raise KeyError(kind)


def _room(plain: Pixels, down: Pixels) -> Pixels:
    """Draw a pale wall above a brown table."""
    wall, table = np.array([214, 208, 198], np.float32), np.array([132, 92, 60], np.float32)
    drawn: Pixels = plain * np.where(down < 0.7, wall - 18 * down, table + 30 * (down - 0.7)).astype(np.float32)
    return drawn


def _busy(width: int, height: int, rng: np.random.Generator) -> Pixels:
    """Draw shelves full of things."""
    image = Image.new("RGB", (width, height), (92, 84, 76))
    pen = ImageDraw.Draw(image)
    for row in range(6):
        at, bottom = 0, (row + 1) * height // 6 - 8
        while at < width:
            wide, tall = (int(value) for value in rng.integers((14, height // 16), (60, height // 7)))
            colour = tuple(int(value) for value in rng.integers(30, 235, 3))
            pen.rectangle((at, bottom - tall, at + wide, bottom), fill=colour, outline=(20, 20, 20))
            pen.line((at + 4, bottom - tall // 2, at + wide - 4, bottom - tall // 2), fill=(240, 240, 230), width=3)
            at += wide + int(rng.integers(2, 12))
        pen.rectangle((0, bottom, width, bottom + 8), fill=(60, 40, 26))
    return _pixels(image)
