"""Charsets: how the bytes of a page become text."""

import codecs
import re

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)


def charset_of(content_type: str, body: bytes) -> str:
    """Return the codec of a page: by the header's charset, else by the page's own, else UTF-8."""
    named = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", content_type, re.IGNORECASE)
    candidates = [named.group(1)] if named else []
    if body.startswith(codecs.BOM_UTF8):
        candidates.insert(0, "utf-8-sig")
    inside = _META_CHARSET.search(body[:2048])
    if inside:
        candidates.append(inside.group(1).decode("ascii"))
    for name in candidates:
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    return "utf-8"
