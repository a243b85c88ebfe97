"""What drawn pictures show: goods, and what hangs about them, painted onto a background."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = npt.NDArray[Any]  # float32, (height, width, 3), 0-255; or a mask or shade that broadcasts to it

SUPERSAMPLED: Final = 2


class Look:
    """What a spec says of its subject."""

    def __init__(self, spec: Mapping[str, Any], number: int) -> None:
        self.colour = np.asarray(spec.get("colour", (40, 90, 150)), dtype=np.float32)
        self.contrast = float(spec.get("contrast", 1.0))
        self.texture = float(spec.get("texture", 0.0))
        self.scale = float(spec.get("scale", 1.0))
        across, down = spec.get("shift", (0.0, 0.0))
        self.shift = (across + 0.06 * number, down)
        self.rng = np.random.default_rng([int(spec.get("seed", 1)), 99])


# Subjects: painted in a square of side 1 about the middle, as long as the picture's shorter side


def _mask(canvas: Pixels, look: Look, paint: Callable[["_Pen"], None]) -> Pixels:
    height, width = canvas.shape[:2]
    image = Image.new("L", (width * SUPERSAMPLED, height * SUPERSAMPLED))
    paint(_Pen(image, look))
    return np.asarray(image.reduce(SUPERSAMPLED), dtype=np.float32)[:, :, None] / 255


class _Pen:
    """Draws in shares of the subject's square."""

    def __init__(self, image: Image.Image, look: Look) -> None:
        self.pen = ImageDraw.Draw(image)
        self.side = min(image.size) * look.scale
        self.left = image.width * (0.5 + look.shift[0]) - self.side / 2
        self.top = image.height * (0.5 + look.shift[1]) - self.side / 2

    def at(self, *shares: float) -> list[float]:
        return [(self.top if place % 2 else self.left) + share * self.side for place, share in enumerate(shares)]

    def polygon(self, *shares: float) -> None:
        self.pen.polygon(self.at(*shares), fill=255)

    def ellipse(self, *shares: float, width: float = 0) -> None:
        if width:
            self.pen.ellipse(self.at(*shares), outline=255, width=round(width * self.side))
        else:
            self.pen.ellipse(self.at(*shares), fill=255)

    def box(self, *shares: float, radius: float = 0) -> None:
        self.pen.rounded_rectangle(self.at(*shares), radius=radius * self.side, fill=255)

    def line(self, *shares: float, width: float) -> None:
        self.pen.line(self.at(*shares), fill=255, width=max(1, round(width * self.side)), joint="curve")

    def text(self, across: float, down: float, said: str, size: float) -> None:
        font = ImageFont.load_default(size=max(6, size * self.side))
        left, top = self.at(across, down)
        self.pen.text((left, top), said, fill=255, font=font)


def _put(canvas: Pixels, look: Look, mask: Pixels, colour: npt.ArrayLike, shade: Pixels | float = 1.0) -> Pixels:
    """Lay a colour, shaded and woven, over the canvas where the mask is; what lies outside costs nothing."""
    over = np.asarray(colour, dtype=np.float32) * shade
    if look.texture:
        height, width = canvas.shape[:2]
        down, across = np.arange(height)[:, None, None], np.arange(width)[None, :, None]
        weave = np.sin(down * 2.1) * np.sin(across * 2.1) + look.rng.normal(0, 0.4, (height, width, 1))
        over = over + (look.texture * weave).astype(np.float32)
    rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    if not len(rows):
        return canvas
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    laid = canvas.copy()
    over = np.broadcast_to(over, canvas.shape)[part]
    laid[part] += mask[part] * np.float32(look.contrast) * (over - canvas[part])
    return laid


def _round_shade(canvas: Pixels, look: Look) -> Pixels:
    """Light a cylinder from the left."""
    width = canvas.shape[1]
    across = (np.arange(width, dtype=np.float32) / width - 0.5 - look.shift[0]) / (0.35 * look.scale)
    drawn: Pixels = (0.62 + 0.45 * np.exp(-((across + 0.4) ** 2) * 1.6)).astype(np.float32)[None, :, None]
    return drawn


def _shadow(canvas: Pixels, look: Look) -> Pixels:
    mask = _mask(canvas, look, lambda pen: pen.ellipse(0.2, 0.8, 0.86, 0.9))
    soft = Image.fromarray((mask[:, :, 0] * 90).astype(np.uint8)).filter(ImageFilter.GaussianBlur(14))
    return canvas * (1 - look.contrast * np.asarray(soft, dtype=np.float32)[:, :, None] / 255)


