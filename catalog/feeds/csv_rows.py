"""Rows of delimited text: comma, semicolon, tab or bar, quoted or not, as spreadsheets and shops write it."""

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from catalog.feeds.contract import FeedColumnsMissing, FeedLimits, FeedRow, RowError, excerpt_of
from catalog.feeds.headers import priced_field
from catalog.feeds.lines import Encoding, Line, read_lines
from catalog.feeds.source_bytes import ENDS, FeedBytes

DELIMITERS = ",;\t|"
_SAMPLE_RECORDS = 30
_PREAMBLE_RECORDS = 20  # before the header: comments, titles
_MAX_RECORD_LINES = 5_000
_RETRY_BYTES = 64 * 1024 * 1024  # that may be read again, after quotes that nothing closes
_SEPARATOR_LINE = "sep="  # spreadsheets write it before the header

# A field may be as long as a line; the module's own limit of 128 KiB would end the reading.
csv.field_size_limit(max(csv.field_size_limit(), 16 * 1024 * 1024))

TROUBLES = {
    "feed.line_too_long": "the line is longer than is read of one",
    "feed.bad_encoding": "the line has bytes that are no text in the file's encoding",
    "feed.unclosed_quote": "a quotation mark opens here and is never closed",
    "feed.malformed_line": "the line cannot be split into columns",
}


@dataclass(frozen=True, slots=True)
class Record:
    """The columns of one record; trouble: a code when it has none that can be trusted."""

    line: int
    last_line: int
    columns: list[str]
    text: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, and the last of the lines that they take."""

    names: list[str]
    delimiter: str
    last_line: int


class CsvReader:
    """Reads rows of delimited text.

    A row that has more or fewer columns than the header is refused: its values stand under wrong names.
    """

    def __init__(self, source: FeedBytes, encoding: Encoding, header: Header, *, limits: FeedLimits) -> None:
        self._source = source
        self._encoding = encoding
        self._header = header
        self._limits = limits

    @property
    def names(self) -> Sequence[str]:
        """The names in the header."""
        return self._header.names

    def rows(self, start: int = 1) -> Iterator[FeedRow | RowError]:
        """Yield the rows from number `start`; see FeedReader."""
        names = self._header.names
        lines = read_lines(self._source, self._encoding, max_bytes=self._limits.max_line_bytes)
        body = dropwhile(lambda line: line.number <= self._header.last_line, lines)
        records = read_records(body, self._header.delimiter, width=len(names), limits=self._limits)
        number = 0
        repeated = [name for name, count in Counter(names).items() if count > 1 and name]
        for record in records:
            if not record.trouble and not any(record.columns):
                continue
            number += 1
            if number < start:
                continue
            columns = record.columns
            while len(columns) > len(names) and not columns[-1]:
                columns.pop()
            if record.trouble:
                message = TROUBLES[record.trouble]
                yield RowError(number, "", record.trouble, message, excerpt_of(record.text), record.line)
            elif len(columns) != len(names):
                message = f"the row has {len(columns)} columns, the header {len(names)}"
                yield RowError(number, "", "feed.column_count", message, excerpt_of(record.text), record.line)
            else:
                yield FeedRow(number, _by_name(names, columns, repeated), record.line)
        if self._source.problem is not None:
            code, message = ENDS[self._source.problem]
            yield RowError(number + 1, "", code, message, "")


def _by_name(names: Sequence[str], columns: Sequence[str], repeated: Sequence[str]) -> dict[str, object]:
    data: dict[str, object] = {name: value for name, value in zip(names, columns, strict=True) if value}
    for name in repeated:
        values = [value for key, value in zip(names, columns, strict=True) if key == name and value]
        if values:
            data[name] = values
    data.pop("", None)
    return data


def read_records(lines: Iterable[Line], delimiter: str, *, width: int = 0, limits: FeedLimits) -> Iterator[Record]:
    """Yield the records of delimited text; a line in which a quote opens that nothing closes is one by itself.

    The width is the right number of columns, if known: a record of several lines that has another number is taken for
    one line with a stray quote, and its other lines are read again.
    """
    source = _PushedLines(lines)
    retry_bytes = _RETRY_BYTES
    while (first := source.next_line()) is not None:
        if first.trouble:
            yield Record(first.number, first.number, [], first.text, first.trouble)
            continue
        taken = [first]
        columns, trouble = _split_record(source, taken, delimiter, limits)
        if len(taken) > 1 and (trouble or (width and len(columns) != width)):
            size = sum(len(line.text) for line in taken)
            trouble = "feed.unclosed_quote"
            if size <= retry_bytes:
                retry_bytes -= size
                source.push_back(taken[1:])
        yield Record(first.number, taken[-1].number, columns, first.text, trouble)


class _PushedLines:
    """Lines that can be given back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._pushed: deque[Line] = deque()

    def next_line(self) -> Line | None:
        return self._pushed.popleft() if self._pushed else next(self._lines, None)

    def push_back(self, lines: Sequence[Line]) -> None:
        self._pushed.extendleft(reversed(lines))


