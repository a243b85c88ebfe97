"""Likeness: whether two products are the same to whoever looks at them."""

import re
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from marketplace.models import Picture, Product

# Of 64 bits. 40 drawn pictures, scaled to 3 widths and compressed again in 3 qualities, differed from themselves in 2
# at most, and from each other in 20 at least (November 2026).
MAX_BITS = 5
# Of 255, the mean over 8 x 8 places. The same pictures differed from themselves by 1.2 at most, from others by 75.
MAX_COLOUR_DISTANCE = 14.0


def title_key(title: str) -> str:
    """Return a title without what does not tell two apart: case, punctuation, spaces."""
    return re.sub(r"[\W_]+", " ", title.casefold()).strip()


def is_near(first: Product, second: Product, first_picture: Picture, second_picture: Picture) -> bool:
    """Tell whether two products are the same to whoever looks at them."""
    if title_key(first.title) != title_key(second.title):
        return False
    if (first.price, first.currency) != (second.price, second.currency):
        return False
    for own, other in ((first.sku, second.sku), (first.gtin, second.gtin)):
        if own and other and own != other:
            return False
    return is_same_picture(first_picture, second_picture)


def is_same_picture(first: Picture, second: Picture) -> bool:
    """Tell whether two pictures show the same: equal files, or near-equal hashes and colours."""
    if first.sha256 and first.sha256 == second.sha256:
        return True
    if not first.perceptual_hash or not second.perceptual_hash:
        return False
    bits = (int(first.perceptual_hash, 16) ^ int(second.perceptual_hash, 16)).bit_count()
    return bits <= MAX_BITS and _colour_distance(first, second) <= MAX_COLOUR_DISTANCE


def _colour_distance(first: Picture, second: Picture) -> float:
    """Return how far the colours of two pictures are apart, place by place; infinite when one cannot be seen."""
    own, other = (_colours(picture.thumbnail.name or "") for picture in (first, second))
    if own is None or other is None:
        return float("inf")
    return float(np.abs(own - other).max(axis=2).mean())


def _colours(name: str) -> NDArray[np.float32] | None:
    path = Path(settings.MEDIA_ROOT) / name
    if not name or not path.is_file():
        return None
    with Image.open(path) as image:
        small = image.convert("RGB").resize((8, 8), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).reshape(8, 8, 3)
