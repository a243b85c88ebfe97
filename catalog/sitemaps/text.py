"""Sitemaps that are plain lists: one address a line."""

import codecs
from collections.abc import Iterator

from catalog.sitemaps.contract import MAX_ADDRESS_CHARS

_LONGEST_LINE = 4 * MAX_ADDRESS_CHARS


class LineReader:
    """Takes chunks and gives lines that hold something, with their numbers; an endless line is given cut."""

    def __init__(self, codec: str, mark: int) -> None:
        self._decoder = codecs.getincrementaldecoder(codec)(errors="replace")
        self._skip = mark
        self._line = ""
        self._number = 0
        self._is_skipping = False

    def feed(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Yield the lines that end in this chunk."""
        text = self._line + self._decoder.decode(data[self._skip :])
        self._skip = max(0, self._skip - len(data))
        *lines, self._line = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            yield from self._give(line)
        if len(self._line) > _LONGEST_LINE:
            if not self._is_skipping:
                yield self._number + 1, self._line[:_LONGEST_LINE]
            self._is_skipping = True
            self._line = ""

    def close(self) -> Iterator[tuple[int, str]]:
        """Yield the last line, which nothing ends."""
        yield from self._give(self._line + self._decoder.decode(b"", True))

    def _give(self, line: str) -> Iterator[tuple[int, str]]:
        self._number += 1
        if self._is_skipping:
            self._is_skipping = False
        elif text := line.strip("\ufeff \t\0"):
            yield self._number, text
