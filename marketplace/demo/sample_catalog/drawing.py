"""The sample's pictures: simple objects on plain grounds, each one different, drawn once and kept."""

import io
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, _imaging

from marketplace.demo.sample_catalog.pen import Pen, shade
from marketplace.demo.sample_catalog.products import SampleProduct
from marketplace.demo.sample_catalog.shapes import SHAPES
from marketplace.demo.sample_catalog.words import Colour

SIDE_PX = 1000
TOO_SMALL_PX = 60
QUALITY = 80
NOISE_SIGMA = 4  # about 100 kB a picture
_NOISE_SIDE_PX = 1400
_GROUNDS: tuple[Colour, ...] = (
    (232, 226, 216), (222, 230, 232), (238, 222, 214), (220, 228, 216), (228, 222, 236), (242, 234, 214),
    (214, 220, 228), (236, 236, 236), (224, 214, 202), (206, 222, 224),
)  # fmt: skip
_ACCENTS: tuple[Colour, ...] = (
    (156, 118, 82), (72, 74, 80), (206, 176, 110), (120, 134, 150), (172, 96, 78), (92, 122, 108), (198, 190, 178),
)  # fmt: skip
WITHOUT_PICTURE = frozenset({"missing_picture", "not_found", "malformed", "duplicate"})


class Studio:
    """Draws pictures; holds the noise and the shadow that all of them share.

    A fresh field of noise for each picture cost eight times as much as drawing it.
    """

    def __init__(self, seed: int) -> None:
        # Keep freed picture memory: a fresh 4 MB from the kernel cost 2 ms a time, three times a picture.
        _imaging.set_blocks_max(8)
        self._seed = seed
        grain = Image.effect_noise((_NOISE_SIDE_PX, _NOISE_SIDE_PX), NOISE_SIGMA)
        grain = grain.point([(min(max(value, 112), 144) - 128) % 256 for value in range(256)])
        self._noise = Image.merge("RGB", (grain, grain, grain))
        self._shadows: dict[int, Image.Image] = {}
        shadow = Image.new("L", (SIDE_PX, 260), 0)
        ImageDraw.Draw(shadow).ellipse((60, 70, SIDE_PX - 60, 190), fill=110)
        self._shadow = shadow.filter(ImageFilter.GaussianBlur(28))

    def draw(self, product: SampleProduct) -> bytes:
        """Return the product's picture, spoiled in the way of its defect."""
        if product.defect == "broken_picture":
            rng = random.Random(f"{self._seed}:{product.id}")  # noqa: S311
            return self._encode(self._paint(product))[:24] + rng.randbytes(40_000)
        picture = self._paint(product)
        if product.defect == "picture_too_small":
            picture = picture.resize((TOO_SMALL_PX, TOO_SMALL_PX), Image.Resampling.BILINEAR)
        return self._encode(picture)

    def _paint(self, product: SampleProduct) -> Image.Image:
        rng = random.Random(f"{self._seed}:{product.id}:picture")  # noqa: S311
        ground = shade(rng.choice(_GROUNDS), rng.uniform(0.92, 1.05))
        picture = Image.new("RGB", (SIDE_PX, SIDE_PX), ground)
        draw = ImageDraw.Draw(picture)
        horizon = rng.randint(560, 780)
        draw.rectangle((0, horizon, SIDE_PX, SIDE_PX), fill=shade(ground, rng.uniform(0.86, 0.95)))
        scale = rng.uniform(560, 800)
        left = (SIDE_PX - scale) / 2 + rng.uniform(-70, 70)
        top = min(SIDE_PX - scale - 30, (SIDE_PX - scale) / 2 + rng.uniform(-20, 110))
        if product.shape != "pendant":
            shadow = self._shadow_of(round(scale * 1.15 / 40) * 40)
            place = (round(left - scale * 0.075), round(top + scale * 0.82))
            picture.paste(shade(ground, 0.45), (*place, place[0] + shadow.width, place[1] + shadow.height), shadow)
        pen = Pen(
            draw=draw,
            left=left,
            top=top,
            scale=scale,
            is_mirrored=rng.random() < 0.5,
            colour=shade(product.colour, rng.uniform(0.9, 1.08)),
            accent=shade(rng.choice(_ACCENTS), rng.uniform(0.85, 1.1)),
            rng=rng,
        )
        SHAPES[product.shape](pen)
        spare = _NOISE_SIDE_PX - SIDE_PX
        x, y = rng.randrange(spare), rng.randrange(spare)
        grain = self._noise.crop((x, y, x + SIDE_PX, y + SIDE_PX))
        # Colours keep a distance of 16 from 0 and 255, so that the modulo, five times as fast, never wraps.
        return ImageChops.add_modulo(picture, grain)

    def _shadow_of(self, width_px: int) -> Image.Image:
        if width_px not in self._shadows:
            self._shadows[width_px] = self._shadow.resize((width_px, round(width_px * 0.23)))
        return self._shadows[width_px]

    def _encode(self, picture: Image.Image) -> bytes:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()


def draw_missing(
    products: Sequence[SampleProduct], folder: Path, *, seed: int, progress: Callable[[int, int], None]
) -> int:
    """Draw the pictures that folder lacks, and return how many; progress(done, all) is called after each."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {path.name for path in folder.iterdir()}
    wanted = [product for product in products if product.defect not in WITHOUT_PICTURE and product.picture not in kept]
    if not wanted:
        return 0
    studio = Studio(seed)

    def draw(product: SampleProduct) -> None:
        unfinished = folder / f".{product.picture}.part"
        unfinished.write_bytes(studio.draw(product))
        unfinished.replace(folder / product.picture)

    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(draw, product) for product in wanted]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(done, len(wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return len(wanted)
