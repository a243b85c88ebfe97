"""Items of JSON-LD scripts, however they are nested, and the reading of an item's values."""

import html
from collections import deque
from collections.abc import Iterator
from typing import Any

from catalog.extraction.document import Document, clean
from catalog.extraction.json_text import Number, read_json

MAX_ITEMS = 3_000
Item = dict[str, Any]
# What stands below these is another product, or none.
_ELSEWHERE = frozenset(
    {
        "isRelatedTo", "isSimilarTo", "isAccessoryOrSparePartFor", "isConsumableFor", "review", "reviews", "publisher",
        "author", "seller", "isPartOf", "potentialAction", "aggregateRating", "makesOffer", "hasOfferCatalog", "addOn",
    }
)  # fmt: skip


def read_json_ld(document: Document) -> list[Item]:
    """Return the items of the page's JSON-LD scripts, in order; a script that is no JSON says nothing."""
    items: list[Item] = []
    for script in document.scripts:
        if "ld+json" in script.kind or script.kind == "application/json-ld":
            value = read_json(script.text)
            items.extend(part for part in as_list(value) if isinstance(part, dict))
    return items[:MAX_ITEMS]


def walk(items: list[Item]) -> Iterator[tuple[Item, int]]:
    """Yield each item and those inside it, breadth first, with its depth; what is said to be elsewhere is left out."""
    waiting: deque[tuple[Item, int]] = deque((item, 0) for item in items)
    seen: set[int] = set()
    while waiting and len(seen) < MAX_ITEMS:
        item, depth = waiting.popleft()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item, depth
        for name, value in item.items():
            if name not in _ELSEWHERE:
                waiting.extend((inner, depth + 1) for inner in as_list(value) if isinstance(inner, dict))


def as_list(value: Any) -> list[Any]:
    """Return the value as a list; lists in lists are made one."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [value]
    flat: list[Any] = []
    for part in value:
        flat.extend(part if isinstance(part, list) else [part])
    return flat


def types(item: Item) -> set[str]:
    """Return the item's types, without their vocabulary, in lower case."""
    names = [*as_list(item.get("@type")), *as_list(item.get("type"))]
    return {name.rstrip("/").replace("#", "/").rpartition("/")[2].rpartition(":")[2].lower()
            for name in names if isinstance(name, str)}  # fmt: skip


def inner(item: Item, *names: str) -> list[Item]:
    """Return the items that are values of the properties."""
    return [value for name in names for value in as_list(item.get(name)) if isinstance(value, dict)]


def texts(item: Item, *names: str) -> list[str]:
    """Return the properties' values as texts, in order: of an item its name, its @value, its @id or its address."""
    found = (text_of(value) for name in names for value in as_list(item.get(name)))
    return [text for text in found if text]


def first(item: Item, *names: str) -> str:
    """Return the first text of the properties; empty if there is none."""
    return next(iter(texts(item, *names)), "")


def text_of(value: Any) -> str:
    """Return a value as text, without markup's entities; a Number stays one."""
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        text = html.unescape(value) if "&" in value else value
        return clean(html.unescape(text) if "&" in text else text)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, dict):
        for name in ("@value", "name", "value", "contentUrl", "url", "@id"):
            for part in as_list(value.get(name)):
                if isinstance(part, str) and part:
                    return text_of(part)
    return ""
