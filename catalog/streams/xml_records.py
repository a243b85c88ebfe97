"""XML as records: each `<url>`, `<item>`... of a document alone, as soon as it ends, in bounded memory.

Names are compared without their prefixes, declared or not. Nothing outside the document is read, no entity is
expanded, and a document that brings a grammar of its own is refused. Where the XML breaks, that is reported, and the
reading goes on with the next record that begins.
"""

import codecs
import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from catalog.streams.charsets import codec_of_mark, codec_of_zeros, text_codec
from catalog.streams.xml_mending import XmlMender

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_HEAD_BYTES = 256
_CHUNK_BYTES = 64 * 1024
_SEEK_CARRY = 128


@dataclass(frozen=True, slots=True)
class XmlField:
    """One element inside a record, when it ends: its path of names, its own text, and its attributes."""

    path: tuple[str, ...]
    space: str  # the namespace's address where its prefix is declared, else the prefix
    text: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class XmlRecord:
    """One record, whole; is_cut when it held more than is kept of one."""

    name: str
    line: int
    attributes: dict[str, str]
    fields: list[XmlField]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class XmlBreak:
    """A place where the XML breaks. Nothing comes after one that is final."""

    code: str
    message: str
    line: int
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlLimits:
    """What a document may hold; a real one comes nowhere near."""

    depth: int = 64
    names: int = 4_000  # different names of elements and attributes: the parser remembers each
    fields: int = 5_000  # of one record
    record_chars: int = 2 * 1024 * 1024
    tag_bytes: int = 256 * 1024  # the parser reads an unfinished tag again with each chunk
    mended: int = 1_000_000
    breaks: int = 1_000


@dataclass(slots=True)
class _Open:
    """An element that has begun."""

    path: tuple[str, ...]
    space: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


