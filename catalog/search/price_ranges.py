"""Ranges of prices: written, read, and cut from the prices found at round numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise

# Prices are cut where about as many lie below as above each edge, at the nearest of these times a power of ten.
ROUND_NUMBERS = tuple(Decimal(number) for number in ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10"))
PARTS = 5

Range = tuple[Decimal | None, Decimal | None]


def range_text(low: Decimal | None, high: Decimal | None) -> str:
    """Write a range: "25-50", "0-25", "100-"; both ends belong to it."""
    return f"{low or Decimal(0):f}-{'' if high is None else f'{high:f}'}"


def read_range(text: str) -> Range:
    """Read a range as range_text writes it.

    Raises:
        ValueError: it is no range.
    """
    low, dash, high = text.strip().partition("-")
    try:
        found = Decimal(low) if low else None, Decimal(high) if high else None
    except InvalidOperation:
        raise ValueError(f"{text!r} is no range of prices; write 25-50, -25 or 100-") from None
    ends = [end for end in found if end is not None]
    if not dash or not ends or not all(end.is_finite() and end >= 0 for end in ends) or ends != sorted(ends):
        raise ValueError(f"{text!r} is no range of prices; write 25-50, -25 or 100-")
    return found


def ranges_of(counts: Mapping[Decimal, int]) -> list[tuple[Range, int]]:
    """Cut prices, each with how often it occurs, into at most five ranges that have any; one alone is none.

    A price on an edge is in both ranges, as it is when one asks for either.
    """
    edges = _edges(counts)
    if not edges:
        return []
    prices = sorted(counts)
    sums = [0]
    for price in prices:
        sums.append(sums[-1] + counts[price])
    found: list[tuple[Range, int]] = []
    for low, high in pairwise([None, *edges, None]):
        first = 0 if low is None else bisect_left(prices, low)
        last = len(prices) if high is None else bisect_right(prices, high)
        if count := sums[last] - sums[first]:
            found.append(((Decimal(0) if low is None else low, high), count))
    return found


def _edges(counts: Mapping[Decimal, int]) -> list[Decimal]:
    """Return the round numbers, ascending, that cut the prices into about equal parts."""
    prices = sorted(price for price in counts if price > 0)
    if len(prices) < 2:
        return []
    total = sum(counts[price] for price in prices)
    edges = {round_number(_at(prices, counts, total * part // PARTS)) for part in range(1, PARTS)}
    return sorted(edge for edge in edges if prices[0] < edge <= prices[-1])


def _at(prices: Sequence[Decimal], counts: Mapping[Decimal, int], place: int) -> Decimal:
    """Return the price at a place of all prices in their order."""
    for price in prices:
        place -= counts[price]
        if place < 0:
            return price
    return prices[-1]


def round_number(price: Decimal) -> Decimal:
    """Return the round number nearest to a price above 0, in proportion."""
    exponent = price.adjusted()
    lead = price.scaleb(-exponent)
    nearest = min(ROUND_NUMBERS, key=lambda number: max(number / lead, lead / number))
    return nearest.scaleb(exponent).normalize()
