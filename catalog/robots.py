"""robots.txt: what a site lets us read (RFC 9309).

A 5xx or no answer means that nothing may be read for now; a 4xx, or an HTML page, that there are no rules. Five
redirects are followed, also to other hosts. The rules are those of `catalog.robots_rules`.
"""

import asyncio
import codecs
import time
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.fetching import FetchSession
from catalog.replies import PageNotFound, Request, RequestRefused, SiteFailing, TooManyRedirects
from catalog.robots_rules import RuleSet, parse_rules
from jobs.errors import JobError, PermanentError
from marketplace.egress import check_address

KEPT_FOR_S = 3600.0  # RFC 9309, 2.4: 24 hours at most
MAX_KEPT = 10_000  # origins of one process
MAX_BYTES = 8 * 1024 * 1024
PARSED_BYTES = 1024 * 1024  # RFC 9309, 2.5 asks for 500 KiB at least; what follows is not read


class RobotsForbid(PermanentError):
    """The site's robots.txt forbids us to read this page."""

    code = "catalog.robots_forbid"


class RobotsUnavailable(SiteFailing):
    """The site's robots.txt cannot be read, so nothing may be read for now."""

    code = "catalog.robots_unavailable"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one origin; none means that everything is allowed."""

    parsed: RuleSet | None

    @property
    def crawl_delay_s(self) -> float | None:
        """The seconds between two requests that the site asks for, a minute at most; None where it does not."""
        return self.parsed.crawl_delay_s if self.parsed else None

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The addresses of sitemaps that the site names, in its order; they may be of other hosts."""
        return self.parsed.sitemaps if self.parsed else ()

    def check(self, address: str) -> None:
        """Raise RobotsForbid when the rules forbid the address."""
        if self.parsed is not None and not self.parsed.allows(address):
            raise RobotsForbid(f"robots.txt of {origin_of(address)} forbids {address}")


_kept: dict[str, tuple[float, Rules]] = {}


async def rules_for(session: FetchSession, addresses: Iterable[str]) -> dict[str, Rules | JobError]:
    """Return the rules of each origin among the addresses, or the error that says why they are unknown."""
    origins = sorted({origin_of(address) for address in addresses})
    found = await asyncio.gather(*(_rules_of(session, origin) for origin in origins))
    return dict(zip(origins, found, strict=True))


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    return str(check_address(address).origin())


def forget_rules() -> None:
    """Read every robots.txt anew."""
    _kept.clear()


async def _rules_of(session: FetchSession, origin: str) -> Rules | JobError:
    kept = _kept.get(origin)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    try:
        rules = await _read(session, origin)
    except JobError as error:
        return error
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    _kept[origin] = (time.monotonic() + KEPT_FOR_S, rules)
    return rules


async def _read(session: FetchSession, origin: str) -> Rules:
    request = Request(address=f"{origin}/robots.txt", max_bytes=MAX_BYTES, accept="text/plain,*/*;q=0.1", is_file=True)
    try:
        reply = await session.send(request)
    except (PageNotFound, RequestRefused, TooManyRedirects):
        return Rules(None)  # RFC 9309, 2.3.1.3: a 4xx means that there are no rules
    except SiteFailing as error:
        raise RobotsUnavailable(f"{origin}/robots.txt: {error}") from error
    return read_rules(reply.body, media_type=reply.media_type, origin=origin)


def read_rules(body: bytes, *, media_type: str = "text/plain", origin: str = "") -> Rules:
    """Return the rules that an answer of 200 holds; whatever it is, it has a meaning."""
    text = _decoded(body[:PARSED_BYTES])
    if media_type in ("text/html", "application/xhtml+xml") or text.lstrip("\ufeff \t\r\n").startswith("<"):
        return Rules(None)  # a shop's page for everything that it does not know
    if len(body) > PARSED_BYTES:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]  # half a rule is another rule
    return Rules(parse_rules(text, origin=origin))


def _decoded(body: bytes) -> str:
    """Return the text, which is UTF-8 whatever the header says (RFC 9309, 2.3), or UTF-16 where a mark says so."""
    is_utf_16 = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return body.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace").replace("\x00", "")
