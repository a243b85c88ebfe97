"""Delimited text as spreadsheets, shops and people write it."""

import io

import pytest

from catalog.feeds.contract import FeedRow, RowError
from catalog.feeds.opening import open_feed


def rows(text: str | bytes) -> list[FeedRow | RowError]:
    with open_feed(io.BytesIO(text.encode() if isinstance(text, str) else text)) as feed:
        return list(feed.rows())


def cells(text: str | bytes) -> list[object]:
    return [row.data if isinstance(row, FeedRow) else row.code for row in rows(text)]


def test_quoted_cells_hold_anything() -> None:
    found = rows('id,title,description\r\n1,"a ""b"", c","two\r\nlines"\r\n\r\n2,27" screen,d\r\n')
    assert found == [
        FeedRow(1, {"id": "1", "title": 'a "b", c', "description": "two\r\nlines"}, 2),
        FeedRow(2, {"id": "2", "title": '27" screen', "description": "d"}, 5),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end: str) -> None:
    assert cells(end.join(["id,title", "1,a", "2,b", ""])) == [{"id": "1", "title": "a"}, {"id": "2", "title": "b"}]


def test_a_quote_that_nothing_closes_costs_one_row() -> None:
    assert cells('id,title,price\n1,"a,1\n2,b,2\n3,c,3\n') == [
        "feed.unclosed_quote",
        {"id": "2", "title": "b", "price": "2"},
        {"id": "3", "title": "c", "price": "3"},
    ]
    assert cells('id,title,price\n1,"a,1\n2,"b",2\n3,c,3\n')[-2:] == [
        {"id": "2", "title": "b", "price": "2"},
        {"id": "3", "title": "c", "price": "3"},
    ]


def test_rows_of_another_width_are_refused_but_empty_cells_behind_are_not() -> None:
    assert cells("id,title\n1,a,,\n2,b,c\n3\n,\n4,d\n") == [
        {"id": "1", "title": "a"},
        "feed.column_count",
        "feed.column_count",
        {"id": "4", "title": "d"},
    ]


def test_columns_of_one_name_are_one_list() -> None:
    assert cells("id,title,image,image,\n1,a,x,y,\n2,b,,y,z\n") == [
        {"id": "1", "title": "a", "image": ["x", "y"]},
        {"id": "2", "title": "b", "image": ["y"]},
    ]


def test_bytes_that_are_no_text_cost_their_row() -> None:
    data = "id,title\n1,größe\n".encode() + b"2,b\xff\n" + "3,süß\n".encode()
    assert cells(data) == [{"id": "1", "title": "größe"}, "feed.bad_encoding", {"id": "3", "title": "süß"}]


def test_the_charset_is_told_by_the_first_letters_however_late_they_come() -> None:
    ascii_rows = "".join(f"{n},plain\n" for n in range(40_000)).encode()
    data = b"id,title\n" + ascii_rows + "x,Größe für Mädchen\ny,schön\n".encode("cp1252")
    assert cells(data)[-2:] == [{"id": "x", "title": "Größe für Mädchen"}, {"id": "y", "title": "schön"}]


def test_the_header_may_follow_comments_and_titles() -> None:
    text = '# made by a shop\n"a list, of products"\n\nid,title\n1,a\n'
    assert cells(text) == [{"id": "1", "title": "a"}]
    assert rows(text)[0].line == 5


def test_the_delimiter_is_the_one_that_gives_known_columns() -> None:
    assert cells("id;title;description\n1;a;x, y, z\n2;b;x, y, z\n")[0] == {
        "id": "1",
        "title": "a",
        "description": "x, y, z",
    }
    assert cells("sep=|\nid|title\n1|a,b;c\n") == [{"id": "1", "title": "a,b;c"}]
