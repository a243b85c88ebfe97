"""Lines: a feed's bytes as lines of text with their numbers, whatever their encoding, in bounded memory."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.streams.charsets import codec_of_mark, codec_of_zeros, guess_codec

UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end. trouble: a code when the text is not the whole or not the right one."""

    number: int
    text: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How bytes are text. is_sure: a mark or letters say so; else the bytes seen so far were ASCII alone."""

    codec: str
    mark: int
    is_sure: bool

    @property
    def is_wide(self) -> bool:
        """True when a line's end is more than one byte."""
        return self.codec.startswith(("utf-16", "utf-32"))


def sniff_encoding(head: bytes) -> Encoding:
    """Return the encoding of a file that begins so."""
    codec, mark = codec_of_mark(head)
    codec = codec or codec_of_zeros(head[:1024])
    if codec:
        return Encoding(codec, mark, is_sure=True)
    if head.isascii():
        return Encoding(UTF_8, 0, is_sure=False)
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        decoder.decode(head)
    except UnicodeDecodeError as error:
        # A file in UTF-8 with a few bad bytes stays one: those rows are refused, not all letters misread.
        if error.start > 0 and not head[: error.start].isascii() and _mostly_utf8(head):
            return Encoding(UTF_8, 0, is_sure=True)
        return Encoding(guess_codec(head), 0, is_sure=True)
    return Encoding(UTF_8, 0, is_sure=True)


def _mostly_utf8(head: bytes) -> bool:
    text = head.decode(UTF_8, errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for sign in text if sign > "\x7f") - bad
    return good > 4 * bad


def read_lines(chunks: Iterable[bytes], encoding: Encoding, *, max_bytes: int) -> Iterator[Line]:
    """Yield the lines, each with the end that it has; a longer line than max_bytes is cut and has a trouble."""
    if encoding.is_wide:
        chunks = _narrowed(chunks, encoding)
        encoding = Encoding(UTF_8, 0, is_sure=True)
    codec = encoding.codec
    is_sure = encoding.is_sure
    for number, raw, is_long in _split(chunks, skip=encoding.mark, max_bytes=max_bytes):
        if is_long:
            yield Line(number, raw[:1000].decode(codec, errors="replace"), "feed.line_too_long")
            continue
        try:
            yield Line(number, raw.decode(codec))
        except UnicodeDecodeError:
            if not is_sure:
                codec = guess_codec(raw)
                is_sure = True
                yield Line(number, raw.decode(codec, errors="replace"))
            else:
                yield Line(number, raw.decode(codec, errors="replace"), "feed.bad_encoding")
        else:
            is_sure = is_sure or not raw.isascii()


def _narrowed(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Return the same text in UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors="replace")
    skip = encoding.mark
    for chunk in chunks:
        yield decoder.decode(chunk[skip:]).encode(UTF_8, errors="replace")
        skip = max(0, skip - len(chunk))
    yield decoder.decode(b"", True).encode(UTF_8, errors="replace")


def _split(chunks: Iterable[bytes], *, skip: int, max_bytes: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (number, line, is_too_long), lines with their ends: LF, CR LF or CR."""
    number = 0
    held = b""
    is_dropping = False  # the rest of a line that was too long
    for chunk in chunks:
        data = held + chunk[skip:]
        skip = max(0, skip - len(chunk))
        lines = data.splitlines(keepends=True)
        # What has no end yet, or a CR whose LF may follow, waits for the next chunk.
        held = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            if is_dropping:
                is_dropping = False
                continue
            number += 1
            yield number, line, len(line) > max_bytes
        if len(held) > max_bytes:
            if not is_dropping:
                number += 1
                yield number, held, True
            is_dropping = True
            held = b""
    if held and not is_dropping:
        yield number + 1, held, False
