"""Pictures that the seen labels describe: a scene on a ground, and what was done to it. Equal sketches, equal bytes."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Scene = Callable[[ImageDraw.ImageDraw, int, int, Colour, np.random.Generator], None]


def sketch(spec: Mapping[str, Any]) -> bytes:
    """Draw what a label says.

    Keys, all of which may be left out: scene, ground, colour, size, seed, noise (of 255), blur (radius in pixels),
    motion (pixels), shift (of the motion: [across, down]), grown_from (pixels of the longer side), bars ([top, bottom,
    left, right], as shares), bar_colour, frames, form, quality.
    """
    rng = np.random.default_rng(spec.get("seed", 1))
    width, height = spec.get("size", (640, 640))
    image = _ground(str(spec.get("ground", "white")), width, height, rng)
    SCENES[spec.get("scene", "cup")](
        ImageDraw.Draw(image), width, height, tuple(spec.get("colour", (180, 60, 50))), rng
    )
    image = _spoiled(image, spec)
    if noise := spec.get("noise", 2.0):
        pixels = np.asarray(image, dtype=np.float32) + rng.normal(0, noise, (height, width, 1))
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    image = _barred(image, spec)
    return _encoded(image, spec)


def _ground(name: str, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    down = np.linspace(0, 1, height)[:, None, None]
    plain = {"white": 254, "grey": 205, "dark": 22, "cream": 232}
    if name in plain:
        tint = np.array([1.0, 0.99, 0.96 if name == "cream" else 1.0])
        pixels = np.full((height, width, 3), plain[name]) * tint
    elif name == "gradient":
        pixels = 245 - 60 * down * np.ones((height, width, 3))
    elif name == "table":
        wood = rng.normal(0, 9, (height, 1, 1)).cumsum(axis=0) % 24
        pixels = np.where(down < 0.45, np.array([214, 218, 222]), np.array([150, 105, 70]) + wood) * np.ones(
            (1, width, 1)
        )
    else:  # busy: a room out of focus
        coarse = rng.integers(30, 230, (9, 9, 3)).astype(np.uint8)
        return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _cup(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    draw.ellipse((0.63 * width, 0.4 * height, 0.82 * width, 0.66 * height), outline=colour, width=max(3, width // 30))
    draw.rectangle((0.3 * width, 0.32 * height, 0.7 * width, 0.75 * height), fill=colour)
    draw.ellipse((0.3 * width, 0.27 * height, 0.7 * width, 0.37 * height), fill=_darker(colour, 0.75))
    draw.rectangle((0.36 * width, 0.4 * height, 0.39 * width, 0.7 * height), fill=_darker(colour, 1.25))


def _pale_cup(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    _cup(draw, width, height, (246, 246, 245), rng)


def _dress(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    outline = [(0.42, 0.12), (0.58, 0.12), (0.56, 0.4), (0.78, 0.9), (0.22, 0.9), (0.44, 0.4)]
    draw.polygon([(x * width, y * height) for x, y in outline], fill=colour)
    for place in np.linspace(0.3, 0.7, 7):
        top = (0.5 + (place - 0.5) * 0.3) * width
        draw.line(
            (top, 0.4 * height, place * width, 0.9 * height), fill=_darker(colour, 1.6), width=max(3, width // 120)
        )


def _letters(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    draw.rectangle((0.25 * width, 0.15 * height, 0.75 * width, 0.85 * height), fill=colour)
    for row in range(12):
        y = (0.22 + row * 0.05) * height
        x = 0.3 * width
        while x < 0.7 * width:
            step = float(rng.uniform(0.01, 0.05)) * width
            draw.rectangle((x, y, x + step, y + 0.02 * height), fill=(250, 250, 245))
            x += step + 0.012 * width


def _woven(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    step = max(4, width // 80)
    for y in range(0, height, step):
        for x in range(0, width, step):
            factor = 1.0 if (x // step + y // step) % 2 else 0.965
            draw.rectangle((x, y, x + step - 1, y + step - 1), fill=_darker(colour, factor))


def _stripes(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    for number in range(0, 20, 2):
        draw.rectangle((0, number * height / 20, width, (number + 1) * height / 20), fill=colour)


def _poster(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    draw.rectangle((0.25 * width, 0.15 * height, 0.75 * width, 0.8 * height), fill=(60, 40, 25))
    draw.rectangle((0.28 * width, 0.18 * height, 0.72 * width, 0.77 * height), fill=(240, 236, 226))
    draw.ellipse((0.36 * width, 0.3 * height, 0.64 * width, 0.6 * height), fill=colour)


def _chain(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    for angle in np.linspace(0.15 * np.pi, 0.85 * np.pi, 40):
        x, y = (0.5 + 0.3 * np.cos(angle)) * width, (0.2 + 0.5 * np.sin(angle)) * height
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), outline=colour, width=2)


def _filled(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    """Cover the whole picture with patches, as a photograph of a scene does."""
    for _ in range(60):
        x, y = rng.uniform(-0.1, 1, 2)
        w, h = rng.uniform(0.1, 0.4, 2)
        fill = tuple(int(it) for it in rng.integers(40, 215, 3))
        draw.rectangle((x * width, y * height, (x + w) * width, (y + h) * height), fill=fill)


def _nothing(draw: ImageDraw.ImageDraw, width: int, height: int, colour: Colour, rng: np.random.Generator) -> None:
    pass


SCENES: Mapping[str, Scene] = {
    "cup": _cup,
    "pale cup": _pale_cup,
    "dress": _dress,
    "letters": _letters,
    "woven": _woven,
    "stripes": _stripes,
    "poster": _poster,
    "chain": _chain,
    "filled": _filled,
    "nothing": _nothing,
}


def _darker(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(it * factor)) for it in colour)
    return red, green, blue


def _spoiled(image: Image.Image, spec: Mapping[str, Any]) -> Image.Image:
    size = image.size
    if blur := spec.get("blur"):
        image = image.filter(ImageFilter.GaussianBlur(blur))
    if sharp := spec.get("sharp_part"):  # [left, top, right, bottom], as shares: depth of field
        part = sketch_part(spec, sharp, size)
        image.paste(part[0], part[1])
    if length := spec.get("motion"):
        across, down = spec.get("shift", (1, 0))
        pixels = np.asarray(image, dtype=np.float32)
        moved = [np.roll(pixels, (down * step, across * step), axis=(0, 1)) for step in range(length)]
        image = Image.fromarray(np.mean(moved, axis=0).astype(np.uint8))
    if grown_from := spec.get("grown_from"):
        small = image.copy()
        small.thumbnail((grown_from, grown_from), Image.Resampling.BILINEAR)
        image = small.resize(size, Image.Resampling.BICUBIC)
    return image


def sketch_part(
    spec: Mapping[str, Any], part: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[Image.Image, tuple[int, int]]:
    """Return the part of the sharp picture that stays in focus, and where it goes."""
    kept = {key: it for key, it in spec.items() if key not in ("blur", "sharp_part", "bars", "frames", "noise")}
    with Image.open(io.BytesIO(sketch({**kept, "noise": 0, "form": "PNG"}))) as sharp:
        left, top, right, bottom = (round(share * side) for share, side in zip(part, (*size, *size), strict=True))
        return sharp.convert("RGB").crop((left, top, right, bottom)), (left, top)


def _barred(image: Image.Image, spec: Mapping[str, Any]) -> Image.Image:
    bars = spec.get("bars")
    if not bars:
        return image
    width, height = image.size
    top, bottom, left, right = bars
    box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    framed = Image.new("RGB", image.size, tuple(spec.get("bar_colour", (0, 0, 0))))
    framed.paste(image.resize((box[2] - box[0], box[3] - box[1])), box[:2])
    return framed


def _encoded(image: Image.Image, spec: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    form, count = spec.get("form", "JPEG"), spec.get("frames", 1)
    options: dict[str, Any] = {"quality": spec.get("quality", 85)} if form in ("JPEG", "WEBP") else {}
    if form == "PNG":
        options["compress_level"] = 1
    if count > 1:
        others = [image.rotate(7 * number, fillcolor="white") for number in range(1, count)]
        options |= {"save_all": True, "append_images": others, "duration": 200}
    image.save(out, form, **options)
    return out.getvalue()
