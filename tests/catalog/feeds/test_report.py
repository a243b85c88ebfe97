"""What the seller is told, row by row."""

import csv
import io
import json

from catalog.feeds.contract import RowError
from catalog.feeds.report import CsvReport, JsonLinesReport
from tests.catalog.feeds.samples import outcomes

DATA = b"id,title,price\n1,A,call\n,=HYPERLINK(1),1\n3,C,5 EUR\n"


def test_errors_and_notes_are_written_as_json_lines() -> None:
    file = io.StringIO()
    report = JsonLinesReport(file)
    for item in outcomes(DATA):
        report.add(item)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert lines == [
        {"row": 1, "line": 2, "level": "note", "field": "price", "code": "feed.bad_price",
         "message": "this is no price", "excerpt": "call"},
        {"row": 2, "line": 3, "level": "error", "field": "id", "code": "feed.id_missing",
         "message": "the row has no id", "excerpt": "=HYPERLINK(1)"},
    ]  # fmt: skip
    assert (report.errors, report.notes) == (1, 1)


def test_csv_can_be_opened_without_running_anything() -> None:
    file = io.StringIO()
    report = CsvReport(file)
    for item in outcomes(DATA):
        report.add(item)
    report.add(RowError(9, "f", "c", 'm, "q"', "-1\n"))
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [row["excerpt"] for row in rows] == ["call", "'=HYPERLINK(1)", "'-1\n"]
    assert (rows[2]["row"], rows[2]["message"], report.errors) == ("9", 'm, "q"', 2)
