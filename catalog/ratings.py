"""What a product's page says of its reviews: the rating and how many there are, by schema.org's AggregateRating."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.extraction.json_ld import types
from catalog.extraction.json_text import read_json

MAX_SCRIPT_CHARS = 1_000_000
MAX_NODES = 10_000
PRODUCT_TYPES = frozenset({"product", "productgroup", "individualproduct", "productmodel", "vehicle", "book"})


@dataclass(frozen=True, slots=True)
class Rating:
    """A product's rating, as the page gives it."""

    value: Decimal
    best: Decimal  # schema.org: 5 where the page does not say
    count: int
    evidence: str  # json-ld or microdata


def read_rating(html: str) -> Rating | None:
    """Return the page's aggregate rating of a product, or None."""
    tree = LexborHTMLParser(html)
    return _from_json_ld(tree) or _from_microdata(tree)


def json_ld_nodes(tree: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    """Yield every object of the page's JSON-LD, outer ones first; what is no JSON is passed over."""
    left = MAX_NODES
    for script in tree.css('script[type="application/ld+json"]'):
        text = script.text()
        if len(text) > MAX_SCRIPT_CHARS:
            continue
        waiting: deque[Any] = deque([read_json(text)])
        while waiting and left > 0:
            left -= 1
            node = waiting.popleft()
            if isinstance(node, dict):
                yield node
                waiting.extend(value for value in node.values() if isinstance(value, dict | list))
            elif isinstance(node, list):
                waiting.extend(value for value in node if isinstance(value, dict | list))


def _from_json_ld(tree: LexborHTMLParser) -> Rating | None:
    for node in json_ld_nodes(tree):
        rating = node.get("aggregateRating")
        if isinstance(rating, dict) and not PRODUCT_TYPES.isdisjoint(types(node)):
            return _rating(
                rating.get("ratingValue"),
                rating.get("bestRating"),
                rating.get("reviewCount") or rating.get("ratingCount"),
                evidence="json-ld",
            )
    return None


def _from_microdata(tree: LexborHTMLParser) -> Rating | None:
    scope = tree.css_first('[itemprop="aggregateRating"]')
    if scope is None:
        return None
    return _rating(
        _said(scope, "ratingValue"),
        _said(scope, "bestRating"),
        _said(scope, "reviewCount") or _said(scope, "ratingCount"),
        evidence="microdata",
    )


def _said(scope: LexborNode, name: str) -> str:
    node = scope.css_first(f'[itemprop="{name}"]')
    return "" if node is None else (node.attributes.get("content") or node.text()).strip()


def _rating(value: Any, best: Any, count: Any, *, evidence: str) -> Rating | None:
    number = _number(value)
    if number is None:
        return None
    return Rating(value=number, best=_number(best) or Decimal(5), count=int(_number(count) or 0), evidence=evidence)


def _number(said: Any) -> Decimal | None:
    """Return the number that markup says; a decimal comma is one, as nobody is rated by thousands."""
    try:
        number = Decimal(str(said).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < 10**9 else None
