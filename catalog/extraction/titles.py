"""The product's title: what several parts of the page agree on, and the element that shows it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from catalog.extraction.layout import Layout
from catalog.extraction.standing import Standing

MAX_TITLE_TEXT = 300
_WORD = re.compile(r"[^\W_]+")
_SHOP_SUFFIX = re.compile(r"\s+[|–—·•»:-]\s+|\s*\|\s*")
_HEADINGS = {"h1": 1.0, "h2": 0.5, "h3": 0.25}


@lru_cache(maxsize=4_096)
def normal(text: str) -> str:
    """Return the text's words, folded, joined by single spaces."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def similarity(one: str, other: str) -> float:
    """Return how alike two titles are, 0 to 1; one inside the other is 0.85 or more."""
    a, b = normal(one), normal(other)
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 4 and f" {short} " in f" {long} ":
        return 0.85 + 0.15 * len(short) / len(long)
    if len(short) >= 4 and not short.isascii() and short in long:
        return 0.85 + 0.15 * len(short) / len(long)
    words, others = set(a.split()), set(b.split())
    shared = len(words & others)
    return 0.8 * 2 * shared / (len(words) + len(others))


def best_similarity(title: str, references: Iterable[str]) -> float:
    """Return how alike the title is to the most alike of the references."""
    return max((similarity(title, reference) for reference in references), default=0.0)


def title_parts(text: str) -> list[str]:
    """Return a title and, where it is joined of parts ("Lamp | Shop"), each part of three characters or more."""
    parts = [part.strip() for part in _SHOP_SUFFIX.split(text) if len(part.strip()) >= 3]
    return [text.strip(), *parts] if len(parts) > 1 else [text.strip()]


def find_title(layout: Layout, references: list[str]) -> int | None:
    """Return the element that shows the product's title: the heading most like what the head and the markup say."""
    references = [reference for reference in references if reference]
    parts = {part: len(part) / len(reference) for reference in references for part in reversed(title_parts(reference))}
    names = _Names([words for part in parts if (words := normal(part))])
    longest = max((len(part) for part in parts), default=MAX_TITLE_TEXT)
    best: tuple[float, int] | None = None
    owners = layout.owners
    for index, element in enumerate(layout.elements):
        if not 1 <= element.end - element.start <= 12:
            continue
        weight = _HEADINGS.get(element.tag, 0.0)
        if not weight and owners[element.start] != index:
            continue
        text = layout.text_of(index, limit=MAX_TITLE_TEXT)
        if not 3 <= len(text) <= MAX_TITLE_TEXT or (not weight and not _may_show(text, names, longest)):
            continue
        alike = max((_likeness(text, part, share) for part, share in parts.items()), default=0.0)
        if alike < 0.6 and not (weight == 1.0 and not parts):
            if weight < 1.0:
                continue
            alike *= 0.5
        score = 2 * alike + weight + _standing_weight(element.own | element.standing) + 0.3 * ("title" in element.names)
        if best is None or score > best[0] + 1e-6:
            best = (score, index)
    return best[1] if best and best[0] >= 0.9 else None


class _Names:
    """The titles that are looked for, as words, and how each begins."""

    def __init__(self, normals: list[str]) -> None:
        self.normals = normals
        self.together = "\n".join(normals)
        self.first_words = {one.partition(" ")[0] for one in normals}


def _may_show(text: str, names: _Names, longest: int) -> bool:
    """Return whether a text that is no heading is, holds or begins one of the titles; it is asked of every text."""
    if len(text) > 2 * longest:
        return False
    if text.isascii():  # its first word tells mostly, and is found at a third of the cost
        lowered = text.lower()
        word = _WORD.search(lowered)
        if word is None or (word[0] not in names.together and not any(one in lowered for one in names.first_words)):
            return False
    words = normal(text)
    return bool(words) and any(words in one or one in words for one in names.normals)


def _likeness(text: str, part: str, share: float) -> float:
    """Return how well a text shows a part of a title: less well where it is a small piece, or the part is."""
    covered = min(1.0, 2 * len(text) / len(part)) if len(text) < len(part) else 1.0
    return similarity(text, part) * (0.6 + 0.4 * covered) * (0.7 + 0.3 * share)


def _standing_weight(standing: int) -> float:
    weight = 0.0
    if standing & Standing.ASIDE:
        weight -= 1.0
    if standing & Standing.HIDDEN:
        weight -= 0.7
    if standing & Standing.LINK:
        weight -= 0.7
    if standing & Standing.CHOICE:
        weight -= 0.5
    return weight


def without_shop(title: str, shop: str, host: str) -> str:
    """Return a head's title without the parts that name the shop."""
    parts = [part for part in _SHOP_SUFFIX.split(title) if part.strip()]
    if len(parts) < 2:
        return title.strip()
    names = {normal(shop).replace(" ", ""), *(normal(label) for label in host.split(".") if len(label) > 3)}
    names.discard("")

    def is_shop(part: str) -> bool:
        squeezed = normal(part).replace(" ", "")
        return any(squeezed == name or (len(name) > 4 and squeezed.startswith(name)) for name in names)

    while len(parts) > 1 and is_shop(parts[-1]):
        parts.pop()
    while len(parts) > 1 and is_shop(parts[0]):
        parts.pop(0)
    return title.strip() if len(parts) < 1 else _rejoined(title, parts)


def _rejoined(title: str, parts: list[str]) -> str:
    start = title.find(parts[0])
    end = title.rfind(parts[-1]) + len(parts[-1])
    return title[start:end].strip()
