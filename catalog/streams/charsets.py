"""Charsets: in which encoding bytes are text."""

import codecs
import re

from charset_normalizer import from_bytes
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, to_unicode

SAMPLE_BYTES = 64 * 1024
_WESTERN = "cp1252"

# Longer marks first: UTF-32's begins with UTF-16's.
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
# Python's codecs that are charsets; the others (idna, punycode, unicode_escape...) are slow, or raise on any input.
_CHARSET = re.compile(
    r"(utf_?(8|16|32)|ascii|iso8859|cp\d|koi8|gb|big5|euc|shift_jis|iso2022_jp|mac_|johab|tis_620|latin).*"
)


def page_text(body: bytes, content_type: str = "") -> str:
    """Return a page as text: by its byte order mark, its Content-Type, its own <meta>, else as UTF-8.

    What names no charset that we decode counts as nothing: `charset=base64` is a codec to Python.
    """
    codec, mark = codec_of_mark(body)
    codec = codec or text_codec(http_content_type_encoding(content_type) or "")
    codec = codec or text_codec(html_body_declared_encoding(body) or "")
    return to_unicode(body[mark:], codec or "utf-8")


def text_codec(name: str) -> str:
    """Return Python's name of the charset, or an empty string when it is none that we decode."""
    try:
        found = codecs.lookup(name.strip()).name if name.isascii() and len(name) <= 40 else ""
    except (LookupError, ValueError):
        return ""
    if found == "iso8859-1":
        return _WESTERN  # WHATWG Encoding Standard: what calls itself Latin-1 is windows-1252
    return found if _CHARSET.fullmatch(found.replace("-", "_")) else ""


def codec_of_mark(head: bytes) -> tuple[str, int]:
    """Return the codec that the byte order mark names, and the mark's length; ("", 0) without one."""
    return next(((codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), ("", 0))


def codec_of_zeros(head: bytes) -> str:
    """Return the UTF-16 that text without a mark is in, told by its zero bytes; else an empty string."""
    head = head[: len(head) & ~1]
    if len(head) < 4:
        return ""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def guess_codec(sample: bytes) -> str:
    """Return the likeliest charset of text that is not UTF-8, told by its letters.

    It is windows-1252 when in doubt, and wherever that reads the sample alike: another of its family would read
    letters differently that come later.
    """
    sample = sample[:SAMPLE_BYTES]
    best = from_bytes(sample, chunk_size=1024).best()
    codec = text_codec(best.encoding) if best is not None else ""
    if codec in ("", "ascii", "utf-8") or codec.startswith(("utf-16", "utf-32")):
        return _WESTERN
    is_alike = sample.decode(codec, errors="replace") == sample.decode(_WESTERN, errors="replace")
    return _WESTERN if is_alike else codec
