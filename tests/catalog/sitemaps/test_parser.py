"""Sitemaps of every kind, as sites write them."""

import gzip
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.sitemaps.contract import (
    Alternate,
    SitemapEntry,
    SitemapLimits,
    SitemapPicture,
    SitemapRead,
    SubSitemap,
)
from catalog.sitemaps.parser import SitemapParser, read_sitemap

ADDRESS = "https://shop.example/sitemap.xml"


def read(data: bytes | str, *, chunk: int = 50, limits: SitemapLimits | None = None) -> SitemapRead:
    data = data.encode() if isinstance(data, str) else data
    return read_sitemap((data[at : at + chunk] for at in range(0, len(data), chunk)), ADDRESS, limits=limits)


def urlset(*paths: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>https://shop.example{path}</loc></url>' for path in paths)}</urlset>"


FULL = """\ufeff
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
 <url>
  <loc> https://shop.example/p/1?a=1&b=2 </loc><lastmod>2024-05-06T10:00:00+02:00</lastmod><priority>0.5</priority>
  <image:image><image:title>Fish &amp; Chips</image:title><image:loc>//cdn.example/1.jpg</image:loc></image:image>
  <image:image><image:loc>https://cdn.example/2.jpg</image:loc></image:image>
  <xhtml:link rel="alternate" hreflang="de" href="/de/p/1"/>
 </url>
 <url><loc><![CDATA[/p/2?a=1&b=2]]></loc><lastmod>soon</lastmod></url>
</urlset>
"""


@pytest.mark.parametrize("chunk", [1, 13, 10_000])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: gzip.compress(gzip.compress(data))])
def test_a_urlset_is_read_with_pictures_alternates_and_dates(chunk: int, pack: type[bytes]) -> None:
    found = read(pack(FULL.encode()), chunk=chunk)
    assert list(found.entries) == [
        SitemapEntry(
            "https://shop.example/p/1?a=1&b=2",
            datetime(2024, 5, 6, 8, tzinfo=UTC),
            pictures=[
                SitemapPicture("https://cdn.example/1.jpg", "Fish & Chips"),
                SitemapPicture("https://cdn.example/2.jpg"),
            ],
            alternates=[Alternate("de", "https://shop.example/de/p/1")],
        ),
        SitemapEntry("https://shop.example/p/2?a=1&b=2", pictures=[], alternates=[]),
    ]
    assert (found.kind, found.is_cut) == ("urlset", False)
    assert dict(found.problem_counts) == {"sitemap.bad_date": 1, "sitemap.mended": 1}


def test_an_index_names_sitemaps_also_of_other_hosts() -> None:
    found = read(
        '<sitemapindex xmlns="x"><sitemap><loc>/sitemap_products_1.xml?from=1&amp;to=2</loc><lastmod>2024</lastmod>'
        "</sitemap><sitemap><loc>https://maps.example/2.xml.gz</loc></sitemap></sitemapindex>"
    )
    assert list(found.subs) == [
        SubSitemap("https://shop.example/sitemap_products_1.xml?from=1&to=2", datetime(2024, 1, 1, tzinfo=UTC)),
        SubSitemap("https://maps.example/2.xml.gz"),
    ]
    assert (found.kind, list(found.entries), list(found.problems)) == ("index", [], [])


def test_rss_and_atom_are_sitemaps_too() -> None:
    rss = read(
        "<rss><channel><link>https://shop.example/</link><item><title>Mug</title><link>https://shop.example/p/1</link>"
        "<pubDate>Tue, 10 Jun 2003 04:00:00 GMT</pubDate></item><item><guid>/p/2</guid></item></channel></rss>"
    )
    assert [(entry.address, entry.title) for entry in rss.entries] == [
        ("https://shop.example/p/1", "Mug"),
        ("https://shop.example/p/2", ""),
    ]
    atom = read(
        '<feed><link href="/"/><entry><title>Mug</title><link rel="self" href="/x"/><link href="/p/1"/>'
        "<updated>2024-01-01T00:00:00Z</updated></entry></feed>"
    )
    assert [entry.address for entry in atom.entries] == ["https://shop.example/p/1"]
    assert (rss.kind, atom.kind) == ("rss", "atom")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_plain_list_is_read_line_by_line(codec: str, end: str) -> None:
    lines = ["https://shop.example/größe", "", "not an address", "https://evil.example/", "https://shop.example/2"]
    found = read(end.join(lines).encode(codec), chunk=3)
    assert [entry.address for entry in found.entries] == [
        "https://shop.example/gr%C3%B6%C3%9Fe",
        "https://shop.example/2",
    ]
    assert found.kind == "text"
    assert [(problem.code, problem.line) for problem in found.problems] == [
        ("sitemap.bad_address", 3),
        ("sitemap.other_host", 4),
    ]


