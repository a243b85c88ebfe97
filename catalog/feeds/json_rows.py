"""Rows of JSON: one object a line, or the objects of a document's list, in bounded memory."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NoReturn

from catalog.feeds.contract import FeedLimits, FeedRow, FeedUnreadable, RowError, excerpt_of
from catalog.feeds.lines import Encoding, read_lines
from catalog.feeds.source_bytes import ENDS, HEAD_BYTES, FeedBytes

# The names that lists of products go by; of a document without one the first list of objects is taken.
LIST_NAMES = ("products", "items", "data", "results", "entries", "offers", "rows", "catalog", "feed", "nodes", "docs")

_NAMED_LIST = re.compile(rf'"({"|".join(LIST_NAMES)})"\s*:\s*\[\s*\{{', re.IGNORECASE)
_ANY_LIST = re.compile(r"\[\s*\{")
_SIGN = re.compile(r'["{}\[\]]')
_STRING_END = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SPACE = " \t\r\n,"


class JsonLinesReader:
    """Reads one object a line."""

    def __init__(self, source: FeedBytes, encoding: Encoding, *, limits: FeedLimits) -> None:
        self._source = source
        self._encoding = encoding
        self._limits = limits

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`; see FeedReader."""
        number = 0
        for line in read_lines(self._source.chunks(), self._encoding, max_bytes=self._limits.max_line_bytes):
            if line.text.isspace():
                continue
            number += 1
            if number < start:
                continue
            if line.trouble:
                message = "the line is longer than is read of one" if "long" in line.trouble else "the line is no text"
                yield RowError(number, "", line.trouble, message, excerpt_of(line.text), line.number)
            else:
                yield read_object(line.text.lstrip("\ufeff"), number=number, line=line.number)
        if self._source.problem is not None:
            code, message = ENDS[self._source.problem]
            yield RowError(number + 1, "", code, message, "")


