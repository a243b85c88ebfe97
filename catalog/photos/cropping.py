"""Find the object in a photo: where it stands out from a ground that is much the same all around it.

The ground is fitted to the photo's border as a colour that may change evenly across it, as light does. What is far from
that, or has edges stronger than the ground's own, is the object, with all that is joined to it by weaker evidence: it
is worse to cut an object than to leave some ground. Where the border is no one ground, nothing is cropped.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from catalog.photos.models import Photo

Box = tuple[int, int, int, int]  # left, top, right, bottom
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Crop = Photo.Crop

SIDE_PX = 320  # of the copy in which the object is looked for
CELL_PX = 4
RING = 0.04  # of the shorter side: the border that shows the ground
CHROMA = 1.5  # colour tells more than brightness, which shadows change too
# Distances in the YCbCr of 8 bits. Of the ground's own noise so many times, and never less than a camera's.
WEAK, WEAK_LEAST = 3.0, 5.0
STRONG, STRONG_LEAST = 6.0, 16.0
EDGE, EDGE_LEAST = 2.5, 3.0
# A ground whose noise is greater, or that so little of the border shares, is none.
MAX_NOISE = 12.0
MIN_SHARE_OF_BORDER = 0.55
MIN_SHARE_OF_PHOTO = 0.004  # what stands out and is less may be a speck
MARGIN = 0.06  # of the object's longer side, on each side
FILLS = 0.85  # of the photo's area
MAX_RATIO = 2.0  # of the sides of what is left
FITS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Where the object is, as shares of the photo's width and height; all of the photo unless it is cropped."""

    crop: Photo.Crop
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    def pixels(self, width: int, height: int) -> Box:
        """Return the box in a photo of this size; no pixel that it touches is left out."""
        left, top, right, bottom = self.box
        return (
            int(np.floor(left * width)),
            int(np.floor(top * height)),
            int(np.ceil(right * width)),
            int(np.ceil(bottom * height)),
        )


def find_object(photo: Image.Image) -> Found:
    """Tell where the object is in an upright RGB photo."""
    small = small_copy(photo, SIDE_PX).filter(ImageFilter.GaussianBlur(1))
    if min(small.size) < 8 * CELL_PX:
        return Found(Crop.UNSURE)
    colours = np.asarray(small.convert("YCbCr"), dtype=np.float64)
    colours[..., 1:] *= CHROMA
    ring = _ring(colours.shape[0], colours.shape[1])
    ground = _fit_ground(colours, ring)
    if ground is None:
        return Found(Crop.UNSURE)
    distances, noise = ground
    steps = _steps(colours)
    own_steps = float(np.percentile(steps[ring & (distances < max(WEAK_LEAST, WEAK * noise))], 95))
    strong = distances > max(STRONG_LEAST, STRONG * noise)
    weak = (distances > max(WEAK_LEAST, WEAK * noise)) | (steps > max(EDGE_LEAST, EDGE * own_steps))
    if strong.mean() < MIN_SHARE_OF_PHOTO:
        return Found(Crop.UNSURE)
    cells = _grow(_cells(strong, of_16=4), _cells(weak, of_16=2))
    return _found(cells, colours.shape[1], colours.shape[0])


def small_copy(photo: Image.Image, side_px: int) -> Image.Image:
    """Return a copy whose longer side is no longer than so."""
    scale = min(1.0, side_px / max(photo.size))
    width, height = (max(1, round(side * scale)) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.BOX)


def _ring(height: int, width: int) -> Mask:
    depth = max(3, round(RING * min(height, width)))
    ring = np.ones((height, width), dtype=np.bool_)
    ring[depth:-depth, depth:-depth] = False
    return ring


