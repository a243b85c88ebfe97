"""Reports: what was not taken over of a feed, row by row, for the seller; as JSON lines or CSV, as it comes."""

import csv
import json
from dataclasses import asdict
from typing import IO, Literal

from catalog.feeds.contract import FeedProduct, RowError

Level = Literal["error", "note"]
COLUMNS = ("row", "line", "level", "field", "code", "message", "excerpt")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def report_lines(item: FeedProduct | RowError) -> list[dict[str, str | int]]:
    """Return the report's lines for one outcome: an error for a row, a note for each field of a product left out."""
    if isinstance(item, RowError):
        return [_line(item, "error")]
    return [_line(note, "note") for note in item.notes]


class JsonLinesReport:
    """Writes one JSON object a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.errors = 0
        self.notes = 0

    def add(self, item: FeedProduct | RowError) -> None:
        """Write what is to be said of one outcome; nothing for a product that was taken over whole."""
        for line in report_lines(item):
            self._count(line)
            self._write(line)

    def _write(self, line: dict[str, str | int]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _count(self, line: dict[str, str | int]) -> None:
        if line["level"] == "error":
            self.errors += 1
        else:
            self.notes += 1


class CsvReport(JsonLinesReport):
    """Writes CSV with a header; no cell of it is taken for a formula."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self._csv = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
        self._csv.writeheader()

    def _write(self, line: dict[str, str | int]) -> None:
        self._csv.writerow({name: _harmless(value) for name, value in line.items()})


def _line(error: RowError, level: Level) -> dict[str, str | int]:
    said = asdict(error)
    return {"row": said.pop("number"), "line": said.pop("line"), "level": level, **said}


def _harmless(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value