def _mug(canvas: Pixels, look: Look) -> Pixels:
    canvas = _shadow(canvas, look)
    shade = _round_shade(canvas, look)
    handle = _mask(canvas, look, lambda pen: pen.ellipse(0.6, 0.36, 0.86, 0.68, width=0.045))
    body = _mask(canvas, look, lambda pen: pen.box(0.22, 0.22, 0.7, 0.85, radius=0.06))
    inside = _mask(canvas, look, lambda pen: pen.ellipse(0.24, 0.2, 0.68, 0.28))
    canvas = _put(canvas, look, handle, look.colour, 0.85)
    canvas = _put(canvas, look, body, look.colour, shade)
    return _put(canvas, look, inside, look.colour, 0.6)


def _lamp_foot(pen: _Pen) -> None:
    pen.box(0.485, 0.45, 0.515, 0.85)
    pen.ellipse(0.34, 0.82, 0.66, 0.9)


def _lamp(canvas: Pixels, look: Look) -> Pixels:
    canvas = _shadow(canvas, look)
    foot = _mask(canvas, look, _lamp_foot)
    screen = _mask(canvas, look, lambda pen: pen.polygon(0.36, 0.12, 0.64, 0.12, 0.78, 0.48, 0.22, 0.48))
    canvas = _put(canvas, look, foot, (176, 141, 66), _round_shade(canvas, look))
    return _put(canvas, look, screen, look.colour, _round_shade(canvas, look))


def _chair(canvas: Pixels, look: Look) -> Pixels:
    def paint(pen: _Pen) -> None:
        for leg in ((0.28, 0.1, 0.26, 0.92), (0.66, 0.1, 0.68, 0.92), (0.36, 0.55, 0.36, 0.84), (0.6, 0.55, 0.6, 0.84)):
            pen.line(*leg, width=0.035)
        for rung in (0.15, 0.24, 0.33):
            pen.line(0.28, rung, 0.66, rung, width=0.03)
        pen.polygon(0.24, 0.55, 0.7, 0.55, 0.74, 0.61, 0.2, 0.61)

    return _put(_shadow(canvas, look), look, _mask(canvas, look, paint), look.colour, _round_shade(canvas, look))


def _shirt(canvas: Pixels, look: Look) -> Pixels:
    outline = (0.36, 0.12, 0.64, 0.12, 0.9, 0.3, 0.8, 0.44, 0.72, 0.38, 0.72, 0.9, 0.28, 0.9, 0.28, 0.38, 0.2, 0.44)
    body = _mask(canvas, look, lambda pen: pen.polygon(*outline, 0.1, 0.3))
    neck = _mask(canvas, look, lambda pen: pen.ellipse(0.41, 0.07, 0.59, 0.18))
    canvas = _put(canvas, look, body, look.colour, _folds_shade(canvas, look))
    return _put(canvas, look, neck, look.colour, 0.55)


def _folds_shade(canvas: Pixels, look: Look) -> Pixels:
    height, width = canvas.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) / min(height, width)
    bend = np.sin(across * 17 + 3 * np.sin(down * 4)) * np.sin(down * 3 + 1) + 0.5 * np.sin(across * 41 + down * 13)
    drawn: Pixels = (1 + 0.16 * bend).astype(np.float32)[:, :, None]
    return drawn


def _cloth(canvas: Pixels, look: Look) -> Pixels:
    """Fill the picture with folded cloth."""
    whole = np.ones((*canvas.shape[:2], 1), dtype=np.float32)
    return _put(canvas, look, whole, look.colour, _folds_shade(canvas, look))


def _carton(canvas: Pixels, look: Look) -> Pixels:
    """Draw packaging with a few words on it."""

    def words(pen: _Pen) -> None:
        pen.text(0.28, 0.3, "Field & Rye", 0.075)
        pen.text(0.28, 0.42, "oat biscuits with sea salt", 0.03)
        pen.text(0.28, 0.74, "NET WT 250 g", 0.025)

    canvas = _shadow(canvas, look)
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.22, 0.14, 0.78, 0.86)), look.colour)
    return _put(canvas, look, _mask(canvas, look, words), (250, 246, 235))


def _poster(canvas: Pixels, look: Look) -> Pixels:
    def words(pen: _Pen) -> None:
        for line in range(14):
            pen.text(0.2, 0.12 + line * 0.055, "the quick brown fox jumps over 13 lazy dogs"[line % 5 :], 0.03)

    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.15, 0.06, 0.87, 0.95)), (246, 240, 226))
    return _put(canvas, look, _mask(canvas, look, words), look.colour)


