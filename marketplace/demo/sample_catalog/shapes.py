"""The shapes of the sample's goods: each draws one object into a unit square."""

from collections.abc import Callable

from marketplace.demo.sample_catalog.pen import Pen, shade


def _lamp(pen: Pen) -> None:
    base = pen.rng.uniform(0.06, 0.13)
    pen.oval(0.5 - base * 2, 0.88, 0.5 + base * 2, 0.96, shade(pen.accent, 0.7))
    pen.block(0.47, 0.42, 0.53, 0.92, pen.accent)
    pen.oval(0.5 - base, 0.58, 0.5 + base, 0.84, pen.accent)
    top = pen.rng.uniform(0.1, 0.22)
    pen.shape([(0.5 - top, 0.08), (0.5 + top, 0.08), (0.82, 0.48), (0.18, 0.48)], pen.colour)
    pen.shape([(0.5 + top * 0.4, 0.08), (0.5 + top, 0.08), (0.82, 0.48), (0.66, 0.48)], pen.dark)
    pen.oval(0.18, 0.45, 0.82, 0.51, pen.light)


def _floor_lamp(pen: Pen) -> None:
    pen.oval(0.3, 0.92, 0.7, 0.98, shade(pen.accent, 0.6))
    reach = pen.rng.uniform(0.1, 0.26)
    pen.stroke([(0.5, 0.95), (0.5, 0.2), (0.5 + reach, 0.09)], pen.accent, 0.025)
    centre = 0.5 + reach
    pen.shape([(centre - 0.08, 0.07), (centre + 0.08, 0.07), (centre + 0.2, 0.3), (centre - 0.2, 0.3)], pen.colour)
    pen.shape([(centre + 0.03, 0.07), (centre + 0.08, 0.07), (centre + 0.2, 0.3), (centre + 0.1, 0.3)], pen.dark)
    pen.oval(centre - 0.2, 0.275, centre + 0.2, 0.325, pen.light)


def _pendant(pen: Pen) -> None:
    depth = pen.rng.uniform(0.5, 0.7)
    pen.stroke([(0.5, -0.2), (0.5, 0.36)], pen.accent, 0.015)
    pen.draw.pieslice(pen.box(0.16, 0.32, 0.84, 0.32 + depth), 180, 360, fill=pen.colour)
    pen.draw.pieslice(pen.box(0.56, 0.32, 0.84, 0.32 + depth), 270, 360, fill=pen.dark)
    middle = 0.32 + depth / 2
    pen.oval(0.16, middle - 0.05, 0.84, middle + 0.05, pen.light)
    pen.oval(0.42, middle - 0.04, 0.58, middle + 0.1, (239, 232, 198))


def _lantern(pen: Pen) -> None:
    width = pen.rng.uniform(0.2, 0.28)
    pen.bow(0.36, 0.02, 0.64, 0.28, pen.accent, is_up=True)
    pen.shape(
        [(0.5 - width * 0.7, 0.15), (0.5 + width * 0.7, 0.15), (0.5 + width, 0.28), (0.5 - width, 0.28)], pen.dark
    )
    pen.block(0.5 - width, 0.28, 0.5 + width, 0.9, pen.colour)
    pen.block(0.55 - width, 0.33, 0.45 + width, 0.85, (239, 230, 192))
    pen.block(0.46, 0.56, 0.54, 0.85, (236, 232, 224))
    pen.oval(0.47, 0.47, 0.53, 0.57, (236, 168, 60))
    pen.block(0.48 - width, 0.88, 0.52 + width, 0.96, pen.dark)


def _tote(pen: Pen) -> None:
    inset = pen.rng.uniform(0.02, 0.1)
    pen.bow(0.33, 0.06, 0.67, 0.66, pen.dark, is_up=True, width=0.035)
    pen.shape(
        [(0.2 - inset * 0.5, 0.36), (0.8 + inset * 0.5, 0.36), (0.82 - inset, 0.94), (0.18 + inset, 0.94)], pen.colour
    )
    pen.shape([(0.68, 0.36), (0.8 + inset * 0.5, 0.36), (0.82 - inset, 0.94), (0.7, 0.94)], pen.dark)
    pen.block(0.36, 0.52, 0.58, 0.7, pen.accent)


