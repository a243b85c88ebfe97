"""What sitemaps say, and what may be wrong with them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["", "urlset", "index", "text", "rss", "atom"]

PROTOCOL_ADDRESSES = 50_000  # of one file; sitemaps.org, "Using Sitemap index files"
PROTOCOL_BYTES = 50 * 1024 * 1024  # of one file, uncompressed; the same page
MAX_ADDRESS_CHARS = 2_000  # what is stored of one; sitemaps.org allows less than 2,048
KEPT_PROBLEMS = 20  # of one code; all are counted


@dataclass(frozen=True, slots=True)
class SitemapPicture:
    """A picture that an entry names, perhaps with a title."""

    address: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Alternate:
    """The same page in another language."""

    language: str
    address: str


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """One page of the site."""

    address: str
    changed_at: datetime | None = None
    title: str = ""  # feeds give one; sitemaps do not
    pictures: Sequence[SitemapPicture] = ()
    alternates: Sequence[Alternate] = ()


@dataclass(frozen=True, slots=True)
class SubSitemap:
    """One sitemap that an index names."""

    address: str
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SitemapProblem:
    """Something that was refused or could not be read. The line is 0 where there is none."""

    code: str
    message: str
    sitemap: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapLimits:
    """What is read of one file."""

    max_bytes: int = PROTOCOL_BYTES  # uncompressed
    max_addresses: int = 4 * PROTOCOL_ADDRESSES  # some sites write more than the protocol allows
    max_pictures: int = 1_000  # of one entry; Google, "Image sitemaps"
    max_alternates: int = 200  # of one entry


@dataclass(frozen=True, slots=True)
class SitemapRead:
    """What one file said. is_cut: there was more, which was not read (see problems)."""

    address: str
    kind: Kind
    entries: Sequence[SitemapEntry]
    subs: Sequence[SubSitemap]
    problems: Sequence[SitemapProblem]
    problem_counts: Counter[str]
    is_cut: bool


@dataclass(slots=True)
class ProblemList:
    """Problems of one file: all counted, the first KEPT_PROBLEMS of each code kept."""

    sitemap: str
    kept: list[SitemapProblem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, code: str, message: str, *, line: int = 0) -> None:
        """Count a problem, and keep it when its code is not known well enough yet."""
        self.counts[code] += 1
        if self.counts[code] <= KEPT_PROBLEMS:
            self.kept.append(SitemapProblem(code, message[:300], self.sitemap, line))
