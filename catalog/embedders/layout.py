"""Embed pictures by how their colours lie: deterministic, offline, fast, without any model."""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.embedders.contract import DIMENSIONS, Vectors
from catalog.embedders.decoding import decoded_blocks

CELLS = 16  # 16 x 16 cells of 3 numbers are the 768 dimensions
# Pictures are squashed to this side first; each cell is then the mean of 4 x 4 pixels.
SIDE_PX = 64
BLOCK_SIZE = 64
# A picture whose cells differ by less than a human sees (a distance of 1 in Lab) is held for blank.
JUST_NOTICEABLE = 1.0
# Linear sRGB to XYZ with D65 as white. Source: IEC 61966-2-1.
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = TO_XYZ.sum(axis=1)


class LayoutEmbedder:
    """The colours (CIE Lab) of 16 x 16 cells, less their mean, at length 1: contrast and brightness do not count.

    The same picture is found again after re-encoding, resizing and a slight crop, and others with like colours in
    like places; what a picture shows is not known. A blank picture gets one fixed vector, since a row has norm 1.
    """

    fingerprint = "layout_v1"
    summary = "Compares how colours lie in a picture: offline and deterministic; knows its look, not what it shows."
    # 60 drawn products over white (tests/catalog/embedders/test_layout.py): 19 of 20 pairs of them lie below 0.45, and
    # each lies above 0.75 to itself after JPEG at 40 %, a quarter of the size, or 5 % cut off two sides (Nov. 2026).
    min_similarity = 0.45

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Encode pictures; see the contract."""
        blocks = decoded_blocks(
            pictures, size=(SIDE_PX, SIDE_PX), block_size=BLOCK_SIZE, threads=min(4, os.cpu_count() or 1)
        )
        rows = [_layouts(block) for block in blocks]
        return np.concatenate(rows) if rows else np.empty((0, DIMENSIONS), dtype=np.float32)


def _layouts(block: NDArray[np.uint8]) -> Vectors:
    """Return a row for each picture of shape (n, SIDE_PX, SIDE_PX, 3)."""
    step = SIDE_PX // CELLS
    cells = block.reshape(len(block), CELLS, step, CELLS, step, 3).mean(axis=(2, 4))
    colours = _lab(cells).reshape(len(block), CELLS * CELLS, 3)
    colours -= colours.mean(axis=1, keepdims=True)
    is_blank = np.sqrt((colours**2).sum(axis=2).mean(axis=1)) < JUST_NOTICEABLE
    rows = colours.reshape(len(block), DIMENSIONS)
    rows[is_blank] = 0.0
    rows[is_blank, 0] = 1.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIE Lab of sRGB from 0 to 255. Source: CIE 15:2004, 8.2.1."""
    encoded = rgb / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T / WHITE
    knee = 6.0 / 29.0
    shares = np.where(xyz > knee**3, np.cbrt(xyz), xyz / (3.0 * knee**2) + 4.0 / 29.0)
    lightness = 116.0 * shares[..., 1] - 16.0
    red_green = 500.0 * (shares[..., 0] - shares[..., 1])
    yellow_blue = 200.0 * (shares[..., 1] - shares[..., 2])
    return np.stack([lightness, red_green, yellow_blue], axis=-1)