def _backpack(pen: Pen) -> None:
    pen.bow(0.4, 0.02, 0.6, 0.24, pen.dark, is_up=True)
    pen.block(0.22, 0.12, 0.78, 0.94, pen.colour, pen.rng.uniform(0.12, 0.24))
    pen.block(0.16, 0.5, 0.26, 0.86, pen.dark, 0.04)
    pen.block(0.74, 0.5, 0.84, 0.86, pen.dark, 0.04)
    pen.block(0.3, pen.rng.uniform(0.5, 0.58), 0.7, 0.88, pen.light, 0.06)
    pen.stroke([(0.3, 0.4), (0.7, 0.4)], pen.accent, 0.02)


def _handbag(pen: Pen) -> None:
    top = pen.rng.uniform(0.4, 0.5)
    pen.bow(0.26, top - 0.36, 0.74, top + 0.36, pen.accent, is_up=True, width=0.025)
    pen.block(0.12, top, 0.88, 0.92, pen.colour, 0.09)
    pen.shape([(0.12, top + 0.06), (0.88, top + 0.06), (0.72, top + 0.3), (0.28, top + 0.3)], pen.dark)
    pen.oval(0.46, top + 0.24, 0.54, top + 0.32, (214, 182, 92))


def _sneaker(pen: Pen) -> None:
    heel = pen.rng.uniform(0.3, 0.4)
    pen.shape([(0.08, 0.78), (0.1, heel), (0.36, heel - 0.02), (0.56, 0.56), (0.84, 0.62), (0.94, 0.78)], pen.colour)
    pen.shape([(0.08, 0.78), (0.09, 0.6), (0.3, 0.66), (0.34, 0.78)], pen.dark)
    for step in range(4):
        pen.stroke(
            [(0.36 + step * 0.06, heel + 0.06 + step * 0.05), (0.46 + step * 0.06, heel + 0.02 + step * 0.05)],
            pen.light,
            0.02,
        )
    pen.block(0.05, 0.77, 0.97, 0.86, (238, 236, 232), 0.04)


def _boot(pen: Pen) -> None:
    shaft = pen.rng.uniform(0.12, 0.26)
    pen.shape([(0.22, shaft), (0.54, shaft), (0.56, 0.58), (0.86, 0.7), (0.9, 0.86), (0.2, 0.86)], pen.colour)
    pen.shape([(0.22, shaft), (0.32, shaft), (0.31, 0.86), (0.2, 0.86)], pen.dark)
    pen.block(0.2, shaft - 0.02, 0.56, shaft + 0.05, pen.light)
    pen.block(0.17, 0.85, 0.93, 0.93, shade(pen.accent, 0.5))


def _loafer(pen: Pen) -> None:
    rise = pen.rng.uniform(0.52, 0.6)
    pen.shape(
        [(0.06, 0.76), (0.08, rise), (0.22, rise + 0.02), (0.42, 0.66), (0.62, rise), (0.86, 0.66), (0.95, 0.78)],
        pen.colour,
    )
    pen.oval(0.09, rise - 0.03, 0.5, rise + 0.13, shade(pen.colour, 0.45))
    pen.block(0.54, rise + 0.02, 0.68, rise + 0.08, pen.accent)
    pen.block(0.05, 0.76, 0.96, 0.81, pen.dark)


def _mug(pen: Pen) -> None:
    width = pen.rng.uniform(0.24, 0.3)
    pen.ring(0.42 + width - 0.08, 0.36, 0.42 + width + 0.2, 0.72, pen.dark, 0.05)
    pen.block(0.42 - width, 0.26, 0.42 + width, 0.88, pen.colour, 0.08)
    pen.block(0.42 + width * 0.5, 0.3, 0.42 + width, 0.86, pen.dark, 0.06)
    pen.oval(0.42 - width, 0.2, 0.42 + width, 0.34, pen.light)
    pen.oval(0.45 - width, 0.225, 0.39 + width, 0.325, (92, 60, 42))


