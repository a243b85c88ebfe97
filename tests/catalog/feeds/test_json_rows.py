"""JSON rows, one a line or in a list, however the text is cut."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.feeds.contract import FeedRow, RowError
from catalog.feeds.json_rows import ListScanner
from catalog.feeds.opening import open_feed


def found(data: bytes) -> list[Any]:
    with open_feed(io.BytesIO(data)) as feed:
        return [row.data if isinstance(row, FeedRow) else row.code for row in feed.rows()]


def scan(text: str, chunk: int, *, max_chars: int = 10_000) -> tuple[list[str | None], bool]:
    scanner = ListScanner(max_chars=max_chars)
    items = [item for at in range(0, len(text), chunk) for item in scanner.feed(text[at : at + chunk])]
    return items, scanner.is_over


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_items_are_found_whatever_they_hold(chunk: int) -> None:
    items = ['{"a":"]}\\\\\\"{["}', "5", '"x,]"', "[1,[2]]", '{"b":[{}]}', "null"]
    assert scan("[" + " ,\n".join(items) + "] rubbish", chunk) == (items, True)
    assert scan("[]", chunk) == ([], True)
    assert scan('{"n":1,"products":[' + ",".join(items[:1]) + "],", chunk) == (items[:1], True)
    assert scan('[{"a":1},{"b":', chunk) == (['{"a":1}'], False)


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_an_item_that_is_too_long_is_none_and_costs_no_other(chunk: int) -> None:
    for long in ('{"a":"' + "x\\\\" * 300 + '"}', '{"a":[' + "1," * 300 + "1]}", '"' + "y" * 500 + '"'):
        assert scan(f'[{{"a":1}},{long},{{"b":2}}]', chunk, max_chars=100) == (['{"a":1}', None, '{"b":2}'], True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80)
@given(items=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=5), chunk=st.integers(1, 40))
def test_any_list_is_found_again(items: list[dict[str, Any]], chunk: int) -> None:
    scanned, is_over = scan(json.dumps(items, indent=1), chunk)
    assert [json.loads(item) for item in scanned if item is not None] == items
    assert is_over


def test_a_named_list_is_preferred_and_numbers_are_exact() -> None:
    data = b'{"tags":[{"a":1}],"products":[{"id":1,"price":0.1},{"id":2}]}'
    assert found(data) == [{"id": 1, "price": Decimal("0.1")}, {"id": 2}]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id": 2,', "feed.not_json"),
        (b"[1]", "feed.not_an_object"),
        (b"7", "feed.not_an_object"),
        (b'{"id": NaN}', "feed.not_json"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "feed.not_json"),
        (b'{"a": ' + b"[" * 100_000 + b"}", "feed.not_json"),
        (b'{"a": "\xff"}', "feed.bad_encoding"),
    ],
)
def test_a_bad_line_costs_one_row(line: bytes, code: str) -> None:
    good = '{"id":1,"title":"größe"}\n'.encode()
    assert found(good + line + b"\n\n" + good) == [{"id": 1, "title": "größe"}, code, {"id": 1, "title": "größe"}]


def test_a_list_that_stops_ends_with_an_error() -> None:
    with open_feed(io.BytesIO(b'[{"id":1},{"id":2},{"id"')) as feed:
        *rows, last = feed.rows()
    assert len(rows) == 2
    assert last == RowError(3, "", "feed.broken_end", "the list of products stops before its end", '{"id"')