def test_other_hosts_are_refused_with_a_reason_and_www_is_the_same_site() -> None:
    found = read(urlset("/1").replace("//shop", "//www.shop") + urlset("/2").replace("shop.example", "evil.example"))
    assert [entry.address for entry in found.entries] == ["https://www.shop.example/1"]
    assert [problem.message for problem in found.problems] == [
        "https://evil.example/2 is of another host: evil.example"
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sitemap.no_sitemap"),
        (b"   \n", "sitemap.no_sitemap"),
        (b"<!DOCTYPE html><html><body>not found</body></html>", "sitemap.is_html"),
        (b"Not found", "sitemap.bad_address"),
        (b"<error/>", "sitemap.no_sitemap"),
        (b"{}", "sitemap.bad_address"),
        (b"\x89PNG\r\n\x1a\n\0\0", "sitemap.bad_address"),
    ],
)
def test_what_is_no_sitemap_is_named(data: bytes, code: str) -> None:
    found = read(data)
    assert (found.kind, list(found.entries)) == ("", [])
    assert code in found.problem_counts


@pytest.mark.parametrize("size", range(60, 150, 7))
def test_a_broken_tail_costs_the_tail_alone(size: int) -> None:
    data = urlset("/1", "/2", "/3").encode()[:size]
    found = read(data)
    whole = data.count(b"</url>")
    assert [entry.address for entry in found.entries] == [f"https://shop.example/{n + 1}" for n in range(whole)]
    assert found.is_cut
    assert found.problem_counts["sitemap.cut_short"] == 1


def test_a_broken_tail_of_gzip_gives_no_half_address() -> None:
    lines = b"".join(b"https://shop.example/product-with-a-long-name-%d\n" % n for n in range(3_000))
    found = read(gzip.compress(lines)[:-500], chunk=1_000)
    assert found.is_cut
    assert "sitemap.cut_short" in found.problem_counts
    whole = set(lines.decode().split())
    assert found.entries
    assert all(entry.address in whole for entry in found.entries)


def test_one_broken_entry_costs_no_other() -> None:
    found = read("<urlset><url><loc>/1</loc></url><url><loc>/2</lok></url><url><loc>/3</loc></url></urlset>")
    assert [entry.address[-2:] for entry in found.entries] == ["/1", "/3"]
    assert found.is_cut
    assert dict(found.problem_counts) == {"sitemap.broken": 1}


def test_a_file_is_read_to_its_caps() -> None:
    many = urlset(*(f"/{n}" for n in range(10)))
    found = read(many, limits=SitemapLimits(max_addresses=4))
    assert (len(found.entries), found.is_cut, dict(found.problem_counts)) == (4, True, {"sitemap.too_many": 1})
    found = read(many, limits=SitemapLimits(max_bytes=200))
    assert found.is_cut
    assert dict(found.problem_counts) == {"sitemap.too_large": 1}
    pictures = "<image:image><image:loc>/1.jpg</image:loc></image:image>" * 5
    found = read(f"<urlset><url><loc>/1</loc>{pictures}</url></urlset>", limits=SitemapLimits(max_pictures=3))
    assert len(found.entries[0].pictures) == 3


def test_problems_are_counted_and_the_first_are_kept() -> None:
    found = read(urlset(*(["/x"] * 100)).replace("shop.example", "evil.example"))
    assert found.problem_counts["sitemap.other_host"] == 100
    assert len(found.problems) == 20


def test_entries_are_streamed() -> None:
    parser = SitemapParser(ADDRESS)
    count = sum(1 for _ in parser.feed(b"<urlset>"))
    tracemalloc.start()
    for part in range(10):
        chunk = "".join(f"<url><loc>/p/{part * 500 + n}</loc></url>" for n in range(500)).encode()
        count += sum(1 for _ in parser.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    count += sum(1 for _ in parser.close())
    assert count == 5_000
    assert peak < 1_500_000


def test_entities_cannot_be_blown_up() -> None:
    grammar = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    found = read(f"<!DOCTYPE urlset [{grammar}]><urlset><url><loc>/&i;</loc></url></urlset>", chunk=10_000)
    assert (list(found.entries), found.is_cut) == ([], True)
    assert "sitemap.own_grammar" in found.problem_counts


@settings(max_examples=150)
@given(data=st.binary(max_size=300), at=st.integers(0, 1000), is_packed=st.booleans())
def test_no_bytes_raise(data: bytes, at: int, is_packed: bool) -> None:
    full = FULL.encode()
    for candidate in (data, full[:at] + data + full[at:], b"https://shop.example/" + data):
        read(gzip.compress(candidate) if is_packed else candidate, chunk=37)
