"""Inflation: bytes as they come, gunzipped where they are gzip, and never more of them than was agreed."""

import zlib
from collections.abc import Iterator
from enum import StrEnum

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 64 * 1024


class InflationProblem(StrEnum):
    """Why nothing more comes out."""

    BROKEN = "broken"  # the compressed data is damaged
    CUT_SHORT = "cut_short"  # it ends before its end
    TOO_LARGE = "too_large"  # more than max_bytes


class Inflater:
    """Turns chunks of a file into pieces of what it holds; gzip is known by its first bytes, not by a name.

    What came out before a problem is good; after it nothing comes out. Holds at most a few pieces in memory.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._left = max_bytes
        # Two: some servers compress a file that is compressed already.
        self._outer, self._inner = _Layer(), _Layer()
        self.problem: InflationProblem | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the chunk adds, in pieces of PIECE_BYTES at most where it is compressed."""
        if self.problem is not None or not data:
            return
        try:
            for outer in self._outer.feed(data):
                for piece in self._inner.feed(outer):
                    yield piece[: self._left]
                    self._left -= len(piece)
                    if self._left < 0:
                        self.problem = InflationProblem.TOO_LARGE
                        return
        except zlib.error:
            self.problem = InflationProblem.BROKEN

    def close(self) -> Iterator[bytes]:
        """Yield what was held back, and see whether the file came to its end."""
        if self.problem is not None:
            return
        for piece in self._outer.flush():
            yield from self._inner.feed(piece)
        yield from self._inner.flush()
        if self._outer.is_open or self._inner.is_open:
            self.problem = InflationProblem.CUT_SHORT


class _Layer:
    """One layer of gzip, or none: then its data goes through as it is."""

    def __init__(self) -> None:
        self._head = b""
        self._is_known = False
        self._is_gzip = False
        self._is_past_end = False
        self._member: zlib._Decompress | None = None

    @property
    def is_open(self) -> bool:
        return self._member is not None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._is_known:
            data = self._head = self._head + data
            if len(data) < len(GZIP_MAGIC):
                return
            self._is_known = True
            self._is_gzip = data.startswith(GZIP_MAGIC)
            self._head = b""
        if self._is_gzip:
            yield from self._inflate(data)
        else:
            yield data

    def flush(self) -> Iterator[bytes]:
        if self._head and not self._is_known:
            yield self._head

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        """Inflate one member after another; what is no member behind the last one is padding."""
        is_full = False
        while (data or is_full) and not self._is_past_end:
            if self._member is None:
                data = data.lstrip(b"\0")
                self._is_past_end = bool(data) and not GZIP_MAGIC.startswith(data[:2])
                if not data or self._is_past_end:
                    return
                self._member = zlib.decompressobj(wbits=31)
            piece = self._member.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            is_full = len(piece) == PIECE_BYTES
            data = self._member.unconsumed_tail
            if self._member.eof:
                data, is_full = self._member.unused_data, False
                self._member = None
