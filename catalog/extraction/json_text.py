"""JSON as pages write it: with comments, trailing commas, entities, or as a JavaScript literal.

Numbers come back as the text that stood there (Number), so that 19.90 keeps its digits and a long integer its value.
"""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_JSON_CHARACTERS = 3_000_000
MAX_REPAIRED_CHARACTERS = 400_000
MAX_LITERAL = 60_000
MAX_FAILURES = 1_000  # in one script; json counts its lines for each
_TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<single>'(?:[^'\\]|\\.)*')
    | (?P<template>`(?:[^`\\]|\\.)*`)
    | (?P<comment>/\*.*?\*/|//[^\n]*)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w$]))
    | (?P<truth>!0|!1)
    | (?P<word>[A-Za-z_$][\w$]*)
    | (?P<mark>[{}\[\]:,])
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.DOTALL,
)
_KEPT_WORDS = frozenset({"true", "false", "null"})
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WRAPPINGS = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|"
    r"(?:-->|//\s*\]\]>|\]\]>|/\*\s*\]\]>\s*\*/)\s*+;?\s*+$"
)
# What finding the bracket that ends a literal must know: up to the next bracket, over texts and comments.
_BOUNDARY = re.compile(
    r"""
    [^"'`/{}\[\]]*+
    (?: (?P<mark>[{}\[\]]) | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*` | /\*.*?\*/ | //[^\n]* | / )?
    """,
    re.VERBOSE | re.DOTALL,
)
# A bracket that follows a name: `x = {`, `"key": [`, `push({`, `y["key"] = {`. The name is looked for backwards.
_OPENING = re.compile(r"""[=:(,](?<=[\w$.'"\]\s].)\s*(?=[{\[])""")
_EMAN = re.compile(r"""\s*\]?\s*['"]?[\w$.]{0,80}[A-Za-z_$]|\s*\]?\s*['"]?\]['"][\w$.-]{1,80}['"]\[""")
MAX_NAME = 200


class Number(str):
    """A number as its text; unlike a string, its decimal mark is a point for sure."""

    __slots__ = ()


_DECODER = json.JSONDecoder(
    strict=False,
    parse_float=Number,
    parse_int=Number,
    parse_constant=lambda _: None,  # NaN and its like say nothing
)


def read_json(text: str) -> Any:
    """Return the value that the text holds, as tolerantly as browsers and search engines; None if it holds none."""
    if not text or len(text) > MAX_JSON_CHARACTERS:
        return None
    stripped = _WRAPPINGS.sub("", text).strip().rstrip(";")
    for attempt in (_as_it_stands, _without_controls, _repaired, _unescaped):
        value = attempt(stripped)
        if value is not None:
            return value
    return None


def literals(script: str) -> Iterator[Any]:
    """Yield the objects and arrays that a script assigns or passes, in order."""
    position = failures = 0
    budget = MAX_REPAIRED_CHARACTERS
    while (
        len(script) <= MAX_JSON_CHARACTERS and failures < MAX_FAILURES and (match := _OPENING.search(script, position))
    ):
        start = match.end()
        name = script[max(position, match.start() - MAX_NAME) : match.start()]
        position = start + 1
        if not _EMAN.match(name[::-1]):
            continue
        try:
            value, end = _DECODER.raw_decode(script, start)
        except (ValueError, RecursionError):
            failures += 1
            if budget <= 0:
                continue
            literal, looked_at = _balanced(script, start, min(budget, MAX_LITERAL))
            budget -= max(looked_at, 200)
            value, end = _repaired(literal), start + len(literal)
        if value:
            yield value
            position = max(position, end)


def _as_it_stands(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _without_controls(text: str) -> Any:
    return _as_it_stands(_CONTROLS.sub(" ", text))


def _unescaped(text: str) -> Any:
    """Read JSON that was escaped once more, as text of HTML; entities inside of quotes are data."""
    if "&" not in text or '"' in text.replace("&quot;", "")[:2]:
        return None
    return _repaired(html.unescape(text))


def _repaired(text: str) -> Any:
    """Read a JavaScript literal: quotes, keys, comments, commas and `undefined` are put into JSON's form."""
    if not text or len(text) > MAX_REPAIRED_CHARACTERS:
        return None
    parts: list[str] = []
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() != position:
            return None
        position = match.end()
        part = match[0] if match.lastgroup == "mark" else _as_json(match)
        if part in ("}", "]") and parts and parts[-1] == ",":
            parts.pop()
        if part:
            parts.append(part)
    return _as_it_stands("".join(parts)) if position == len(text) else None


def _as_json(match: re.Match[str]) -> str:
    written, kind = match[0], match.lastgroup
    if kind == "string":
        return _CONTROLS.sub(" ", written).replace("\\'", "'")
    if kind in ("single", "template"):
        inner = written[1:-1].replace("\\'", "'").replace("\\`", "`")
        inner = re.sub(r'(?<!\\)"', r'\\"', inner)
        return '"' + _CONTROLS.sub(" ", inner).replace("\\x", "\\u00") + '"'
    if kind == "word":
        follows = match.string[match.end() : match.end() + 8].lstrip()
        if follows.startswith(":"):
            return json.dumps(written)
        return written if written in _KEPT_WORDS else "null"
    if kind == "truth":
        return "true" if written == "!0" else "false"
    if kind == "number":
        follows = match.string[match.end() : match.end() + 8].lstrip()
        return f'"{written}"' if follows.startswith(":") else written
    return ""


def _balanced(text: str, start: int, limit: int) -> tuple[str, int]:
    """Return the bracketed text that begins at start, and how far it was looked for; empty when it does not end."""
    depth = 0
    position = start
    end = min(len(text), start + limit)
    while (match := _BOUNDARY.match(text, position, end)) and match.end() > position:
        position = match.end()
        if match["mark"]:
            depth += 1 if match["mark"] in "{[" else -1
            if depth == 0:
                return text[start:position], position - start
    return "", position - start  # a text in it has no end, or the literal itself