def _teapot(pen: Pen) -> None:
    pen.ring(0.68, 0.36, 0.96, 0.74, pen.dark, 0.045)
    pen.shape([(0.28, 0.7), (0.04, 0.36), (0.12, 0.34), (0.34, 0.52)], pen.dark)
    pen.oval(0.2, pen.rng.uniform(0.28, 0.36), 0.8, 0.9, pen.colour)
    pen.oval(0.28, 0.42, 0.44, 0.62, pen.light)
    pen.oval(0.34, 0.26, 0.66, 0.38, pen.dark)
    pen.oval(0.46, 0.18, 0.54, 0.28, pen.accent)


def _pan(pen: Pen) -> None:
    tilt = pen.rng.uniform(-0.06, 0.06)
    pen.stroke([(0.6, 0.58), (1.0, 0.5 + tilt)], pen.accent, 0.06)
    pen.oval(0.04, 0.34, 0.72, 0.84, pen.dark)
    pen.oval(0.04, 0.3, 0.72, 0.78, pen.colour)
    pen.oval(0.1, 0.35, 0.66, 0.73, shade(pen.colour, 0.6))


def _bowl(pen: Pen) -> None:
    depth = pen.rng.uniform(0.6, 0.9)
    pen.draw.pieslice(pen.box(0.1, 0.42 - depth / 2, 0.9, 0.42 + depth / 2), 0, 180, fill=pen.colour)
    pen.oval(0.1, 0.32, 0.9, 0.52, pen.dark)
    pen.oval(0.14, 0.345, 0.86, 0.505, pen.light)
    pen.block(0.36, 0.4 + depth / 2, 0.64, 0.46 + depth / 2, pen.dark)


def _jug(pen: Pen) -> None:
    belly = pen.rng.uniform(0.2, 0.28)
    pen.ring(0.56, 0.3, 0.88, 0.7, pen.dark, 0.04)
    pen.oval(0.46 - belly, 0.38, 0.46 + belly, 0.94, pen.colour)
    pen.shape([(0.34, 0.1), (0.58, 0.1), (0.6, 0.55), (0.32, 0.55)], pen.colour)
    pen.shape([(0.5, 0.14), (0.58, 0.1), (0.6, 0.9), (0.52, 0.92)], pen.dark)
    pen.oval(0.33, 0.07, 0.6, 0.15, pen.light)


def _chair(pen: Pen) -> None:
    seat = pen.rng.uniform(0.54, 0.6)
    for x in (0.26, 0.7):
        pen.block(x, 0.06, x + 0.05, 0.96, pen.accent)
    pen.block(0.24, 0.1, 0.77, pen.rng.uniform(0.26, 0.4), pen.colour, 0.05)
    pen.shape([(0.24, seat), (0.77, seat), (0.86, seat + 0.1), (0.16, seat + 0.1)], pen.light)
    pen.block(0.16, seat + 0.09, 0.86, seat + 0.13, pen.dark)
    for x in (0.17, 0.8):
        pen.block(x, seat + 0.12, x + 0.05, 0.98, shade(pen.accent, 0.8))


def _armchair(pen: Pen) -> None:
    pen.block(0.2, pen.rng.uniform(0.12, 0.24), 0.8, 0.7, pen.colour, 0.14)
    pen.block(0.26, 0.52, 0.74, 0.76, pen.light, 0.06)
    pen.block(0.08, 0.44, 0.26, 0.86, pen.dark, 0.08)
    pen.block(0.74, 0.44, 0.92, 0.86, pen.dark, 0.08)
    pen.block(0.2, 0.72, 0.8, 0.86, pen.colour, 0.03)
    for x in (0.14, 0.8):
        pen.block(x, 0.85, x + 0.05, 0.96, pen.accent)


