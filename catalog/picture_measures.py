"""What is measured of a picture, so that quality control can judge it without reading it again.

All is measured of the thumbnail: a picture is seen at that size in lists, and every picture then has one scale.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
LINE_STEP_PX = 4  # every fourth line of pixels is looked at, along its length
LEAST_EDGES = 6  # cells; fewer say nothing of a direction
STRONG_SHARE = 0.5  # of the strongest rise: what rises less does not count
PLACE_PX = 4  # colours are compared between squares of this side
# Of the usual distance between a pixel and its place's mean, what even grain leaves between the means of places:
# measured on grain of 1 to 9 of 255 at 500 to 1,200 pixels, as PNG and as JPEG of quality 55 and 85.
NOISE_TIMES = 1.3

SAME_COLOUR = 10  # of 255, in each channel, by which a bar may vary: compression, fine noise
OTHER_COLOUR = 16  # by which the picture inside must differ from the bar
LEAST_BAR_PX = 3
EDGE_PX = 9
MOST_FRAME_SHARE = 0.12  # of a side: frames are thin; what has more around it stands on a ground
WHITE = 240
STRAIGHT_SHARE = 0.95  # of a bar's length, where the picture beyond it must differ
STRAIGHT_SHARE_OF_TWO = 0.75  # the same where the other two sides are not of one colour
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
    greys = np.asarray(grey)
    counts = np.array(thumbnail.reduce(PLACE_PX).histogram(), dtype=np.float64).reshape(-1, 256)
    return Measures(
        sharpness=_sharpness(greys),
        contrast=round(max(_range(counts) - NOISE_TIMES * _noise(greys), 0.0), 2),
        frame_share=_frame_share(np.asarray(thumbnail)) if _has_like_corners(thumbnail) else 0.0,
        average_colour=bytes(round(it) for it in (counts @ np.arange(256) / counts[0].sum()).tolist()).hex(),
    )


def _sharpness(grey: Grey) -> float | None:
    ways = (np.ascontiguousarray(it[:, ::LINE_STEP_PX]) for it in (grey, grey.T))
    found = [it for way in ways if (it := _sharpness_down(way)) is not None]
    return round(min(found), 3) if found else None


def _sharpness_down(grey: Grey) -> float | None:
    """Return how sharp the sharpest edges are that are met on the way down; None where there are too few.

    Only edges that rise about as far as the picture's strongest do count: a blurred pattern leaves faint ripples, which
    rise little, and all of it at once.
    """
    cells = (grey.shape[0] - 1) // CELL_PX
    if not cells:
        return None
    rows = grey[: cells * CELL_PX + 1]
    above, below = rows[:-1], rows[1:]
    steps = (np.maximum(above, below) - np.minimum(above, below)).reshape(cells, CELL_PX, -1).max(axis=1)
    whole, last = above.reshape(cells, CELL_PX, -1), rows[CELL_PX::CELL_PX]
    rises = np.maximum(whole.max(axis=1), last) - np.minimum(whole.min(axis=1), last)
    has_edge = rises >= LEAST_RISE
    if np.count_nonzero(has_edge) < LEAST_EDGES:
        return None
    steps, rises = steps[has_edge], rises[has_edge]
    is_strong = rises >= STRONG_SHARE * _at(rises, 0.98)
    return _at(steps[is_strong] / rises[is_strong], 1.0 - SHARPEST_SHARE)


def _at(values: NDArray[Any], share: float) -> float:
    """Return the value below which this share of the values lies."""
    place = int(len(values) * share)
    return float(np.partition(values, place)[place])


def _range(counts: NDArray[np.float64]) -> float:
    """Return how far the colours of places are apart, in the channel where they are furthest, by their histograms.

    The outermost two in a thousand are left out on either side.
    """
    return max(_quantile(channel, 0.998) - _quantile(channel, 0.002) for channel in counts)


def _noise(grey: Grey) -> float:
    """Return the usual difference of neighbouring pixels, the median; its part of a level is read off the histogram."""
    rows = grey[::4]
    right, left = rows[:, 1:], rows[:, :-1]
    steps = np.maximum(right, left) - np.minimum(right, left)
    return _quantile(np.bincount(steps.ravel(), minlength=256).astype(np.float64), 0.5) if steps.size else 0.0


def _quantile(counts: NDArray[np.float64], share: float) -> float:
    """Return a quantile of whole numbers that were counted, each taken as spread evenly over its level."""
    reached = np.cumsum(counts)
    wanted = share * reached[-1]
    level = int(np.searchsorted(reached, wanted))
    before = reached[level - 1] if level else 0.0
    return level + float((wanted - before) / counts[level])


@dataclass(frozen=True, slots=True)
class _Bars:
    """What is of one colour at both ends of a picture, from edge to edge.

    Args:
        depths_px: at the first and at the last end.
        length_px: from one end to the other.
        colour: red, green, blue.
        straight_share: of their length, where the picture beyond differs from them: all of it where a bar ends.
        straight_share_inside: the same without the outer parts, where the bars of the other direction may be.
    """

    depths_px: tuple[int, ...]
    length_px: int
    colour: NDArray[np.int16]
    straight_share: float
    straight_share_inside: float

    @property
    def share(self) -> float:
        """How much of the length they take."""
        return sum(self.depths_px) / self.length_px

    @property
    def is_even(self) -> bool:
        """Whether both are about as deep."""
        return abs(self.depths_px[0] - self.depths_px[1]) <= max(self.depths_px) / 4 + LEAST_BAR_PX

    @property
    def is_white(self) -> bool:
        """Whether they may be the ground on which most products stand, which is as deep as the product leaves it."""
        return int(self.colour.min()) >= WHITE


def _frame_share(pixels: NDArray[np.uint8]) -> float:
    """Return how much of a picture is bars on two opposite sides, or a thin frame all around; 0 for neither.

    White on all four sides is the ground that most products stand on, and a frame only where it is as deep on each.
    """
    down, across = _bars(pixels), _bars(pixels.transpose(1, 0, 2))
    if down is not None and across is not None and _is_frame(down, across):
        return round(1 - (1 - down.share) * (1 - across.share), 3)
    shares = [bars.share for bars, others in ((down, across), (across, down)) if bars and _are_apart(bars, others)]
    return round(max(shares, default=0.0), 3)


def _has_like_corners(image: Image.Image) -> bool:
    """Tell whether the four corners are of one colour, as those of a frame and of bars are."""
    width, height = image.size
    ways = [0, width - 1], [0, height - 1]
    corners = [image.getpixel((x, y)) for x in ways[0] for y in ways[1]]
    return int(np.ptp(np.array(corners, dtype=np.int16), axis=0).max()) <= 2 * SAME_COLOUR


def _bars(pixels: NDArray[np.uint8]) -> _Bars | None:
    """Return the bars at the first and the last rows."""
    if len(pixels) <= 4 * LEAST_BAR_PX:
        return None
    rows = pixels[:, ::BAR_STEP_PX].astype(np.int16)
    colour = np.median(rows[0], axis=0).astype(np.int16)
    if not _is_same(_distances(rows[[0, -1]], colour)).all():
        return None
    distances = _distances(rows, colour)
    same, differs = _is_same(distances), distances > OTHER_COLOUR
    if same.all():
        return None
    outer = int(differs.shape[1] * MOST_FRAME_SHARE) + 1
    if differs.shape[1] <= 2 * outer:
        return None
    shares = differs.mean(axis=1), differs[:, outer:-outer].mean(axis=1)
    depths, straight, straight_inside = zip(
        *(_end(it[::way] for it in (same, *shares)) for way in (1, -1)), strict=True
    )
    if min(depths) < LEAST_BAR_PX:
        return None
    return _Bars(
        depths_px=depths,
        length_px=len(rows),
        colour=colour,
        straight_share=min(straight),
        straight_share_inside=min(straight_inside),
    )


def _end(rows: Iterable[NDArray[Any]]) -> tuple[int, float, float]:
    """Return where what is of one colour ends, in rows, and how much of the row that differs most differs there.

    Compression smears an end over a block of its own, EDGE_PX rows here at most.

    Args:
        rows: from the outside in: whether each is of the colour, and the shares of it that differ, in all and inside.
    """
    same, shares, shares_inside = rows
    first = int(np.argmin(same))
    near, near_inside = shares[first : first + EDGE_PX], shares_inside[first : first + EDGE_PX]
    return first + int(np.argmax(near >= near.max() / 2)), float(near.max()), float(near_inside.max())


def _distances(rows: NDArray[np.int16], colour: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return how far each pixel is from a colour, in the channel where it is furthest."""
    red, green, blue = (np.abs(rows[..., channel] - colour[channel]) for channel in range(3))
    return np.asarray(np.maximum(np.maximum(red, green), blue), dtype=np.int16)


