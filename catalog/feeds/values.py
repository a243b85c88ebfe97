"""Values: what the cells, elements and members of a feed say, as text, lists, addresses and paths."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from catalog.sitemaps.locations import read_instant
from marketplace.storable import storable_text

MAX_DEPTH = 8  # of lists in lists
MAX_VALUES = 1_000
MAX_NUMBER_CHARS = 1_000
MAX_HTML_CHARS = 60_000  # a parser's time grows with the square of the depth: 12,000 <div> take 0.2 s

_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_UNSEEN = re.compile(r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_ADDRESSES = re.compile(r"[\s,;|]+(?=https?://|//)")
_PATH = re.compile(r"\s*[>›»]\s*")
_PATHS = re.compile(r"(?<!\\),")
_WORDS_FOR_YES = frozenset({"1", "true", "yes", "y", "ja", "oui", "si", "sí", "da", "да", "evet", "tak"})
_WORDS_FOR_NO = frozenset({"0", "false", "no", "n", "nein", "non", "nie", "нет", "ні", "hayır", "-1"})
_NAMING_KEYS = ("name", "title", "value", "label", "text")
_ADDRESS_KEYS = ("src", "url", "href", "contenturl", "link", "image")


def clean(text: str) -> str:
    """Return the text without what PostgreSQL refuses (NUL, halves of pairs) and without spaces around."""
    return storable_text(text).strip()


def texts_of(value: Any, keys: tuple[str, ...] = _NAMING_KEYS) -> list[str]:
    """Return the texts that a value holds, in order: a list's, also nested, and of an object what names it."""
    return [text for text in _texts(value, keys, MAX_DEPTH) if text][:MAX_VALUES]


def text_of(value: Any) -> str:
    """Return the first text that a value holds; empty if there is none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)[:MAX_NUMBER_CHARS]
    return next((text for text in _texts(value, _NAMING_KEYS, MAX_DEPTH) if text), "")


def _texts(value: Any, keys: tuple[str, ...], depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield clean(value)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is None or depth == 0:
        return
    elif isinstance(value, list):
        for item in value[:MAX_VALUES]:
            yield from _texts(item, keys, depth - 1)
    elif isinstance(value, dict):
        by_name = {str(name).lower(): inner for name, inner in value.items()}
        yield from next((list(_texts(by_name[key], keys, depth - 1)) for key in keys if key in by_name), [])
    else:
        yield str(value)[:MAX_NUMBER_CHARS]  # as it was written


def plain_text(text: str) -> str:
    """Return text without markup: tags are dropped, entities become characters, spaces become single."""
    if "<" in text and _TAG.search(text):
        body = LexborHTMLParser(_UNSEEN.sub(" ", text)[:MAX_HTML_CHARS]).body
        return clean(re.sub(r"\s+", " ", body.text(separator=" ") if body else ""))
    return unescaped(text)


def unescaped(text: str) -> str:
    """Return text with HTML's entities as characters: some systems escape what needs none."""
    return clean(html.unescape(text)) if "&" in text and _ENTITY.search(text) else text


def addresses_of(value: Any) -> list[str]:
    """Return the addresses that a value lists, each once; several in one text stand behind a comma or the like."""
    found: dict[str, None] = {}
    for text in texts_of(value, (*_ADDRESS_KEYS, *_NAMING_KEYS)):
        for part in _ADDRESSES.split(text) if "//" in text[8:] else [text]:
            found[part.strip(" ,;|\"'")] = None
    return [address for address in found if address]


def paths_of(value: Any, *, is_comma_list: bool = False) -> list[list[str]]:
    """Return the category paths that a value lists, each once: `Home > Kitchen` is two levels of one path."""
    found: dict[tuple[str, ...], None] = {}
    for text in map(unescaped, texts_of(value)):
        for path in _PATHS.split(text) if is_comma_list else [text]:
            names = tuple(name for part in _PATH.split(path) if (name := part.replace("\\,", ",").strip()[:200]))
            if names:
                found[names[:20]] = None
    return [list(path) for path in found]


def read_flag(text: str) -> bool | None:
    """Return what a yes or no says; None if it is neither."""
    word = text.strip().casefold()
    if word in _WORDS_FOR_YES:
        return True
    return False if word in _WORDS_FOR_NO else None


def is_within(window: str, *, now: datetime) -> bool | None:
    """Tell whether `start/end` holds the moment; either may be left out. None if it is no such window."""
    start, slash, end = window.partition("/")
    if not slash:
        return None
    return is_between(start, end, now=now)


def is_between(start: str, end: str, *, now: datetime) -> bool | None:
    """Tell whether the moment lies between two dates; an end without a time is that day's end."""
    begins_at, ends_at = read_instant(start), read_instant(end)
    if (start.strip() and begins_at is None) or (end.strip() and ends_at is None):
        return None
    if ends_at is not None and re.fullmatch(r"\s*\d{4}-\d{2}-\d{2}\s*", end):
        ends_at = datetime.combine(ends_at.date(), time.max, tzinfo=UTC)
    return (begins_at is None or begins_at <= now) and (ends_at is None or now <= ends_at)
