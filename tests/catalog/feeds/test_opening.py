"""A feed is told by its bytes; what is none says what to do."""

import gzip
import io
import tempfile
from pathlib import Path
from typing import IO

import pytest

from catalog.feeds.contract import (
    FeedColumnsMissing,
    FeedKind,
    FeedLimits,
    FeedRow,
    FeedTooLarge,
    FeedUnreadable,
    RowError,
)
from catalog.feeds.opening import Feed, open_feed
from jobs.errors import PermanentError
from tests.catalog.feeds.samples import FEEDS

LINES = b"id,title\n" + b"".join(b"%d,Thing %d\n" % (n, n) for n in range(1, 501))


class Pipe(io.BytesIO):
    """A stream that cannot go back."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


def numbers(feed: Feed, start: int = 1) -> list[int]:
    return [row.number for row in feed.rows(start)]


@pytest.mark.parametrize("name", FEEDS)
def test_rows_are_restarted_from_any_number(name: str) -> None:
    with open_feed(io.BytesIO(FEEDS[name][1]())) as feed:
        whole = list(feed.rows())
        assert [row.number for row in whole] == [1, 2, 3, 4]
        assert all(isinstance(row, FeedRow) for row in whole)
        for start in range(1, 6):
            assert list(feed.rows(start)) == whole[start - 1 :]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_paths_streams_and_pipes_are_read_again_and_again(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "feed"
    path.write_bytes(pack(LINES))
    stream = io.BytesIO(b"before" + pack(LINES))
    stream.seek(6)
    places: list[str | Path | IO[bytes]] = [path, str(path), stream, Pipe(pack(LINES))]
    for place in places:
        with open_feed(place) as feed:
            assert feed.kind == FeedKind.CSV
            for _ in range(2):
                assert numbers(feed) == list(range(1, 501))
    assert not stream.closed


def test_a_pipe_is_copied_to_disk_and_the_copy_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[tempfile.SpooledTemporaryFile] = []
    real = tempfile.SpooledTemporaryFile

    def remember(max_size: int) -> tempfile.SpooledTemporaryFile:
        copies.append(real(max_size=max_size))
        return copies[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", remember)
    with open_feed(Pipe(LINES)) as feed:
        numbers(feed)
    with pytest.raises(FeedUnreadable):
        open_feed(Pipe(b"%PDF"))
    assert [copy.closed for copy in copies] == [True, True]
    with pytest.raises(FeedTooLarge):
        open_feed(Pipe(LINES), limits=FeedLimits(max_bytes=100))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", FeedUnreadable, "empty"),
        (b" \r\n\xef\xbb\xbf", FeedUnreadable, "empty"),
        (b"\xef\xbb\xbf", FeedUnreadable, "empty"),
        (b"PK\x03\x04rest", FeedUnreadable, "Excel workbook"),
        (b"\xd0\xcf\x11\xe0", FeedUnreadable, "old Excel"),
        (b"%PDF-1.4", FeedUnreadable, "PDF"),
        (b"\xfd7zXZ\x00", FeedUnreadable, "xz"),
        (b"<!DOCTYPE html><html>", FeedUnreadable, "web page"),
        (b'{"a": {"b": 1},\n"c": 2}', FeedUnreadable, "no list of products"),
        (b"just some words\nand more", FeedColumnsMissing, "names columns"),
        (b"foo,bar\n1,2\n", FeedColumnsMissing, "names columns"),
        (b"id,price\n1,2\n", FeedColumnsMissing, "title"),
        (b"title,price\n1,2\n", FeedColumnsMissing, "id"),
        (bytes(range(256)) * 10, FeedUnreadable, ""),
    ],
)
def test_what_is_no_feed_is_refused_with_a_remedy(data: bytes, error: type[FeedUnreadable], message: str) -> None:
    with pytest.raises(error) as refused:
        open_feed(io.BytesIO(data))
    assert message in str(refused.value)
    assert refused.value.remedy
    assert isinstance(refused.value, PermanentError)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedUnreadable):
        open_feed(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"id":1,"title":"a"}', FeedKind.JSON_LINES),
        (b'{"id":1,"title":"a","variants":[{"id":2}]}\n{"id":3}', FeedKind.JSON_LINES),
        (b'{"id":1,"title":"a\n{"id":2,"title":"b"}', FeedKind.JSON_LINES),
        (b'{"products":[{"id":1}]}', FeedKind.JSON),
        (b'{"title":"Shop","products":[{"id":1}]}', FeedKind.JSON),
        (b'{\n"items": [\n{"id":1}]}', FeedKind.JSON),
        (b"[]", FeedKind.JSON),
        (b"<offers><offer id='1'><name>a</name></offer></offers>", FeedKind.XML),
        (b"id;title\n1;a,b,c\n2;d,e,f\n", FeedKind.CSV),
        (b"Handle,Title,Option1 Name,Option1 Value\n", FeedKind.SHOPIFY_CSV),
        (b"URL handle,Title,Option1 name,Option1 value\n", FeedKind.SHOPIFY_CSV),
        (b"ID,Type,SKU,Name,Published,In stock?,Regular price\n", FeedKind.WOOCOMMERCE_CSV),
    ],
)
def test_kinds_are_told_apart(data: bytes, kind: FeedKind) -> None:
    with open_feed(io.BytesIO(data)) as feed:
        assert feed.kind == kind


def test_a_damaged_or_too_large_file_ends_with_an_error_and_no_half_row() -> None:
    with open_feed(io.BytesIO(gzip.compress(LINES)[:-60])) as feed:
        *rows, last = feed.rows()
    assert isinstance(last, RowError)
    assert (last.code, last.number) == ("feed.broken_end", len(rows) + 1)
    assert [row.data["title"] for row in rows] == [f"Thing {n + 1}" for n in range(len(rows))]
    with open_feed(io.BytesIO(gzip.compress(LINES)), limits=FeedLimits(max_bytes=1_000)) as feed:
        *rows, last = feed.rows()
    assert isinstance(last, RowError)
    assert (last.code, last.number) == ("feed.too_large", len(rows) + 1)
    assert [row.data["title"] for row in rows] == [f"Thing {n + 1}" for n in range(len(rows))]


@pytest.mark.parametrize(
    ("before", "long", "after"),
    [
        (b"id,title\n1,a\n", b"2,", b"\n3,c\n"),
        (b'{"id":1,"title":"a"}\n', b'{"id":2,"title":"', b'"}\n{"id":3,"title":"c"}\n'),
        (b'[{"id":1,"title":"a"},', b'{"id":2,"title":"', b'"},{"id":3,"title":"c"}]'),
        (b"<rss><item><id>1</id></item>", b"<item><id>2</id><title>", b"</title></item><item><id>3</id></item></rss>"),
    ],
)
def test_a_row_of_many_megabytes_is_one_error(before: bytes, long: bytes, after: bytes) -> None:
    data = before + long + b"x" * 5_000_000 + after
    with open_feed(io.BytesIO(data)) as feed:
        first, second, third = feed.rows()
    assert isinstance(second, RowError)
    assert (first.number, second.code, third.number) == (1, "feed.line_too_long", 3)
