"""Sitemaps as lists of a catalog: one file is one list, and is read by one job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.extraction.document import absolute
from catalog.reading import SiteReader
from catalog.replies import PageNotFound, RequestRefused, TooManyRedirects
from catalog.robots import RobotsForbid
from catalog.sitemaps.contract import PROTOCOL_BYTES
from catalog.sitemaps.parser import read_sitemap

ACCEPT_SITEMAPS = "application/xml,text/xml;q=0.9,*/*;q=0.5"
MAX_TRIED = 5


@dataclass(frozen=True, slots=True)
class SitemapFile:
    """What one file of a sitemap names."""

    address: str
    entries: Sequence[str]
    subs: Sequence[str]
    skipped: Mapping[str, int]


def find_sitemap(reader: SiteReader, site: str, *, places: Sequence[str]) -> SitemapFile | None:
    """Return the first sitemap that can be read, of those that robots.txt names and then of the places; None if none.

    Args:
        reader: the polite reader.
        site: the address below which the places stand.
        places: paths relative to the site.
    """
    rules = reader.rules(site)
    named = list(rules.parsed.sitemaps) if rules.parsed is not None else []
    written = dict.fromkeys(absolute(place, site) for place in [*named, *places])
    for address in [address for address in written if address][:MAX_TRIED]:
        try:
            found = read_sitemap_file(reader, address)
        except (PageNotFound, RequestRefused, RobotsForbid, TooManyRedirects):
            continue  # the next place may have one
        if found.entries or found.subs:
            return found
    return None


def read_sitemap_file(reader: SiteReader, address: str) -> SitemapFile:
    """Read one file of a sitemap.

    Raises: what `reader` raises.
    """
    reply = reader.get(address, accept=ACCEPT_SITEMAPS, max_bytes=PROTOCOL_BYTES, is_file=True)
    read = read_sitemap([reply.body], reply.address)
    return SitemapFile(
        address=address,
        entries=list(dict.fromkeys(entry.address for entry in read.entries)),
        subs=list(dict.fromkeys(sub.address for sub in read.subs)),
        skipped=dict(read.problem_counts),
    )