def _split_record(source: _PushedLines, taken: list[Line], delimiter: str, limits: FeedLimits) -> tuple[list[str], str]:
    """Return the columns of the record that begins with the line taken, and a trouble; take the lines it goes on in."""
    is_cut = False

    def supply() -> Iterator[str]:
        nonlocal is_cut
        yield taken[0].text
        size = len(taken[0].text)
        while True:
            line = source.next_line()
            if line is not None:
                taken.append(line)
                size += len(line.text)
            if line is None or line.trouble or size > limits.max_line_bytes or len(taken) > _MAX_RECORD_LINES:
                is_cut = True
                return
            yield line.text

    try:
        columns = next(csv.reader(supply(), delimiter=delimiter))
    except csv.Error:
        return [], "feed.malformed_line"
    if is_cut or (len(taken) > 1 and not _is_strict([line.text for line in taken], delimiter)):
        return [], "feed.unclosed_quote"
    return ([], "feed.malformed_line") if len(columns) > limits.max_columns else (columns, "")


def _is_strict(texts: Sequence[str], delimiter: str) -> bool:
    """Tell whether each quote in a record of several lines opens or closes a column, or is doubled."""
    try:
        next(csv.reader(texts, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def find_header(head: Sequence[Line], *, preferred: str, limits: FeedLimits) -> Header:
    """Return the header of a file that begins with these lines.

    The delimiter is the one that yields the most names that are known, then the most even columns.

    Raises:
        FeedColumnsMissing: no delimiter yields columns for a product's id and title (permanent).
    """
    best: tuple[tuple[int, float, int], Header] | None = None
    separator = head[0].text.strip().removeprefix(_SEPARATOR_LINE) if head else ""
    named = head[0].text.lower().startswith(_SEPARATOR_LINE) if head else False
    for delimiter in DELIMITERS if not (named and len(separator) == 1) else separator:
        records = []
        for record in read_records(head, delimiter, limits=limits):
            records.append(record)
            if len(records) == _PREAMBLE_RECORDS + _SAMPLE_RECORDS:
                break
        for place, record in enumerate(records[:_PREAMBLE_RECORDS]):
            names = _trimmed(record.columns)
            known = len({field for name in names if (field := priced_field(name)[0])})
            if not known or record.columns[0].startswith("#"):
                continue
            sample = [other for other in records[place + 1 :] if any(other.columns)]
            even = sum(1 for other in sample if len(other.columns) == len(record.columns)) / max(1, len(sample))
            score = (known, even, delimiter == preferred)
            if best is None or score > best[0]:
                best = (score, Header(names, delimiter, record.last_line))
    if best is None:
        raise FeedColumnsMissing(
            "No line at the beginning of the file names columns that Souk knows",
            remedy="Begin the file with a line of column names, at least `id` and `title`.",
        )
    return best[1]


def _trimmed(columns: Sequence[str]) -> list[str]:
    """Return the names without spaces around them, and without byte order marks."""
    return [name.strip("\ufeff \t\r\n") for name in columns]