class _Refused(Exception):
    """Raised to stop the parser; reading goes on at byte `at`, or behind the chunk, unless it is final."""

    def __init__(self, code: str, message: str, *, is_final: bool = True, at: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.is_final = is_final
        self.at = at


class XmlRecordReader:
    """Reads chunks of a document; the first of the names that occurs is the document's kind of record."""

    # The state of the parser in use; _begin sets it.
    _parser: Any
    _prefix: bytes
    _base_line: int
    _fed: int  # bytes, without the prefix
    _is_seeking: bool
    _seek_line: int
    _carry: bytes

    def __init__(self, names: frozenset[str], *, limits: XmlLimits | None = None) -> None:
        self._names = names
        self._limits = limits or XmlLimits()
        self._mender = XmlMender()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._kind: frozenset[str] = names
        self._seek = re.compile(
            rb"<(?:[\w.-]{1,64}:)?(?:" + b"|".join(sorted(n.encode() for n in names)) + rb")(?=[\s>/])"
        )
        self._seen: set[str] = set()
        self._spaces: dict[str, str] = {}
        self._way: list[str] = []  # the raw names of the elements around the records
        self._ready: list[XmlRecord | XmlBreak] = []
        self._breaks = 0
        self.root = ""
        self.root_attributes: dict[str, str] = {}
        self.is_over = False
        self._begin(b"", line=0)

    @property
    def mended(self) -> int:
        """How many bare ampersands, unknown names and forbidden characters were mended so far."""
        return self._mender.mended

    def feed(self, data: bytes) -> list[XmlRecord | XmlBreak]:
        """Return the records that end in this chunk, in order, and the breaks between them."""
        if self._decoder is None:
            self._head += data
            if len(self._head) < _HEAD_BYTES:
                return []
            data = self._open()
        for at in range(0, len(data), _CHUNK_BYTES):
            self._read(data[at : at + _CHUNK_BYTES], is_last=False)
        return self._taken()

    def close(self) -> list[XmlRecord | XmlBreak]:
        """Return what the end of the document brings: a document that stops in its midst ends with a break."""
        if self._decoder is None:
            rest = self._open()
            for at in range(0, len(rest), _CHUNK_BYTES):
                self._read(rest[at : at + _CHUNK_BYTES], is_last=False)
        self._read(b"", is_last=True)
        if not self.is_over and not self._is_seeking:
            try:
                self._parser.Parse(b"", True)
            except expat.ExpatError as error:
                code, message = "xml.cut_short", "the document stops before its end"
                if not self.root:
                    code, message = "xml.no_xml", f"this is no XML: {expat.ErrorString(error.code)}"
                self._break(code, message, line=self._base_line + error.lineno, is_final=True)
        self.is_over = True
        return self._taken()

    def _taken(self) -> list[XmlRecord | XmlBreak]:
        taken, self._ready = self._ready, []
        return taken

    def _open(self) -> bytes:
        """Choose the decoder by the document's first bytes; return them without a byte order mark."""
        head, self._head = self._head, b""
        codec, mark = codec_of_mark(head)
        if not codec:
            declared = _DECLARED.search(head[:_HEAD_BYTES])
            named = text_codec(declared[1].decode()) if declared else ""
            # A declaration that can be read as ASCII is not in UTF-16, whatever it says.
            codec = codec_of_zeros(head[:_HEAD_BYTES]) or (named if not named.startswith(("utf-16", "utf-32")) else "")
        self._decoder = codecs.getincrementaldecoder(codec or "utf-8")(errors="replace")
        return head[mark:]

    def _read(self, data: bytes, *, is_last: bool) -> None:
        if self.is_over or self._decoder is None:
            return
        text = self._decoder.decode(data, is_last)
        if not self.root and self._fed == 0:
            text = text.lstrip("\ufeff \t\r\n")
            if _HTML.match(text[:2000]):
                self._break("xml.is_html", "this is a page, no XML document", line=1, is_final=True)
                return
        self._parse(self._mender.feed(text, is_last=is_last).encode("utf-8", errors="replace"))

    def _parse(self, data: bytes) -> None:
        """Hand a chunk to the parser; where it breaks, begin anew with the next record."""
        while data and not self.is_over:
            if self._is_seeking:
                data = self._find_record(data)
                continue
            fed_before = self._fed
            self._fed += len(data)
            try:
                self._parser.Parse(data, False)
                self._check_progress()
                return
            except _Refused as refused:
                line = self._base_line + self._parser.CurrentLineNumber
                self._break(refused.code, str(refused), line=line, is_final=refused.is_final)
                at = refused.at if refused.at is not None else self._fed + len(self._prefix)
            except expat.ExpatError as error:
                line = self._base_line + error.lineno
                # A second document, or rubbish, behind the first one.
                if not self._is_trailing(error.code):
                    self._break("xml.broken", expat.ErrorString(error.code), line=line)
                at = self._parser.ErrorByteIndex + 1
            data = data[max(0, at - fed_before - len(self._prefix)) :]
            self._is_seeking = True
            self._seek_line = line

    def _check_progress(self) -> None:
        if self._mender.mended > self._limits.mended:
            raise _Refused("xml.no_xml", f"more than {self._limits.mended} characters are no XML")
        if len(self._prefix) + self._fed - self._parser.CurrentByteIndex > self._limits.tag_bytes:
            raise _Refused("xml.too_long", f"a tag of more than {self._limits.tag_bytes} bytes", is_final=False)

    def _is_trailing(self, code: int) -> bool:
        return code == expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT] and bool(self._way)

    def _find_record(self, data: bytes) -> bytes:
        """Return the data from the next record's begin, with a parser that stands where that record stands."""
        data = self._carry + data
        found = self._seek.search(data)
        passed = data[: found.start()] if found else data[:-_SEEK_CARRY]
        self._seek_line += passed.count(b"\n")
        if not found:
            self._carry = data[-_SEEK_CARRY:]
            return b""
        prefix = "".join(f"<{name}>" for name in self._way or ["resumed"])
        self._begin(prefix.encode(), line=self._seek_line - 1)
        return data[found.start() :]

    def _break(self, code: str, message: str, *, line: int, is_final: bool = False) -> None:
        self._breaks += 1
        is_final = is_final or self._breaks >= self._limits.breaks
        self.is_over = self.is_over or is_final
        self._ready.append(XmlBreak(code, message, line=line, is_final=is_final))

    def _begin(self, prefix: bytes, *, line: int) -> None:
        """Take a new parser; the prefix opens the elements around the records."""
        self._prefix = prefix
        self._base_line = line
        self._fed = 0
        self._carry = b""
        self._is_seeking = False
        self._seek_line = line
        self._stack: list[_Open] = []
        self._raw: list[str] = []
        self._record_depth = 0
        self._record: XmlRecord | None = None
        self._record_chars = 0
        parser: Any = expat.ParserCreate("utf-8", None, None)  # None: names are not kept a second time
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        self._parser = parser
        if prefix:
            parser.Parse(prefix, False)

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise _Refused("xml.own_grammar", "the document declares a grammar of its own")

    def _entity(self, *_: object) -> None:
        raise _Refused("xml.own_grammar", "the document declares entities of its own")

    def _start(self, raw: str, attributes: dict[str, str]) -> None:
        self._raw.append(raw)
        if len(self._raw) > self._limits.depth:
            raise _Refused("xml.too_deep", f"elements stand in one another {self._limits.depth} deep")
        self._seen.add(raw)
        if attributes:
            self._seen.update(attributes)
            self._spaces.update((name[6:], value) for name, value in attributes.items() if name.startswith("xmlns"))
        if len(self._seen) > self._limits.names:
            raise _Refused("xml.too_many_names", f"more than {self._limits.names} different names")
        prefix, _, name = raw.rpartition(":")
        if not self.root:
            self.root, self.root_attributes = name, attributes
        if self._record is not None:
            if name == self._record.name and not self._stack:
                message = f"a <{name}> begins inside another that began in line {self._record.line}"
                raise _Refused("xml.unclosed", message, is_final=False, at=self._parser.CurrentByteIndex)
            path = (*self._stack[-1].path, name) if self._stack else (name,)
            self._stack.append(_Open(path, self._spaces.get(prefix, prefix), attributes))
        elif name in self._kind and len(self._raw) > 1:
            self._kind = frozenset({name})
            self._way = self._raw[:-1]
            self._record_depth = len(self._raw)
            self._record_chars = 0
            line = self._base_line + self._parser.CurrentLineNumber
            self._record = XmlRecord(name=name, line=line, attributes=attributes, fields=[])

    def _characters(self, text: str) -> None:
        if not self._stack:
            return
        self._record_chars += len(text)
        if self._record_chars <= self._limits.record_chars:
            self._stack[-1].text.append(text)

    def _end(self, _raw: str) -> None:
        depth = len(self._raw)
        self._raw.pop()
        if self._record is None:
            return
        if depth > self._record_depth:
            self._close_field(self._record)
            return
        record, self._record = self._record, None
        if len(record.fields) >= self._limits.fields or self._record_chars > self._limits.record_chars:
            record = XmlRecord(record.name, record.line, record.attributes, record.fields, is_cut=True)
        self._ready.append(record)

    def _close_field(self, record: XmlRecord) -> None:
        element = self._stack.pop()
        text = "".join(element.text).strip()
        if len(record.fields) < self._limits.fields:
            record.fields.append(XmlField(element.path, element.space, text, element.attributes))