def _stool(pen: Pen) -> None:
    spread = pen.rng.uniform(0.02, 0.14)
    for x, foot in ((0.34, 0.34 - spread), (0.5, 0.5), (0.66, 0.66 + spread)):
        pen.stroke([(x, 0.34), (foot, 0.97)], pen.accent, 0.04)
    pen.stroke([(0.32 - spread / 2, 0.68), (0.68 + spread / 2, 0.68)], pen.accent, 0.025)
    pen.oval(0.2, 0.28, 0.8, 0.42, pen.dark)
    pen.oval(0.2, 0.22, 0.8, 0.36, pen.colour)


def _gem(pen: Pen, x: float, y: float, size: float) -> None:
    pen.shape(
        [(x - size, y), (x - size / 2, y - size * 0.7), (x + size / 2, y - size * 0.7), (x + size, y), (x, y + size)],
        pen.accent,
    )
    pen.shape([(x - size / 2, y), (x + size / 2, y), (x, y + size)], shade(pen.accent, 1.4))


def _ring(pen: Pen) -> None:
    wide = pen.rng.uniform(0.04, 0.07)
    pen.ring(0.22, 0.34, 0.78, 0.92, pen.dark, wide + 0.015)
    pen.ring(0.22, 0.335, 0.78, 0.915, pen.colour, wide)
    _gem(pen, 0.5, 0.32, pen.rng.uniform(0.1, 0.16))


def _necklace(pen: Pen) -> None:
    drop = pen.rng.uniform(0.62, 0.76)
    pen.bow(0.16, 0.12 - drop / 2, 0.84, drop, pen.dark, is_up=False, width=0.024)
    pen.bow(0.16, 0.11 - drop / 2, 0.84, drop - 0.01, pen.colour, is_up=False, width=0.016)
    _gem(pen, 0.5, drop + 0.07, pen.rng.uniform(0.07, 0.12))


def _earrings(pen: Pen) -> None:
    size = pen.rng.uniform(0.14, 0.19)
    for x in (0.28, 0.72):
        pen.ring(x - size, 0.36, x + size, 0.36 + size * 2, pen.dark, 0.045)
        pen.ring(x - size, 0.35, x + size, 0.35 + size * 2, pen.colour, 0.035)
        _gem(pen, x, 0.3, 0.06)


def _bracelet(pen: Pen) -> None:
    height = pen.rng.uniform(0.34, 0.5)
    pen.ring(0.1, 0.3, 0.9, 0.32 + height, pen.dark, 0.07)
    pen.ring(0.1, 0.28, 0.9, 0.3 + height, pen.colour, 0.055)
    for x in (0.36, 0.5, 0.64):
        _gem(pen, x, 0.27 + height, 0.04)


def _car(pen: Pen) -> None:
    roof = pen.rng.uniform(0.26, 0.36)
    pen.shape([(0.24, 0.5), (0.34, roof), (0.66, roof), (0.78, 0.5)], pen.dark)
    pen.shape([(0.3, 0.49), (0.37, roof + 0.05), (0.49, roof + 0.05), (0.49, 0.49)], (206, 226, 236))
    pen.shape([(0.53, 0.49), (0.53, roof + 0.05), (0.64, roof + 0.05), (0.71, 0.49)], (206, 226, 236))
    pen.block(0.06, 0.48, 0.94, 0.74, pen.colour, 0.08)
    for x in (0.18, 0.64):
        pen.oval(x, 0.62, x + 0.2, 0.84, (52, 50, 52))
        pen.oval(x + 0.06, 0.685, x + 0.14, 0.775, pen.accent)


def _bear(pen: Pen) -> None:
    ear = pen.rng.uniform(0.14, 0.2)
    pen.oval(0.26, 0.44, 0.74, 0.96, pen.colour)
    pen.oval(0.36, 0.56, 0.64, 0.88, pen.light)
    for x in (0.28, 0.72):
        pen.oval(x - ear / 2, 0.06, x + ear / 2, 0.06 + ear, pen.dark)
    pen.oval(0.26, 0.1, 0.74, 0.54, pen.colour)
    pen.oval(0.4, 0.32, 0.6, 0.48, pen.light)
    for x in (0.39, 0.57):
        pen.oval(x, 0.25, x + 0.04, 0.29, (40, 34, 32))
    pen.oval(0.47, 0.34, 0.53, 0.385, (40, 34, 32))
    for x in (0.16, 0.68):
        pen.oval(x, 0.78, x + 0.18, 0.97, pen.dark)


