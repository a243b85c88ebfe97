"""Bytes become lines, whatever their encoding and however they are cut."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from catalog.feeds.lines import Line, read_lines, sniff_encoding


@dataclass
class Pieces:
    data: bytes
    size: int
    problem: str | None = None
    end_problem: str | None = None

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self.data), self.size):
            yield self.data[at : at + self.size]
        self.problem = self.end_problem


def lines(data: bytes, *, size: int = 5, max_bytes: int = 1_000, end_problem: str | None = None) -> list[Line]:
    pieces = Pieces(data, size, end_problem=end_problem)
    return list(read_lines(pieces, sniff_encoding(data), max_bytes=max_bytes))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_lines_keep_their_ends_and_numbers(codec: str, size: int) -> None:
    found = lines("größe a b\r\nb\rc\n\nd\u2028e".encode(codec), size=size)
    assert [(line.number, line.text) for line in found] == [
        (1, "größe a b\r\n"),
        (2, "b\r"),
        (3, "c\n"),
        (4, "\n"),
        (5, "d\u2028e"),
    ]


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_line_that_is_too_long_is_one_trouble(size: int) -> None:
    found = lines(b"a\n" + b"x" * 500 + b"\nb\n" + b"y" * 500, size=size, max_bytes=100)
    assert [(line.number, line.trouble) for line in found] == [
        (1, ""),
        (2, "feed.line_too_long"),
        (3, ""),
        (4, "feed.line_too_long"),
    ]


def test_the_last_line_of_what_breaks_off_is_left_out() -> None:
    assert [line.text for line in lines(b"a\nb\nhalf", end_problem="broken")] == ["a\n", "b\n"]
    assert [line.text for line in lines(b"a\nb\nwhole")] == ["a\n", "b\n", "whole"]


@pytest.mark.parametrize(
    ("data", "codec", "is_sure"),
    [
        (b"abc", "utf-8", False),
        ("größe".encode(), "utf-8", True),
        ("größe".encode()[:-3], "utf-8", True),
        ("größe ".encode() * 3 + b"\xff", "utf-8", True),
        ("id;Größe\n1;süß und schön für Mädchen\n".encode("cp1252"), "cp1252", True),
    ],
)
def test_encodings_are_told_by_the_beginning(data: bytes, codec: str, is_sure: bool) -> None:
    found = sniff_encoding(data)
    assert (found.codec, found.is_sure) == (codec, is_sure)
