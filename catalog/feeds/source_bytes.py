"""A feed's bytes: from a file or a stream, inflated, as often as they are asked for."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from catalog.feeds.contract import FeedTooLarge, FeedUnreadable
from catalog.streams.inflation import Inflater, InflationProblem

HEAD_BYTES = 256 * 1024
_CHUNK_BYTES = 256 * 1024
_IN_MEMORY_BYTES = 8 * 1024 * 1024

ENDS = {
    InflationProblem.BROKEN: ("feed.broken_end", "the compressed data is damaged here; what follows was not read"),
    InflationProblem.CUT_SHORT: ("feed.broken_end", "the compressed file stops before its end"),
    InflationProblem.TOO_LARGE: ("feed.too_large", "the file holds more than is read of one"),
}


class FeedBytes:
    """Opens a path anew for each pass, or goes back in a stream; one that cannot go back is copied to disk first.

    Raises:
        FeedTooLarge: a stream that cannot go back is larger than max_bytes (permanent).
        FeedUnreadable: there is no such file (permanent).
    """

    def __init__(self, place: str | Path | IO[bytes], *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._path: Path | None = None
        self._stream: IO[bytes] | None = None
        self._own: IO[bytes] | None = None
        self.problem: InflationProblem | None = None
        if isinstance(place, str | Path):
            self._path = Path(place)
        elif place.seekable():
            self._stream = place
            self._start = place.tell()
        else:
            self._start = 0
            self._stream = self._own = self._copied(place)

    def close(self) -> None:
        """Remove the copy, if there is one. A stream that was given stays open."""
        if self._own is not None:
            self._own.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the feed's bytes from its beginning; afterwards `problem` says whether that was all of them."""
        self.problem = None
        inflater = Inflater(max_bytes=self._max_bytes)
        for chunk in self._raw_chunks():
            yield from inflater.feed(chunk)
            if inflater.problem is not None:
                break
        yield from inflater.close()
        self.problem = inflater.problem

    def head(self) -> bytes:
        """Return the first HEAD_BYTES, or all if there are fewer."""
        head = b""
        for chunk in self.chunks():
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
        return head[:HEAD_BYTES]

    def _raw_chunks(self) -> Iterator[bytes]:
        if self._stream is not None:
            self._stream.seek(self._start)
            yield from _pieces(self._stream)
        elif self._path is not None:
            try:
                with self._path.open("rb") as file:
                    yield from _pieces(file)
            except OSError as error:
                remedy = "Name a file that can be read."
                raise FeedUnreadable(f"{self._path}: {error.strerror}", remedy=remedy) from error

    def _copied(self, stream: IO[bytes]) -> IO[bytes]:
        copy = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - close() closes it
        left = self._max_bytes
        while chunk := stream.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                copy.close()
                raise FeedTooLarge(remedy="Split the feed into several files.")
            copy.write(chunk)
        return copy


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
