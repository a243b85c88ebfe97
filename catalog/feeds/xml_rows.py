"""Rows of XML: items of RSS, entries of Atom, and the products of other shops' documents, streamed."""

from collections.abc import Iterator
from typing import Any

from catalog.feeds.contract import FeedLimits, FeedRow, RowError
from catalog.feeds.source_bytes import ENDS, FeedBytes
from catalog.streams.xml_records import XmlBreak, XmlLimits, XmlRecord, XmlRecordReader

RECORDS = frozenset({"item", "entry", "product", "offer", "shopitem", "SHOPITEM", "Product", "Item", "Offer"})
_GOOGLE = "base.google.com"  # stands in the namespace's address; an undeclared prefix is `g`


class XmlReader:
    """Reads the records of an XML document; repeated elements become lists, nested ones `outer inner`."""

    def __init__(self, source: FeedBytes, *, limits: FeedLimits) -> None:
        self._source = source
        self._limits = limits

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`; see FeedReader. A break in the XML is a row that cannot be read."""
        reader = XmlRecordReader(RECORDS, limits=XmlLimits(record_chars=self._limits.max_line_bytes))
        number = 0
        for found in self._found(reader):
            number += 1
            if number < start:
                continue
            if isinstance(found, XmlBreak):
                code = f"feed.{found.code.removeprefix('xml.')}"
                yield RowError(number, "", code, f"the XML breaks here: {found.message}", "", found.line)
            elif found.is_cut:
                message = "the record holds more than is read of one"
                yield RowError(number, "", "feed.line_too_long", message, _excerpt(found), found.line)
            else:
                yield FeedRow(number, data_of(found), found.line)
        if self._source.problem is not None:
            code, message = ENDS[self._source.problem]
            yield RowError(number + 1, "", code, message, "")

    def _found(self, reader: XmlRecordReader) -> Iterator[XmlRecord | XmlBreak]:
        for chunk in self._source.chunks():
            yield from reader.feed(chunk)
            if reader.is_over:
                return
        if self._source.problem is None:
            yield from reader.close()


def data_of(record: XmlRecord) -> dict[str, Any]:
    """Return a record's values by name; of two names alike the one in Google's namespace counts."""
    own: dict[str, Any] = {name: value for name, value in record.attributes.items() if not name.startswith("xml")}
    google: dict[str, Any] = {}
    for item in record.fields:
        name, value = " ".join(item.path), item.text
        if not value and item.path == ("link",) and item.attributes.get("rel", "alternate") == "alternate":
            value = item.attributes.get("href", "")
        if item.path[-1].lower() == "param" and item.attributes.get("name"):
            name = item.attributes["name"]
        if not value:
            continue
        target = google if _GOOGLE in item.space or item.space == "g" else own
        if name not in target:
            target[name] = value
        elif isinstance(target[name], list):
            target[name].append(value)
        else:
            target[name] = [target[name], value]
    return own | google


def _excerpt(record: XmlRecord) -> str:
    return next((item.text[:200] for item in record.fields if item.text), "")