def _blocks(pen: Pen) -> None:
    for x, y, fill in ((0.1, 0.6, pen.colour), (0.52, 0.6, pen.accent), (pen.rng.uniform(0.22, 0.42), 0.24, pen.dark)):
        pen.block(x, y, x + 0.36, y + 0.36, fill, 0.03)
        pen.block(x + 0.05, y + 0.05, x + 0.31, y + 0.31, shade(fill, 1.2), 0.02)
        pen.oval(x + 0.12, y + 0.12, x + 0.24, y + 0.24, fill)


def _ball(pen: Pen) -> None:
    turn = pen.rng.randrange(360)
    for step, fill in enumerate((pen.colour, pen.light, pen.accent, pen.colour, pen.light, pen.accent)):
        pen.draw.pieslice(pen.box(0.12, 0.18, 0.88, 0.94), turn + step * 60, turn + step * 60 + 61, fill=fill)
    pen.oval(0.44, 0.5, 0.56, 0.62, (238, 236, 232))


def _cushion(pen: Pen) -> None:
    puff = pen.rng.uniform(0.03, 0.08)
    pen.shape(
        [
            (0.12, 0.2),
            (0.5, 0.2 + puff),
            (0.88, 0.2),
            (0.88 - puff, 0.55),
            (0.88, 0.9),
            (0.5, 0.9 - puff),
            (0.12, 0.9),
            (0.12 + puff, 0.55),
        ],
        pen.colour,
    )
    for step in range(pen.rng.randint(2, 5)):
        y = 0.34 + step * 0.1
        pen.block(0.2, y, 0.8, y + 0.035, pen.light if step % 2 else pen.accent)


def _rug(pen: Pen) -> None:
    pen.shape([(0.2, 0.4), (0.8, 0.4), (0.98, 0.9), (0.02, 0.9)], pen.colour)
    border = pen.rng.uniform(0.04, 0.09)
    pen.shape([(0.2 + border, 0.44), (0.8 - border, 0.44), (0.95 - border, 0.86), (0.05 + border, 0.86)], pen.light)
    for step in range(pen.rng.randint(2, 5)):
        x = 0.3 + step * 0.1
        pen.shape([(x, 0.64), (x + 0.04, 0.57), (x + 0.08, 0.64), (x + 0.04, 0.72)], pen.accent)


def _towel(pen: Pen) -> None:
    folds = pen.rng.randint(2, 4)
    for step in range(folds):
        y = 0.86 - step * 0.17
        pen.block(0.12, y - 0.14, 0.88, y + 0.02, (pen.colour, pen.light, pen.dark)[step % 3], 0.07)
        pen.block(0.2, y - 0.08, 0.3, y - 0.04, pen.accent)


SHAPES: dict[str, Callable[[Pen], None]] = {
    "lamp": _lamp,
    "floor_lamp": _floor_lamp,
    "pendant": _pendant,
    "lantern": _lantern,
    "tote": _tote,
    "backpack": _backpack,
    "handbag": _handbag,
    "sneaker": _sneaker,
    "boot": _boot,
    "loafer": _loafer,
    "mug": _mug,
    "teapot": _teapot,
    "pan": _pan,
    "bowl": _bowl,
    "jug": _jug,
    "chair": _chair,
    "armchair": _armchair,
    "stool": _stool,
    "ring": _ring,
    "necklace": _necklace,
    "earrings": _earrings,
    "bracelet": _bracelet,
    "car": _car,
    "bear": _bear,
    "blocks": _blocks,
    "ball": _ball,
    "cushion": _cushion,
    "rug": _rug,
    "towel": _towel,
}
