"""Group the photos of a sequence by what they show: the same thing again, from nearer or from another side.

Two photos are as alike as their colours and, where an embedder of pictures is there, what it says of them. Photos taken
one after the other are more often of one thing. Groups are joined while their photos are alike on average, so that one
photo between two things does not make them one.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.embedders.contract import Vectors

Floats = NDArray[np.float64]
SIDE_PX = 96
BINS = 16  # of each of the two colour channels
GREY_LEVELS = 8
GROUND_DISTANCE = 14.0  # from the border's colour, in the YCbCr of 8 bits; what is nearer is ground
SAME_PICTURE_BITS = 8  # of 64
# Calibrated on drawn things, each seen up to four times: turned, nearer, in another light (tests.benchmarks.photos).
# In 12 sequences that were not used to choose these all 198 pairs that were joined were of one thing, and 89 % of those
# that are were joined; 0.78 joined no more in 20 others, and 3 % of its pairs wrongly (November 2026). Things of one
# shape and colour cannot be told apart so.
JOIN = 0.82
NEIGHBOUR = 0.10  # what following each other counts for
VECTOR_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Look:
    """What a photo looks like: the colours of what stands before its ground, and its perceptual hash."""

    colours: Floats
    greys: Floats
    perceptual_hash: str


def look_of(thumbnail: bytes, *, perceptual_hash: str) -> Look:
    """Return what an encoded thumbnail looks like."""
    with Image.open(io.BytesIO(thumbnail)) as image:
        small = image.convert("YCbCr").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64)
    border = np.concatenate([pixels[:3].reshape(-1, 3), pixels[-3:].reshape(-1, 3), pixels[:, :3].reshape(-1, 3),
                             pixels[:, -3:].reshape(-1, 3)])  # fmt: skip
    distances = np.linalg.norm(pixels - np.median(border, axis=0), axis=-1)
    thing = pixels[distances > GROUND_DISTANCE]
    if len(thing) < SIDE_PX:  # hardly anything stands out: look at all
        thing = pixels.reshape(-1, 3)
    return Look(_histogram(thing[:, 1:]), _greys(thing[:, 0]), perceptual_hash)


def group_photos(looks: Sequence[Look], vectors: Vectors | None, *, unlike: float = 0.0) -> list[list[int]]:
    """Return the groups, each the indices of its photos in order; groups in the order of their first photos.

    Args:
        looks: of the photos, in sequence.
        vectors: of the same photos, rows of norm 1; None where there is no embedder.
        unlike: the cosine at which two pictures have nothing to do with each other (`min_similarity`).
    """
    likeness = _likeness(looks, vectors, unlike)
    groups = [[index] for index in range(len(looks))]
    while len(groups) > 1:
        best, first, second = max(
            (float(likeness[np.ix_(groups[a], groups[b])].mean()), -a, -b)
            for a in range(len(groups))
            for b in range(a + 1, len(groups))
        )
        if best < JOIN:
            break
        groups[-first] = sorted(groups[-first] + groups[-second])
        del groups[-second]
    return sorted(groups)


def _likeness(looks: Sequence[Look], vectors: Vectors | None, unlike: float) -> Floats:
    count = len(looks)
    likeness = np.ones((count, count))
    for a in range(count):
        for b in range(a + 1, count):
            alike = _alike(looks[a], looks[b])
            if vectors is not None:
                cosine = float(vectors[a] @ vectors[b])
                seen = max(0.0, (cosine - unlike) / (1.0 - unlike))
                alike = (1.0 - VECTOR_SHARE) * alike + VECTOR_SHARE * seen
            if b == a + 1:
                alike += NEIGHBOUR
            likeness[a, b] = likeness[b, a] = alike
    return likeness


def _alike(first: Look, second: Look) -> float:
    """Return 1 for the same picture, else how much of their colours two things share."""
    bits = (int(first.perceptual_hash, 16) ^ int(second.perceptual_hash, 16)).bit_count()
    colours = float(np.sqrt(first.colours * second.colours).sum())
    greys = float(np.sqrt(first.greys * second.greys).sum())
    alike = 0.75 * colours + 0.25 * greys
    return max(alike, 1.0) if bits <= SAME_PICTURE_BITS and alike >= JOIN else alike


def _histogram(chroma: Floats) -> Floats:
    """Return the shares of the colours, each spread over the bins beside it, since light moves them."""
    counts, _, _ = np.histogram2d(chroma[:, 0], chroma[:, 1], bins=BINS * 2, range=[[0, 256], [0, 256]])
    spread = counts.copy()
    for axis in (0, 1):
        spread = spread + 0.5 * (np.roll(spread, 1, axis) + np.roll(spread, -1, axis))
    shares: Floats = spread / max(float(spread.sum()), 1.0)
    return shares


def _greys(values: Floats) -> Floats:
    counts, _ = np.histogram(values, bins=GREY_LEVELS, range=(0, 256))
    spread = counts + 0.5 * (np.roll(counts, 1) + np.roll(counts, -1))
    shares: Floats = spread / max(float(spread.sum()), 1.0)
    return shares
