"""Open a feed: tell by its first bytes how it is written, and choose the reader for it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from catalog.feeds.contract import (
    FeedColumnsMissing,
    FeedKind,
    FeedLimits,
    FeedReader,
    FeedRow,
    FeedUnreadable,
    RowError,
)
from catalog.feeds.csv_rows import CsvReader, find_header
from catalog.feeds.headers import IDENTITY, field_of, squash
from catalog.feeds.json_rows import JsonLinesReader, JsonListReader, check_document, find_list
from catalog.feeds.lines import Encoding, read_lines, sniff_encoding
from catalog.feeds.source_bytes import HEAD_BYTES, FeedBytes
from catalog.feeds.xml_rows import XmlReader

_SPREADSHEET = "Open it in a spreadsheet program and save it as CSV (UTF-8)."
_UNPACK = "Unpack it first, or compress it with gzip."
# What is no feed, by its first bytes.
_OTHERS: list[tuple[bytes, str, str]] = [
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", f"{_SPREADSHEET} If it is an archive, unpack it first."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", _SPREADSHEET),
    (b"%PDF", "a PDF document", "Ask your shop's system for its product export as CSV."),
    (b"BZh", "compressed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "compressed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"PAR1", "a Parquet file", "Export the table as CSV or JSON Lines."),
    (b"SQLite format 3", "a database", "Export the table of products as CSV."),
    (b"\x89PNG", "a picture", "Choose the file with the products."),
    (b"\xff\xd8\xff", "a picture", "Choose the file with the products."),
]
_WOOCOMMERCE = {"type", "published", "regularprice", "instock"}


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a file, as lines.py takes it."""

    data: bytes
    problem: None = None

    def chunks(self) -> Iterator[bytes]:
        yield self.data


class Feed:
    """A feed that is open; a context manager. `rows` may be called again and again."""

    def __init__(self, kind: FeedKind, source: FeedBytes, reader: FeedReader) -> None:
        self.kind = kind
        self._source = source
        self._reader = reader

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def columns(self) -> Sequence[str]:
        """The names in the header; none where every row names its own fields."""
        return self._reader.names if isinstance(self._reader, CsvReader) else ()

    def close(self) -> None:
        """Remove what was kept on disk."""
        self._source.close()

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`; see FeedReader."""
        return self._reader.rows(start)


def open_feed(
    place: str | Path | IO[bytes], *, name_hint: str = "", media_type: str = "", limits: FeedLimits | None = None
) -> Feed:
    """Return the feed at a path or in a stream of bytes; gzip is undone, whatever its name.

    Args:
        place: where it is; a stream that cannot go back is copied to a temporary file.
        name_hint: the file's name, if the place has none; it only decides what the bytes leave open.
        media_type: the Content-Type that it came with; likewise.
        limits: what is read of it.

    Raises:
        FeedUnreadable: it is no feed; the error's `remedy` says what to do (permanent).
        FeedTooLarge, FeedColumnsMissing: of the same family.
    """
    limits = limits or FeedLimits()
    source = FeedBytes(place, max_bytes=limits.max_bytes)
    try:
        kind, reader = _choose(source, name_hint or str(place), media_type, limits)
    except BaseException:
        source.close()
        raise
    return Feed(kind, source, reader)


def _choose(source: FeedBytes, name: str, media_type: str, limits: FeedLimits) -> tuple[FeedKind, FeedReader]:
    head = source.head()
    for magic, what, remedy in _OTHERS:
        if head.startswith(magic):
            raise FeedUnreadable(f"The file is {what}, no feed", remedy=remedy)
    encoding = sniff_encoding(head)
    text = head[encoding.mark :].decode(encoding.codec, errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise FeedUnreadable("The file is empty", remedy="Choose a file with products.")
    if text.startswith("<"):
        return _choose_xml(source, text, limits)
    if text.startswith(("{", "[")):
        return _choose_json(source, text, encoding, limits)
    if head.count(0) > len(head) // 100 and not encoding.is_wide:
        raise FeedUnreadable("The file is not text", remedy=_SPREADSHEET)
    return _choose_delimited(source, head, encoding, _hint(name, media_type), limits)


def _choose_xml(source: FeedBytes, text: str, limits: FeedLimits) -> tuple[FeedKind, FeedReader]:
    begin = text[:2000].lower()
    if "<html" in begin or "<!doctype html" in begin:
        raise FeedUnreadable(
            "The file is a web page, no feed",
            remedy="Give the address of the feed itself; perhaps it asks for a login.",
        )
    is_google = "base.google.com" in text or "<g:" in text
    return (FeedKind.GOOGLE_XML if is_google else FeedKind.XML), XmlReader(source, limits=limits)


def _choose_json(source: FeedBytes, text: str, encoding: Encoding, limits: FeedLimits) -> tuple[FeedKind, FeedReader]:
    lines = [line for line in text.split("\n", 10)[:10] if line.strip()]
    if lines[0].startswith("{") and (_is_row(lines[0]) or (len(lines) > 1 and lines[1].startswith("{"))):
        return FeedKind.JSON_LINES, JsonLinesReader(source, encoding, limits=limits)
    check_document(text)
    return FeedKind.JSON, JsonListReader(source, encoding, limits=limits)


def _is_row(line: str) -> bool:
    """Tell whether a file's first line is a product, and not a document with a list of them, or the begin of one."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        # A damaged line, or one longer than the head, if it shows no list of products; not a document of many lines.
        is_line = line.rstrip().endswith("}") or len(line) > HEAD_BYTES // 8
        return is_line and re.match(r'\{\s*"', line) is not None and find_list(line) is None
    fields = {field_of(name) for name in data}
    return "id" in fields or find_list(line) is None or not fields.isdisjoint({"price", "price_minor", "sku"})


def _choose_delimited(
    source: FeedBytes, head: bytes, encoding: Encoding, preferred: str, limits: FeedLimits
) -> tuple[FeedKind, FeedReader]:
    lines = list(read_lines(_Head(head), encoding, max_bytes=limits.max_line_bytes))
    if len(head) == HEAD_BYTES and len(lines) > 1:
        lines.pop()
    header = find_header(lines, preferred=preferred, limits=limits)
    kind = FeedKind.TSV if header.delimiter == "\t" else FeedKind.CSV
    names = {squash(name) for name in header.names}
    if "option1name" in names and not names.isdisjoint({"handle", "urlhandle"}):
        kind = FeedKind.SHOPIFY_CSV
    elif names >= _WOOCOMMERCE:
        kind = FeedKind.WOOCOMMERCE_CSV
    _check_columns(kind, {field_of(name) for name in header.names})
    return kind, CsvReader(source, encoding, header, limits=limits)


def _check_columns(kind: FeedKind, fields: set[str]) -> None:
    """Raise FeedColumnsMissing unless the columns can tell products apart and name them."""
    has_id = kind == FeedKind.SHOPIFY_CSV or not fields.isdisjoint(IDENTITY)
    missing = [name for name, is_there in (("id", has_id), ("title", "title" in fields)) if not is_there]
    if missing:
        raise FeedColumnsMissing(
            f"The feed has no column for: {', '.join(missing)}",
            remedy=f"Name a column of the first line {' and one '.join(f'`{name}`' for name in missing)}.",
        )


def _hint(name: str, media_type: str) -> str:
    name = name.lower().removesuffix(".gz")
    if name.endswith((".tsv", ".tab")) or "tab-separated" in media_type:
        return "\t"
    return "," if name.endswith(".csv") or "csv" in media_type else ""