def _is_same(distances: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Tell of each row whether it is of the colour, but for a few traces of compression."""
    near = np.count_nonzero(distances <= SAME_COLOUR, axis=1)
    return np.asarray(near >= 0.98 * distances.shape[1], dtype=np.bool_)


def _are_apart(bars: _Bars, others: _Bars | None) -> bool:
    """Tell whether bars are two bars: what is between them reaches from side to side, as no object on a ground does."""
    least = STRAIGHT_SHARE if others is not None else STRAIGHT_SHARE_OF_TWO
    return (bars.is_even or not bars.is_white) and bars.straight_share >= least


def _is_frame(down: _Bars, across: _Bars) -> bool:
    depths = (*down.depths_px, *across.depths_px)
    sides = (down.length_px, down.length_px, across.length_px, across.length_px)
    return (
        min(down.straight_share_inside, across.straight_share_inside) >= STRAIGHT_SHARE
        and bool((np.abs(down.colour - across.colour) <= OTHER_COLOUR).all())
        and (_are_as_deep(depths, sides) if down.is_white else max(depths) <= 1.6 * min(depths) + 2)
        and all(depth <= MOST_FRAME_SHARE * side for depth, side in zip(depths, sides, strict=True))
    )


def _are_as_deep(depths: Sequence[int], sides: Sequence[int]) -> bool:
    """Tell whether all are as deep, in pixels or as a share of their side."""
    share = sum(depths) / sum(sides)
    return max(depths) - min(depths) <= 1 or all(
        abs(depth - share * side) <= 1 for depth, side in zip(depths, sides, strict=True)
    )
