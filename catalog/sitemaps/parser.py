"""Read sitemaps as they come: XML, index, plain text, RSS and Atom, gzip or not.

Source: sitemaps.org, "Sitemaps XML format"; Google Search Central, "Image sitemaps" and "Localized versions".
"""

from collections.abc import Iterable, Iterator, Mapping

from catalog.sitemaps.contract import (
    PROTOCOL_ADDRESSES,
    Alternate,
    Kind,
    ProblemList,
    SitemapEntry,
    SitemapLimits,
    SitemapPicture,
    SitemapRead,
    SubSitemap,
)
from catalog.sitemaps.locations import LocationRefused, host_name_of, hosts_of_site, read_instant, resolve_location
from catalog.sitemaps.text import LineReader
from catalog.streams.charsets import codec_of_mark, codec_of_zeros
from catalog.streams.inflation import Inflater, InflationProblem
from catalog.streams.xml_records import XmlBreak, XmlRecord, XmlRecordReader

_RECORDS = frozenset({"url", "sitemap", "item", "entry"})
_KINDS: dict[str, Kind] = {"url": "urlset", "sitemap": "index", "item": "rss", "entry": "atom"}
_ROOTS: dict[str, Kind] = {"urlset": "urlset", "sitemapindex": "index", "rss": "rss", "RDF": "rss", "feed": "atom"}
_HEAD_BYTES = 512
_MAX_HEAD_BYTES = 16 * 1024
_BLANK = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"

Found = SitemapEntry | SubSitemap


