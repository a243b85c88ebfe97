"""Tallies: what one batch saw of one domain, request by request, as the breaker and the pace need it."""

from dataclasses import dataclass
from enum import StrEnum


class Sight(StrEnum):
    """How a request ended, as far as it says something of the domain."""

    ANSWERED = "answered"  # also a page that does not exist: the site is well
    FAILING = "failing"  # an error of its own, no answer, none in time
    LIMITED = "limited"  # it asks us to slow down
    BLOCKED = "blocked"  # it refuses us


@dataclass(slots=True)
class Tally:
    """What was seen. `trailing` is how many troubles there were since the last page that came, or in all without one.

    A picture that comes says little of pages: those may be refused beside it. Requests that run at once are refused at
    once: all the 429s of one batch count as one trouble in the row.
    """

    requests: int = 0
    successes: int = 0
    pages: int = 0  # successes that were no files
    failures: int = 0
    blocks: int = 0
    limits: int = 0
    trailing: int = 0
    hold_s: float = 0.0
    latency_s: float = 0.0  # the mean of the successes
    crawl_delay_s: float | None = None  # of robots.txt, where this batch knows it
    last_code: str = ""
    last_message: str = ""
    _is_limited_row: bool = False

    @property
    def troubles(self) -> int:
        """Requests that did not bring what was asked for."""
        return self.failures + self.blocks + self.limits

    def add(
        self,
        sight: Sight,
        *,
        is_page: bool = True,
        latency_s: float = 0.0,
        hold_s: float = 0.0,
        code: str = "",
        message: str = "",
    ) -> None:
        """Count one request."""
        self.requests += 1
        if sight is Sight.ANSWERED:
            self.successes += 1
            if is_page:
                self.pages += 1
                self.trailing, self._is_limited_row = 0, False
            self.latency_s += (latency_s - self.latency_s) / self.successes
            return
        self.last_code, self.last_message = code, message[:500]
        self.hold_s = max(self.hold_s, hold_s)
        if sight is Sight.LIMITED:
            self.limits += 1
            self.trailing += not self._is_limited_row
            self._is_limited_row = True
        else:
            self.failures += sight is Sight.FAILING
            self.blocks += sight is Sight.BLOCKED
            self.trailing += 1