class JsonListReader:
    """Reads the objects of a document's list of products, `[...]` or `{"products": [...]}`."""

    def __init__(self, source: FeedBytes, encoding: Encoding, *, limits: FeedLimits) -> None:
        self._source = source
        self._encoding = encoding
        self._limits = limits

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`; see FeedReader."""
        number = 0
        scanner = ListScanner(max_chars=self._limits.max_line_bytes)
        for text in _texts(self._source.chunks(), self._encoding):
            for item in scanner.feed(text):
                number += 1
                if number < start:
                    continue
                if item is None:
                    message = "the object is longer than is read of one"
                    yield RowError(number, "", "feed.line_too_long", message, "")
                else:
                    yield read_object(item, number=number)
            if scanner.is_over:
                return
        code, message = "feed.broken_end", "the list of products stops before its end"
        if self._source.problem is not None:
            code, message = ENDS[self._source.problem]
        yield RowError(number + 1, "", code, message, excerpt_of(scanner.rest))


class ListScanner:
    """Finds the items of a JSON list in text that comes in chunks; an item that is too long is None.

    Only brackets and strings are looked at: an item that is no JSON spoils no other.
    """

    def __init__(self, *, max_chars: int) -> None:
        self._max_chars = max_chars
        self._text = ""
        self._at = 0  # where the scan goes on
        self._depth = 0  # of the brackets inside the list; 0: between two items
        self._begin = -1  # where the item begins
        self._is_in_list = False
        self._is_in_string = False
        self._is_dropping = False
        self.is_over = False

    @property
    def rest(self) -> str:
        """What was not given as an item: the end of a broken list."""
        return self._text[max(self._begin, 0) :]

    def feed(self, text: str) -> Iterator[str | None]:
        """Yield the items that end in this chunk."""
        self._text += text
        if not self._is_in_list and not self._find_list():
            return
        while not self.is_over:
            item, is_found = self._next_item()
            if not is_found:
                break
            yield item
        self._forget()
        if len(self._text) > self._max_chars:
            if not self._is_dropping:
                yield None
            self._is_dropping = True
            self._text = self._text[self._at :]
            self._begin, self._at = 0, 0

    def _find_list(self) -> bool:
        match = find_list(self._text)
        if match is None:
            return False
        self._is_in_list = True
        self._text = self._text[match:]
        return True

    def _next_item(self) -> tuple[str | None, bool]:
        """Return the next item and True; (None, False) if it is not there yet."""
        text = self._text
        while True:
            if self._depth == 0 and self._begin < 0 and not self._skip_to_item():
                return None, False
            if self._is_in_string and not self._pass_string():
                return None, False
            match = _SIGN.search(text, self._at)
            if match is None:
                self._at = len(text)
                return None, False
            sign = match[0]
            if sign == '"':
                self._is_in_string = True
                self._at = match.end()
            elif sign in "{[":
                self._depth += 1
                self._at = match.end()
            elif self._depth == 0:  # the list's own end, behind an item that is no object
                return self._close(match.start(), is_last=True)
            else:
                self._depth -= 1
                self._at = match.end()
                if self._depth == 0:
                    return self._close(match.end(), is_last=False)

    def _pass_string(self) -> bool:
        """Go behind the string's end; False if it is not there yet."""
        end = _STRING_END.match(self._text, self._at)
        if end is not None:
            self._at = end.end()
            self._is_in_string = False
            return True
        text = self._text
        slashes = len(text) - len(text.rstrip("\\"))
        self._at = max(self._at, len(text) - slashes % 2)  # what is escaped stands in the next chunk
        return False

    def _skip_to_item(self) -> bool:
        """Go to where the next item begins; False at the end of the list, or of the text."""
        at = self._at
        while at < len(self._text) and self._text[at] in _SPACE:
            at += 1
        self._at = at
        if at == len(self._text):
            return False
        if self._text[at] == "]":
            self.is_over = True
            return False
        self._begin = at
        return True

    def _close(self, end: int, *, is_last: bool) -> tuple[str | None, bool]:
        item = self._text[self._begin : end]
        was_dropping, self._is_dropping = self._is_dropping, False
        self._begin, self._at, self.is_over = -1, end, is_last
        if was_dropping:
            return self._next_item() if not is_last else (None, False)
        return item, True

    def _forget(self) -> None:
        """Drop the text that is done with."""
        done = self._begin if self._begin >= 0 else self._at
        if done > 0:
            self._text = self._text[done:]
            self._at -= done
            self._begin = 0 if self._begin >= 0 else -1


def find_list(text: str) -> int | None:
    """Return where the items of a document's list of products begin; None if its beginning shows none."""
    match = _NAMED_LIST.search(text) or _ANY_LIST.search(text)
    if match is not None:
        return text.index("[", match.start()) + 1
    stripped = text.lstrip("\ufeff \t\r\n")
    return len(text) - len(stripped) + 1 if stripped.startswith("[") else None


def read_object(text: str, *, number: int, line: int = 0) -> FeedRow | RowError:
    """Return the row that one JSON object is."""
    try:
        data = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError, ArithmeticError) as error:
        reason = "its lists stand too deep in one another" if isinstance(error, RecursionError) else str(error)
        return RowError(number, "", "feed.not_json", f"this is no JSON: {reason}"[:300], excerpt_of(text), line)
    if not isinstance(data, dict):
        return RowError(number, "", "feed.not_an_object", "a row is an object with names", excerpt_of(text), line)
    return FeedRow(number, data, line)


def check_document(head: str) -> None:
    """Raise FeedUnreadable unless a JSON document that begins so has a list of products."""
    if find_list(head) is None:
        raise FeedUnreadable(
            "The JSON document has no list of products",
            remedy='Write one product a line, a list `[...]`, or an object `{"products": [...]}`.',
        )


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _texts(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """Yield the document's text; the first part is as long as the head by which the document was recognised."""
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors="replace")
    held = b""
    is_head = True
    for chunk in chunks:
        held += chunk
        if is_head and len(held) < HEAD_BYTES:
            continue
        yield decoder.decode(held[encoding.mark :] if is_head else held)
        is_head, held = False, b""
    yield decoder.decode(held[encoding.mark :] if is_head else held, True)
