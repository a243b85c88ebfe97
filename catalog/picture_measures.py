"""What is measured of a picture, so that quality control can judge it without reading it again.

All is measured of the thumbnail: a picture is seen at that size in lists, and every picture then has one scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]

CELL_PX = 8  # an edge is looked at within a cell of this many pixels in a row
# Of 255, what an edge must rise by: below it lie noise and the traces of compression.
LEAST_RISE = 24
# Of the cells that have an edge, the share that may be sharper than the measure: a subject in focus before a blurred
# ground has few sharp edges, and noise makes some.
SHARPEST_SHARE = 0.05
LEAST_EDGES = 12  # cells; fewer say nothing of a direction

SAME_COLOUR = 10  # of 255, in each channel, by which a bar may vary: compression, fine noise
OTHER_COLOUR = 16  # by which the picture inside must differ from the bar
LEAST_BAR_PX = 3
MOST_FRAME_SHARE = 0.12  # of a side: frames are thin; what has more around it stands on a ground
WHITE = 240
STRAIGHT_SHARE = 0.95  # of a bar's length, where the picture beyond it must differ
BAR_STEP_PX = 8  # every eighth pixel of a row is looked at


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a picture; sharpness is None where nothing in it has an edge.

    Args:
        sharpness: 0 to 1; how much of an edge's rise lies between two neighbouring pixels, of the sharpest edges,
            in the direction in which that is less: movement blurs one direction only.
        contrast: 0 to 255; how far the colours of its parts are apart.
        frame_share: 0 to 1; how much of it is a frame, or bars on two sides.
        average_colour: red, green and blue in hexadecimal.
    """

    sharpness: float | None
    contrast: float
    frame_share: float
    average_colour: str


def measure(thumbnail: Image.Image, grey: Image.Image) -> Measures:
    """Measure a picture by its thumbnail, in RGB, and the same in grey."""
    small = np.asarray(thumbnail.reduce(4), dtype=np.uint8)
    return Measures(
        sharpness=_sharpness(np.asarray(grey)),
        contrast=_contrast(small),
        frame_share=_frame_share(np.asarray(thumbnail)),
        average_colour=bytes(round(float(it)) for it in small.mean(axis=(0, 1))).hex(),
    )


def _sharpness(grey: Grey) -> float | None:
    found = [it for way in (grey, np.ascontiguousarray(grey.T)) if (it := _sharpness_down(way)) is not None]
    return round(min(found), 3) if found else None


def _sharpness_down(grey: Grey) -> float | None:
    """Return how sharp the sharpest edges are that are met on the way down; None where there are too few."""
    cells = (grey.shape[0] - 1) // CELL_PX
    if not cells:
        return None
    rows = grey[: cells * CELL_PX + 1].astype(np.int16)
    steps = np.abs(rows[1:] - rows[:-1]).reshape(cells, CELL_PX, -1).max(axis=1)
    whole = rows[:-1].reshape(cells, CELL_PX, -1)
    last = rows[CELL_PX::CELL_PX]
    rises = np.maximum(whole.max(axis=1), last) - np.minimum(whole.min(axis=1), last)
    has_edge = rises >= LEAST_RISE
    if np.count_nonzero(has_edge) < LEAST_EDGES:
        return None
    ratios = steps[has_edge] / rises[has_edge]
    place = int(len(ratios) * (1.0 - SHARPEST_SHARE))
    return float(np.partition(ratios, place)[place])


def _contrast(small: NDArray[np.uint8]) -> float:
    """Return how far the colours of a picture are apart, in the channel where they are furthest.

    The outermost two in a thousand are left out on either side.
    """
    flat = small.reshape(-1, small.shape[-1]).astype(np.float32)
    least, most = np.percentile(flat, (0.2, 99.8), axis=0)
    return round(float((most - least).max()), 2)


@dataclass(frozen=True, slots=True)
class _Bars:
    """What is of one colour at both ends of a picture, from edge to edge.

    Args:
        depths_px: at the first and at the last end.
        length_px: from one end to the other.
        colour: red, green, blue.
        is_straight: whether the picture differs from them along their whole length, as where a bar ends.
        is_straight_inside: the same without the outer parts, where the bars of the other direction may be.
    """

    depths_px: tuple[int, int]
    length_px: int
    colour: NDArray[np.int16]
    is_straight: bool
    is_straight_inside: bool

    @property
    def share(self) -> float:
        """How much of the length they take."""
        return sum(self.depths_px) / self.length_px

    @property
    def is_even(self) -> bool:
        """Whether both are about as deep."""
        return abs(self.depths_px[0] - self.depths_px[1]) <= max(self.depths_px) / 4 + LEAST_BAR_PX


def _frame_share(pixels: NDArray[np.uint8]) -> float:
    """Return how much of a picture is bars on two opposite sides, or a thin frame all around; 0 for neither.

    White on all four sides is the ground that most products stand on, and no frame.
    """
    down, across = _bars(pixels), _bars(pixels.transpose(1, 0, 2))
    if down is not None and across is not None and _is_frame(down, across):
        return round(1 - (1 - down.share) * (1 - across.share), 3)
    return round(max((it.share for it in (down, across) if it and it.is_straight and it.is_even), default=0.0), 3)


def _bars(pixels: NDArray[np.uint8]) -> _Bars | None:
    """Return the bars at the first and the last rows."""
    if len(pixels) <= 4 * LEAST_BAR_PX:
        return None
    rows = pixels[:, ::BAR_STEP_PX].astype(np.int16)
    colour = np.median(rows[0], axis=0).astype(np.int16)
    if not _is_same(rows[[0, -1]], colour).all():
        return None
    same = _is_same(rows, colour)
    if same.all():
        return None
    depths = int(np.argmin(same)), int(np.argmin(same[::-1]))
    if min(depths) < LEAST_BAR_PX:
        return None
    inner = rows[[min(depths[0] + 2, len(rows) - 1), max(len(rows) - depths[1] - 3, 0)]]
    differs = np.abs(inner - colour).max(axis=2) > OTHER_COLOUR
    outer = int(differs.shape[1] * MOST_FRAME_SHARE) + 1
    return _Bars(
        depths_px=depths,
        length_px=len(rows),
        colour=colour,
        is_straight=bool((differs.mean(axis=1) >= STRAIGHT_SHARE).all()),
        is_straight_inside=bool((differs[:, outer:-outer].mean(axis=1) >= STRAIGHT_SHARE).all()),
    )


def _is_same(rows: NDArray[np.int16], colour: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Tell of each row whether it is of a colour, but for a few traces of compression."""
    return (np.abs(rows - colour).max(axis=2) <= SAME_COLOUR).mean(axis=1) >= 0.98


def _is_frame(down: _Bars, across: _Bars) -> bool:
    depths = (*down.depths_px, *across.depths_px)
    sides = (down.length_px, down.length_px, across.length_px, across.length_px)
    return (
        down.is_straight_inside
        and across.is_straight_inside
        and bool((np.abs(down.colour - across.colour) <= OTHER_COLOUR).all())
        and int(down.colour.min()) < WHITE
        and max(depths) <= 1.6 * min(depths) + 2
        and all(depth <= MOST_FRAME_SHARE * side for depth, side in zip(depths, sides, strict=True))
    )