def _fit_ground(colours: Floats, ring: Mask) -> tuple[Floats, float] | None:
    """Return each pixel's distance from the ground, and the ground's own noise; None where there is no one ground.

    Least squares of a plane a channel, again without what lies far from the last one: an object may reach the border.
    """
    height, width = ring.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    places = np.stack([np.ones_like(x), x, y], axis=-1)
    seen, at = colours[ring], places[ring]
    is_ground = np.linalg.norm(seen - np.median(seen, axis=0), axis=1) <= _far(seen - np.median(seen, axis=0))
    plane = np.zeros((3, 3))
    for _ in range(FITS):
        if is_ground.mean() < MIN_SHARE_OF_BORDER:
            return None
        plane = np.linalg.lstsq(at[is_ground], seen[is_ground], rcond=None)[0]
        rest = seen - at @ plane
        is_ground = np.linalg.norm(rest, axis=1) <= _far(rest[is_ground])
    noise = float(np.median(np.linalg.norm(seen[is_ground] - at[is_ground] @ plane, axis=1)))
    if noise > MAX_NOISE or is_ground.mean() < MIN_SHARE_OF_BORDER:
        return None
    return np.linalg.norm(colours - places @ plane, axis=-1), noise


def _far(rest: Floats) -> float:
    """Return the distance beyond which a pixel is no ground."""
    return max(STRONG_LEAST, 4.0 * float(np.median(np.linalg.norm(rest, axis=1))))


def _steps(colours: Floats) -> Floats:
    """Return how much each pixel differs from its neighbours."""
    steps = np.zeros(colours.shape[:2])
    across = np.linalg.norm(colours[:, 2:] - colours[:, :-2], axis=-1) / 2
    down = np.linalg.norm(colours[2:] - colours[:-2], axis=-1) / 2
    steps[:, 1:-1] = across
    steps[1:-1] = np.maximum(steps[1:-1], down)
    return steps


def _cells(mask: Mask, *, of_16: int) -> Mask:
    """Return the cells of 4 x 4 pixels in which so many are set; those at the end may have fewer pixels."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % CELL_PX), (0, -width % CELL_PX)))
    rows, columns = padded.shape[0] // CELL_PX, padded.shape[1] // CELL_PX
    counts = padded.reshape(rows, CELL_PX, columns, CELL_PX).sum(axis=(1, 3))
    cells: Mask = counts >= of_16
    return cells


def _grow(strong: Mask, weak: Mask) -> Mask:
    """Return the strong cells with all weak ones that are joined to them, over gaps of one cell."""
    grown = strong
    while True:
        wider = strong | (_spread(_spread(grown)) & (weak | strong))
        if np.array_equal(wider, grown):
            return grown
        grown = wider


def _spread(mask: Mask) -> Mask:
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    tall = wide.copy()
    tall[1:] |= wide[:-1]
    tall[:-1] |= wide[1:]
    return tall


def _found(cells: Mask, width: int, height: int) -> Found:
    """Return the box around the cells, with its margin; sides that the object reaches stay where they are."""
    if not cells.any():
        return Found(Crop.UNSURE)
    spans: list[tuple[float, float]] = []
    for axis, length in ((0, width), (1, height)):
        taken = np.flatnonzero(cells.any(axis=axis))
        spans.append((int(taken[0]) * CELL_PX, min(length, (int(taken[-1]) + 1) * CELL_PX)))
    longest = max(end - start for start, end in spans)
    spans = [(start - MARGIN * longest, end + MARGIN * longest) for start, end in spans]
    longest = max(end - start for start, end in spans)
    shares: list[tuple[float, float]] = []
    for (start, end), length in zip(spans, (width, height), strict=True):
        lacking = max(0.0, longest / MAX_RATIO - (end - start)) / 2
        # Two cells from the photo's edge the border itself was looked at: what is there is not known to be ground.
        first = 0.0 if start - lacking <= 2 * CELL_PX else (start - lacking) / length
        last = 1.0 if end + lacking >= length - 2 * CELL_PX else (end + lacking) / length
        shares.append((first, last))
    (left, right), (top, bottom) = shares
    if (right - left) * (bottom - top) >= FILLS:
        return Found(Crop.FILLS)
    return Found(Crop.CROPPED, (left, top, right, bottom))