def _plant(canvas: Pixels, look: Look) -> Pixels:
    canvas = _put(
        canvas,
        look,
        _mask(canvas, look, lambda pen: pen.polygon(0.38, 0.7, 0.62, 0.7, 0.58, 0.92, 0.42, 0.92)),
        look.colour,
    )
    for _ in range(26):
        across, down = look.rng.uniform(0.2, 0.7), look.rng.uniform(0.12, 0.6)
        wide, tall = look.rng.uniform(0.05, 0.14), look.rng.uniform(0.04, 0.12)
        green = (look.rng.uniform(20, 70), look.rng.uniform(90, 170), look.rng.uniform(30, 80))
        box = (across, down, across + wide, down + tall)
        leaf = _mask(canvas, look, lambda pen, box=box: pen.ellipse(*box))  # type: ignore[misc]
        canvas = _put(canvas, look, leaf, green)
    return canvas


def _rug(canvas: Pixels, look: Look) -> Pixels:
    """Draw a rug with a border of its own, and diamonds in it."""

    def diamonds(pen: _Pen) -> None:
        for row in range(8):
            for column in range(6):
                across, down = 0.19 + column * 0.11, 0.14 + row * 0.095
                pen.polygon(
                    across, down + 0.04, across + 0.04, down, across + 0.08, down + 0.04, across + 0.04, down + 0.08
                )

    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.1, 0.05, 0.9, 0.95)), (70, 24, 28))
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.14, 0.09, 0.86, 0.91)), look.colour)
    return _put(canvas, look, _mask(canvas, look, diamonds), (232, 214, 170))


def _ring(canvas: Pixels, look: Look) -> Pixels:
    band = _mask(canvas, look, lambda pen: pen.ellipse(0.36, 0.42, 0.64, 0.7, width=0.025))
    stone = _mask(canvas, look, lambda pen: pen.polygon(0.46, 0.4, 0.54, 0.4, 0.57, 0.36, 0.5, 0.31, 0.43, 0.36))
    canvas = _put(canvas, look, band, (196, 170, 96), _round_shade(canvas, look))
    return _put(canvas, look, stone, look.colour)


def _ball(canvas: Pixels, look: Look) -> Pixels:
    canvas = _shadow(canvas, look)
    return _put(
        canvas,
        look,
        _mask(canvas, look, lambda pen: pen.ellipse(0.2, 0.2, 0.82, 0.82)),
        look.colour,
        _round_shade(canvas, look),
    )


def _picture_frame(canvas: Pixels, look: Look) -> Pixels:
    """Hang a framed seascape on the background."""
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.2, 0.16, 0.8, 0.84)), look.colour)
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.25, 0.21, 0.75, 0.79)), (250, 248, 240))
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.32, 0.3, 0.68, 0.7)), (120, 170, 200))
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.32, 0.54, 0.68, 0.7)), (30, 80, 110))
    return _put(canvas, look, _mask(canvas, look, lambda pen: pen.ellipse(0.55, 0.34, 0.62, 0.41)), (250, 220, 150))


def _mirror(canvas: Pixels, look: Look) -> Pixels:
    """Hang an oval mirror, which shows a window across the room."""
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.ellipse(0.22, 0.08, 0.78, 0.92)), look.colour)
    canvas = _put(canvas, look, _mask(canvas, look, lambda pen: pen.ellipse(0.26, 0.12, 0.74, 0.88)), (176, 186, 190))
    return _put(canvas, look, _mask(canvas, look, lambda pen: pen.box(0.4, 0.3, 0.54, 0.56)), (240, 244, 246))


def _curtains(canvas: Pixels, look: Look) -> Pixels:
    """Hang cloth left and right, from edge to edge, with a rail."""
    shade = _folds_shade(canvas, look)
    for box in ((-0.6, -0.6, 0.22, 1.6), (0.78, -0.6, 1.6, 1.6)):
        canvas = _put(canvas, look, _mask(canvas, look, lambda pen, box=box: pen.box(*box)), look.colour, shade)  # type: ignore[misc]
    return _put(
        canvas, look, _mask(canvas, look, lambda pen: pen.line(-0.6, 0.06, 1.6, 0.06, width=0.02)), (60, 50, 40)
    )


SUBJECTS: Final[Mapping[str, Callable[[Pixels, Look], Pixels]]] = {
    "mug": _mug,
    "lamp": _lamp,
    "chair": _chair,
    "shirt": _shirt,
    "cloth": _cloth,
    "carton": _carton,
    "poster": _poster,
    "plant": _plant,
    "rug": _rug,
    "ring": _ring,
    "ball": _ball,
    "picture_frame": _picture_frame,
    "mirror": _mirror,
    "curtains": _curtains,
}
