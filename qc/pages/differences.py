"""What changed between two states of what a seller says of a product, for people to see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from marketplace.comparing import Change as Fate
from marketplace.comparing import compare_words
from qc.rules.contract import ProductFacts

MAX_STEPS = 50_000  # some milliseconds: a page compares the texts of many verdicts
SHA256_LENGTH = 64
_MARKS = {Fate.SAME: "{}", Fate.REMOVED: "<del>{}</del>", Fate.ADDED: "<ins>{}</ins>"}
ORDER = {name: place for place, name in enumerate(ProductFacts().content)}


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not what it was: its name, and HTML with what went struck out and what came underlined."""

    field: str
    html: SafeString


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """List the fields that differ, in the order in which sellers' contents have them."""
    names = in_order({**before, **after})
    texts = [(name, text_of(before.get(name)), text_of(after.get(name))) for name in names]
    return [Change(name, difference(old, new)) for name, old, new in texts if old != new]


def in_order(names: Iterable[str]) -> list[str]:
    """Order the names of a content's fields: those that are known as the facts have them, then the others."""
    return sorted(names, key=lambda name: (ORDER.get(name, len(ORDER)), name))


def text_of(value: Any) -> str:
    """Write a value of the content as one text."""
    if isinstance(value, list):
        return "\n".join(_short(str(it)) for it in value if it)
    return "" if value is None else str(value)


def _short(text: str) -> str:
    """Return so much of a picture's SHA-256 as tells it from others; other texts as they are."""
    return text[:12] if len(text) == SHA256_LENGTH else text


def difference(before: str, after: str) -> SafeString:
    """Return both texts in one, word by word."""
    pieces = compare_words(before, after, most_steps=MAX_STEPS)
    return format_html_join("", "{}", ((format_html(_MARKS[it.change], it.text),) for it in pieces))