class SitemapParser:
    """Takes chunks of one sitemap and gives what they complete; only the last entry is held in memory.

    Args:
        address: where the sitemap was read; relative addresses are taken from it.
        hosts: the hosts whose addresses are given; those of the sitemap's own site if None. Others are refused.
        limits: what is read of it.
    """

    def __init__(
        self, address: str, *, hosts: frozenset[str] | None = None, limits: SitemapLimits | None = None
    ) -> None:
        self.address = address
        self.kind: Kind = ""
        self.is_cut = False  # something was not read: the end, an entry in broken XML, or what is too much
        self._is_full = False
        self._hosts = hosts_of_site(address) if hosts is None else hosts
        self._limits = limits or SitemapLimits()
        self._problems = ProblemList(address)
        self._inflater = Inflater(max_bytes=self._limits.max_bytes)
        self._head = b""
        self._reader: XmlRecordReader | LineReader | None = None
        self._given = 0

    @property
    def problems(self) -> ProblemList:
        """What was refused or could not be read so far."""
        return self._problems

    @property
    def is_over(self) -> bool:
        """True when nothing more will come, whatever is fed."""
        is_stopped = isinstance(self._reader, XmlRecordReader) and self._reader.is_over
        return self._is_full or is_stopped or self._inflater.problem is not None

    def feed(self, data: bytes) -> Iterator[Found]:
        """Yield the entries and sitemaps that this chunk completes, in the file's order."""
        for piece in self._inflater.feed(data):
            yield from self._take(piece)

    def close(self) -> Iterator[Found]:
        """Yield what was held back; a file that stops in its midst leaves a problem."""
        for piece in self._inflater.close():
            yield from self._take(piece)
        self._note_inflation()
        if self._reader is None:
            self._reader = self._choose_reader()
            yield from self._pass_on(self._reader.feed(self._head))
        if self._inflater.problem is None and not self._is_full:
            yield from self._pass_on(self._reader.close())
        if isinstance(self._reader, XmlRecordReader):
            self._note_xml(self._reader)
        if not self.kind and not self._problems.counts:
            self._problems.add("sitemap.no_sitemap", "there are no addresses in this file")
        if self._given > PROTOCOL_ADDRESSES:
            self._problems.add("sitemap.over_protocol", f"more than {PROTOCOL_ADDRESSES} addresses in one file")

    def _take(self, piece: bytes) -> Iterator[Found]:
        if self._reader is None:
            self._head += piece
            if len(self._head) < _MAX_HEAD_BYTES and len(self._head.strip(_BLANK)) < _HEAD_BYTES:
                return
            self._reader = self._choose_reader()
            piece, self._head = self._head, b""
        yield from self._pass_on(self._reader.feed(piece))

    def _choose_reader(self) -> XmlRecordReader | LineReader:
        codec, mark = codec_of_mark(self._head)
        codec = codec or codec_of_zeros(self._head)
        start = self._head[mark:].decode(codec or "latin-1", errors="replace").lstrip("\ufeff \t\r\n\0")
        return XmlRecordReader(_RECORDS) if start.startswith("<") else LineReader(codec or "utf-8-sig", mark)

    def _pass_on(self, read: Iterable[XmlRecord | XmlBreak | tuple[int, str]]) -> Iterator[Found]:
        for item in read:
            if self._is_full:
                return
            if isinstance(item, XmlBreak):
                self.is_cut = True
                self._problems.add(f"sitemap.{item.code.removeprefix('xml.')}", item.message, line=item.line)
                continue
            found = self._entry_of_line(*item) if isinstance(item, tuple) else self._found_in(item)
            if found is None:
                continue
            if self._given >= self._limits.max_addresses:
                self.is_cut = self._is_full = True
                self._problems.add("sitemap.too_many", f"more than {self._limits.max_addresses} addresses in one file")
                return
            self._given += 1
            yield found

    def _note_xml(self, reader: XmlRecordReader) -> None:
        self.kind = self.kind or _ROOTS.get(reader.root, "")
        if reader.mended:
            self._problems.add(
                "sitemap.mended", f"{reader.mended} references or characters that are no XML were mended"
            )

    def _note_inflation(self) -> None:
        match self._inflater.problem:
            case InflationProblem.TOO_LARGE:
                self.is_cut = True
                self._problems.add("sitemap.too_large", f"more than {self._limits.max_bytes} bytes, uncompressed")
            case InflationProblem.BROKEN:
                self.is_cut = True
                self._problems.add("sitemap.broken_gzip", "the compressed data is damaged")
            case InflationProblem.CUT_SHORT:
                self.is_cut = True
                self._problems.add("sitemap.cut_short", "the compressed data stops before its end")

    def _entry_of_line(self, line: int, text: str) -> SitemapEntry | None:
        if not text.lower().startswith(("http://", "https://")):  # a list's addresses are whole; this may be any text
            self._problems.add("sitemap.bad_address", f"{text[:100]!r} is no address", line=line)
            return None
        self.kind = "text"
        address = self._resolve(text, line=line)
        return SitemapEntry(address) if address is not None else None

    def _found_in(self, record: XmlRecord) -> Found | None:
        self.kind = self.kind or _KINDS[record.name]
        if record.is_cut:
            self._problems.add("sitemap.entry_too_large", "an entry holds more than is read of one", line=record.line)
        first: dict[str, str] = {}
        for item in record.fields:
            if len(item.path) == 1 and item.text:
                first.setdefault(item.path[0], item.text)
        text = _location_in(record, first)
        # An index names files of this site, or of a host that keeps its sitemaps: the planner decides on those.
        address = self._resolve(text, line=record.line, is_own=record.name != "sitemap")
        if address is None:
            return None
        stamp = next(
            (first[name] for name in ("lastmod", "updated", "pubDate", "date", "published") if name in first), ""
        )
        changed_at = read_instant(stamp) if stamp else None
        if stamp and changed_at is None:
            self._problems.add("sitemap.bad_date", f"{stamp[:100]!r} is no date", line=record.line)
        if record.name == "sitemap":
            return SubSitemap(address, changed_at)
        return SitemapEntry(
            address,
            changed_at,
            title=first.get("title", "")[:500] if record.name in ("item", "entry") else "",
            pictures=self._pictures_in(record),
            alternates=self._alternates_in(record),
        )

    def _pictures_in(self, record: XmlRecord) -> list[SitemapPicture]:
        pictures: list[SitemapPicture] = []
        address, title = "", ""
        for item in record.fields:
            match item.path:
                case ("image", "loc"):
                    address = self._resolve(item.text, line=record.line, is_own=False) or ""
                case ("image", "title"):
                    title = item.text[:500]
                case ("image",):
                    if address and len(pictures) < self._limits.max_pictures:
                        pictures.append(SitemapPicture(address, title))
                    address, title = "", ""
        return pictures

    def _alternates_in(self, record: XmlRecord) -> list[Alternate]:
        alternates: list[Alternate] = []
        for item in record.fields:
            if item.path != ("link",) or not item.attributes.get("hreflang"):
                continue
            address = self._resolve(item.attributes.get("href", ""), line=record.line, is_own=False)
            if address is not None and len(alternates) < self._limits.max_alternates:
                alternates.append(Alternate(item.attributes["hreflang"].strip()[:35], address))
        return alternates

    def _resolve(self, text: str, *, line: int, is_own: bool = True) -> str | None:
        """Return the address that a text names; a problem and None if it may not be read."""
        try:
            address = resolve_location(text, base=self.address)
        except LocationRefused as refused:
            self._problems.add(refused.code, str(refused), line=line)
            return None
        if is_own and (host := host_name_of(address)) not in self._hosts:
            self._problems.add("sitemap.other_host", f"{address[:200]} is of another host: {host}", line=line)
            return None
        return address


def read_sitemap(
    chunks: Iterable[bytes], address: str, *, hosts: frozenset[str] | None = None, limits: SitemapLimits | None = None
) -> SitemapRead:
    """Read one sitemap to its end, or to its limits; what was read before a break is kept, and the break is named."""
    parser = SitemapParser(address, hosts=hosts, limits=limits)
    entries: list[SitemapEntry] = []
    subs: list[SubSitemap] = []

    def keep(found: Iterable[Found]) -> None:
        for item in found:
            if isinstance(item, SubSitemap):
                subs.append(item)
            else:
                entries.append(item)

    for chunk in chunks:
        keep(parser.feed(chunk))
        if parser.is_over:
            break
    keep(parser.close())
    problems = parser.problems
    return SitemapRead(address, parser.kind, entries, subs, problems.kept, problems.counts, parser.is_cut)


def _location_in(record: XmlRecord, first: Mapping[str, str]) -> str:
    """Return the address that a record names, as it is written."""
    if record.name in ("url", "sitemap"):
        return first.get("loc", "")
    for item in record.fields:
        if item.path == ("link",) and not item.text and item.attributes.get("rel", "alternate") == "alternate":
            return item.attributes.get("href", "") or first.get("link", "")
    return first.get("link", "") or first.get("guid", "")
