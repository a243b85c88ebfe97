"""How fast an embedder is on this machine."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image

from catalog.embedders.contract import Embedder, PictureEmbedder

TEXT = "Product {number}\nBrand of table lamps\nA red table lamp of copper with a blue shade, 42 cm high, 12 W LED"
AT_ONCE = 64  # as many as the task generate-embedding takes in a batch
SIDE_PX = 800


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured, warm."""

    texts_per_s: float
    query_p50_ms: float
    pictures_per_s: float


def measure_speed(embedder: Embedder, pictures: PictureEmbedder, *, seconds: float) -> Speed:
    """Embed product texts, queries, and drawn JPEGs of 800 x 800, each for a third of the time or once."""
    texts = [TEXT.format(number=number) for number in range(AT_ONCE)]
    files = [drawn_jpeg(number) for number in range(AT_ONCE)]
    embedder.embed(texts[:1])
    pictures.embed_pictures(files[:1])
    third_s = seconds / 3.0
    return Speed(
        texts_per_s=AT_ONCE / median(_times(lambda: embedder.embed(texts), third_s)),
        query_p50_ms=1000.0 * median(_times(lambda: embedder.embed_queries(["red table lamp"]), third_s)),
        pictures_per_s=AT_ONCE / median(_times(lambda: pictures.embed_pictures(files), third_s)),
    )


def drawn_jpeg(seed: int, *, side_px: int = SIDE_PX) -> bytes:
    """Draw a picture that compresses like a photograph: coarse blotches with grain."""
    dice = np.random.default_rng(seed)
    blotches = Image.fromarray(dice.integers(0, 255, (8, 8, 3), dtype=np.uint8))
    smooth = np.asarray(blotches.resize((side_px, side_px), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = dice.integers(-6, 7, smooth.shape, dtype=np.int16)
    out = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def _times(work: Callable[[], object], seconds: float) -> list[float]:
    """Return the time that each run took, of as many as fit."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found
