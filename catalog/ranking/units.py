"""Numbers with units, in one form: 17 inch, 17-inch, 17in and 17" are all 17inch."""

import re
from collections.abc import Sequence

from catalog.ranking.tokens import Word

# Unit: what it is written as, folded and in the plural where that differs. Source: SI brochure (9th edition), and
# the common names of the languages that are stemmed.
UNITS: dict[str, str] = {
    "inch": "in inch inches zoll pouce pouces pulgada pulgadas polegada polegadas pollice pollici tum",
    "ft": "ft foot feet",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "m": "m metre metres meter meters metro metros metri",
    "km": "km kilometre kilometres kilometer kilometers",
    "g": "g gr gram grams gramm gramme grammes",
    "kg": "kg kilo kilos kilogram kilograms kilogramm",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "ml": "ml millilitre millilitres milliliter milliliters",
    "cl": "cl centilitre centilitres",
    "l": "l litre litres liter liters litro litros",
    "kb": "kb kilobyte kilobytes",
    "mb": "mb megabyte megabytes",
    "gb": "gb gigabyte gigabytes",
    "tb": "tb terabyte terabytes",
    "mbps": "mbps mbits",
    "gbps": "gbps gbits",
    "hz": "hz hertz",
    "khz": "khz",
    "mhz": "mhz megahertz",
    "ghz": "ghz gigahertz",
    "w": "w watt watts",
    "kw": "kw kilowatt kilowatts",
    "va": "va",
    "kva": "kva",
    "v": "v volt volts",
    "a": "amp amps ampere amperes",
    "mah": "mah",
    "wh": "wh",
    "db": "db decibel decibels",
    "dpi": "dpi",
    "rpm": "rpm",
    "mp": "mp megapixel megapixels",
    "lumen": "lm lumen lumens",
}
_NAMES = {name: unit for unit, names in UNITS.items() for name in names.split()}
# Words of their own as well: a unit only where they touch the number ("17in", but not "4 in 1").
_ONLY_ATTACHED = frozenset(["in", "m", "g", "l", "a"])
_ATTACHED = re.compile(r"(\d+)([^\W\d_]+)")
_DECIMAL_GAP = frozenset([".", ","])


def measures(words: Sequence[Word], text: str) -> list[tuple[int, int, str]]:
    """List the measures among words: the first and the last place, and the one form, such as "4.7inch"."""
    found: list[tuple[int, int, str]] = []
    place = 0
    while place < len(words):
        measure = _measure_at(words, place, text)
        if measure is None:
            place += 1
        else:
            found.append((place, *measure))
            place = measure[0] + 1
    return found


def _measure_at(words: Sequence[Word], place: int, text: str) -> tuple[int, str] | None:
    """Return the last place and the form of the measure that begins here."""
    word = words[place]
    if attached := _ATTACHED.fullmatch(word.form):
        unit = _NAMES.get(attached[2])
        return None if unit is None else (place, _plain(attached[1]) + unit)
    if not word.form.isdecimal():
        return None
    number, last = word.form, place
    following = words[place + 1] if place + 1 < len(words) else None
    if following is not None and text[word.end : following.start] in _DECIMAL_GAP:
        if attached := _ATTACHED.fullmatch(following.form):
            unit = _NAMES.get(attached[2])
            return None if unit is None else (place + 1, _plain(f"{number}.{attached[1]}") + unit)
        if following.form.isdecimal():
            number, last = f"{number}.{following.form}", place + 1
    if words[last].inch_mark:
        return last, _plain(number) + "inch"
    return _spelt(words, last, number, text)


def _spelt(words: Sequence[Word], last: int, number: str, text: str) -> tuple[int, str] | None:
    """Read the unit from the word after the number."""
    if last + 1 == len(words):
        return None
    following = words[last + 1]
    unit = _NAMES.get(following.form)
    if unit is None or text[words[last].end : following.start].strip(" -\u00a0") or following.form in _ONLY_ATTACHED:
        return None
    return last + 1, _plain(number) + unit


def _plain(number: str) -> str:
    """Write a number without needless zeros: "2.0" as "2"; thousands are left as they are."""
    whole, dot, part = number.partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (dot + part if part else "")
