"""The pen that draws the sample's goods: colours in light and shade, in unit coordinates."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from marketplace.demo.sample_catalog.words import Colour

Point = tuple[float, float]


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour darker (factor below 1) or lighter (above 1), between 16 and 239."""

    def part_of(part: int) -> int:
        shaded = part * factor if factor <= 1 else 255 - (255 - part) * (2 - factor)
        return min(max(round(shaded), 16), 239)

    red, green, blue = colour
    return part_of(red), part_of(green), part_of(blue)


@dataclass(slots=True)
class Pen:
    """Draws in unit coordinates within a frame of the picture, mirrored if asked."""

    draw: ImageDraw.ImageDraw
    left: float
    top: float
    scale: float
    is_mirrored: bool
    colour: Colour
    accent: Colour
    rng: random.Random

    @property
    def dark(self) -> Colour:
        """The shaded side."""
        return shade(self.colour, 0.72)

    @property
    def light(self) -> Colour:
        """The side in the light."""
        return shade(self.colour, 1.25)

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of a point of the unit square."""
        return (self.left + (1 - x if self.is_mirrored else x) * self.scale, self.top + y * self.scale)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Return a box in pixels, its corners in order."""
        (ax, ay), (bx, by) = self.at(x0, y0), self.at(x1, y1)
        return (min(ax, bx), ay, max(ax, bx), by)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill a polygon."""
        self.draw.polygon([self.at(*point) for point in points], fill=fill)

    def oval(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        """Fill an ellipse."""
        self.draw.ellipse(self.box(x0, y0, x1, y1), fill=fill)

    def block(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, radius: float = 0.02) -> None:
        """Fill a box with round corners."""
        self.draw.rounded_rectangle(self.box(x0, y0, x1, y1), radius=radius * self.scale, fill=fill)

    def ring(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, width: float = 0.03) -> None:
        """Draw the outline of an ellipse."""
        self.draw.ellipse(self.box(x0, y0, x1, y1), outline=fill, width=round(width * self.scale))

    def bow(
        self, x0: float, y0: float, x1: float, y1: float, fill: Colour, *, is_up: bool, width: float = 0.03
    ) -> None:
        """Draw half of the outline of an ellipse."""
        start, end = (180, 360) if is_up else (0, 180)
        self.draw.arc(self.box(x0, y0, x1, y1), start, end, fill=fill, width=round(width * self.scale))

    def stroke(self, points: Sequence[Point], fill: Colour, width: float = 0.03) -> None:
        """Draw a line."""
        self.draw.line([self.at(*point) for point in points], fill=fill, width=round(width * self.scale), joint="curve")
