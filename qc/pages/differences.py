"""What changed between two states of what a seller says of a product, for people to see."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from qc.rules.contract import ProductFacts

# Beyond this, finding the changed words takes too long: the text is shown as wholly replaced.
MAX_WORDS = 400
SHA256_LENGTH = 64
ORDER = {name: place for place, name in enumerate(ProductFacts().content)}
_WORD = re.compile(r"\s+|[^\W_]+|.", re.DOTALL)


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
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > MAX_WORDS:
        old, new = [before], [after]
    return format_html_join("", "{}", ((piece,) for piece in _pieces(old, new)))


def _pieces(old: list[str], new: list[str]) -> Iterator[SafeString]:
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for verb, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        gone, come = "".join(old[old_start:old_end]), "".join(new[new_start:new_end])
        if verb == "equal":
            yield escape(come)
            continue
        if gone:
            yield format_html("<del>{}</del>", gone)
        if come:
            yield format_html("<ins>{}</ins>", come)
