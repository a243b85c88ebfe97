"""robots.txt: what a site lets us read."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from protego import Protego

from catalog.egress import check_address
from catalog.fetching import (
    FetchSession,
    PageNotFound,
    Request,
    RequestRefused,
    SiteFailing,
    TooManyRedirects,
)
from jobs.errors import JobError, PermanentError

ROBOT = "SoukBot"
KEPT_FOR_S = 3600.0
MAX_BYTES = 1024 * 1024  # RFC 9309 asks for 500 KiB at least


class RobotsForbid(PermanentError):
    """The site's robots.txt forbids us to read this page."""

    code = "catalog.robots_forbid"


class RobotsUnavailable(SiteFailing):
    """The site's robots.txt cannot be read, so nothing may be read for now."""

    code = "catalog.robots_unavailable"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one origin; none means that everything is allowed."""

    parsed: Protego | None

    @property
    def crawl_delay_s(self) -> float | None:
        """The seconds between two requests that the site asks for; None where it does not."""
        return self.parsed.crawl_delay(ROBOT) if self.parsed else None

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The addresses of sitemaps that the site names, in its order; they may be of other hosts."""
        return tuple(str(it) for it in self.parsed.sitemaps) if self.parsed else ()

    def check(self, address: str) -> None:
        """Raise RobotsForbid when the rules forbid the address."""
        if self.parsed is not None and not self.parsed.can_fetch(address, ROBOT):
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
    _kept[origin] = (time.monotonic() + KEPT_FOR_S, rules)
    return rules


async def _read(session: FetchSession, origin: str) -> Rules:
    request = Request(address=f"{origin}/robots.txt", max_bytes=MAX_BYTES, accept="text/plain,*/*;q=0.1")
    try:
        reply = await session.send(request)
    except (PageNotFound, RequestRefused, TooManyRedirects):
        return Rules(None)  # RFC 9309, 2.3.1.3: a 4xx means that there are no rules
    except SiteFailing as error:
        raise RobotsUnavailable(f"{origin}/robots.txt: {error}") from error
    text = reply.text
    if reply.media_type == "text/html" or text.lstrip().startswith("<"):
        return Rules(None)  # a shop's page for everything that it does not know
    return Rules(Protego.parse(text))
