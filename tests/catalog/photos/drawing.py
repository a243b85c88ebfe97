"""Photos as a seller's phone takes them: a thing on a ground, with noise, a shadow, and what EXIF tells."""

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F
SHAPES = ("disc", "block", "wedge", "lamp")


def draw(
    *,
    shape: str = "disc",
    colour: Colour = (190, 40, 40),
    ground: Colour = (225, 222, 216),
    size: tuple[int, int] = (800, 600),
    centre: tuple[float, float] = (0.5, 0.5),
    radius: float = 0.2,
    turn: float = 0.0,
    light: tuple[float, float, float] = (1.0, 1.0, 1.0),
    noise: float = 2.0,
    slope: float = 12.0,
    seed: int = 0,
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Return the photo, and the box of the thing itself, without its shadow."""
    rng = np.random.default_rng(seed)
    width, height = size
    mask = _mask(shape, size, centre, radius, turn)
    pixels = np.ones((height, width, 3)) * ground
    pixels += np.linspace(-slope, slope, width)[None, :, None] + np.linspace(-slope, slope, height)[:, None, None]
    shadow = np.asarray(mask.filter(ImageFilter.GaussianBlur(12)), dtype=np.float64)[..., None] / 255.0
    pixels *= 1.0 - 0.25 * np.roll(shadow, (12, 8), axis=(0, 1))
    thing = np.ones((height, width, 3)) * colour + np.linspace(25, -25, height)[:, None, None]
    edge = np.asarray(mask.filter(ImageFilter.GaussianBlur(1)), dtype=np.float64)[..., None] / 255.0
    pixels = (pixels * (1.0 - edge) + thing * edge) * np.array(light) + rng.normal(0.0, noise, (height, width, 3))
    box = mask.point(lambda value: 255 if value > 127 else 0).getbbox()
    assert box is not None
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), box


def _mask(shape: str, size: tuple[int, int], centre: tuple[float, float], radius: float, turn: float) -> Image.Image:
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)
    x, y, r = centre[0] * size[0], centre[1] * size[1], radius * min(size)
    if shape == "disc":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    elif shape == "block":
        pen.rectangle((x - r, y - 0.6 * r, x + r, y + 0.6 * r), fill=255)
    elif shape == "wedge":
        pen.polygon([(x - r, y + 0.8 * r), (x + r, y + 0.4 * r), (x, y - r)], fill=255)
    else:  # a lamp: a thin neck and a thin foot
        pen.polygon([(x - 0.5 * r, y - 0.4 * r), (x + 0.5 * r, y - 0.4 * r), (x, y - r)], fill=255)
        pen.line((x, y - 0.4 * r, x, y + r), fill=255, width=max(4, round(0.06 * r)))
        pen.line((x - 0.4 * r, y + r, x + 0.4 * r, y + r), fill=255, width=max(4, round(0.06 * r)))
    return mask.rotate(turn, resample=Image.Resampling.BILINEAR, center=(x, y))


def jpeg(photo: Image.Image, *, orientation: int = 1, quality: int = 88, with_gps: bool = True) -> bytes:
    """Return the photo as a phone writes it; lying on its side where `orientation` says how to turn it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKE] = "SecretPhoneMaker"
    if with_gps:
        exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 18.0)})
    if orientation == 6:  # shown by turning it a quarter clockwise
        photo = photo.transpose(Image.Transpose.ROTATE_90)
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=quality, exif=exif, comment=b"home address")
    return out.getvalue()


def sequence(things: int, *, seed: int, views: tuple[int, int] = (1, 4)) -> tuple[list[Image.Image], list[int]]:
    """Return photos of things one after the other, each from so many sides; and which thing each shows."""
    rng = random.Random(seed)
    photos: list[Image.Image] = []
    shown: list[int] = []
    ground = tuple(rng.randint(170, 240) for _ in range(3))
    for thing in range(things):
        shape, colour = rng.choice(SHAPES), tuple(rng.randint(10, 245) for _ in range(3))
        for _ in range(rng.randint(*views)):
            level = rng.uniform(0.8, 1.08)
            photo, _ = draw(
                shape=shape,
                colour=colour,  # type: ignore[arg-type]
                ground=ground,  # type: ignore[arg-type]
                centre=(rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65)),
                radius=rng.uniform(0.15, 0.32),
                turn=rng.uniform(-40, 40),
                light=(level * rng.uniform(0.96, 1.04), level, level * rng.uniform(0.96, 1.04)),
                noise=rng.uniform(1, 4),
                seed=rng.randint(0, 10**6),
            )
            photos.append(photo)
            shown.append(thing)
    return photos, shown
