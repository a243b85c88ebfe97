"""Manners: what the requests of one batch must heed, and what they see, domain by domain. No database in here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.hosts import host_of
from catalog.politeness.breaker import IN_A_ROW, State
from catalog.politeness.tally import Sight, Tally
from jobs.errors import JobError, PermanentError, RateLimitedError

DEFAULT_REST_S = 60.0


class DomainResting(RateLimitedError):
    """The site is left alone for a while."""

    code = "catalog.domain_resting"

    def __init__(
        self,
        message: str = "",
        *,
        retry_after_s: float | None = None,
        status_code: int | None = None,
        host: str = "",
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s, status_code=status_code)
        self.host = host


class NotAsked(DomainResting):
    """The site is left alone for a while, so nothing was asked for this job."""


class DomainRefuses(PermanentError):
    """The site has refused us, or has been away, for hours; nobody waits for it any longer."""

    code = "catalog.domain_refuses"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a domain stood when the batch looked. `probe`: until when this batch's probe has time, if it took it."""

    host: str
    state: State = State.CLOSED
    retry_at: datetime | None = None
    is_refusing: bool = False
    in_a_row: int = 0
    reason: str = ""
    probe: datetime | None = None

    @property
    def is_well(self) -> bool:
        """True while the breaker is closed."""
        return self.state is State.CLOSED


class Manners:
    """The manners of one batch: used by one thread, or one event loop, at a time."""

    def __init__(self, standings: Iterable[Standing] = ()) -> None:
        self.standings = {standing.host: standing for standing in standings}
        self.tallies: dict[str, Tally] = {}
        self._probed: set[str] = set()

    def refusal(self, address: str) -> JobError | None:
        """Return why a job may not start with this address; None when it may. Of a probe only the first job may.

        Ask once a job, before its first request.
        """
        host = host_of(address)
        standing = self.standings.get(host)
        if standing is not None and standing.probe is not None:
            if host in self._probed:
                return _not_asked(standing)
            self._probed.add(host)
        try:
            self.check(host)
        except JobError as error:
            return error
        return None

    def check(self, host: str) -> None:
        """Refuse a request that must not be sent now.

        Raises:
            NotAsked: the domain rests, or has shown trouble in this very batch.
            DomainRefuses: it has failed one probe after the other.
        """
        standing = self.standings.get(host)
        if standing is not None and standing.probe is None:
            if standing.is_refusing:
                raise DomainRefuses(f"{host} refuses for good: {standing.reason}")
            if standing.retry_at is not None and standing.retry_at > datetime.now(UTC):
                raise _not_asked(standing)
        seen = self.tallies.get(host)
        if seen is None or not seen.troubles:
            return
        is_probe = standing is not None and standing.probe is not None
        if seen.limits or seen.blocks or seen.trailing >= (1 if is_probe else IN_A_ROW):
            wait_s = seen.hold_s or DEFAULT_REST_S
            raise NotAsked(f"{host} is left alone: {seen.last_message}", retry_after_s=wait_s, host=host)

    def saw(
        self,
        host: str,
        sight: Sight,
        *,
        is_page: bool = True,
        latency_s: float = 0.0,
        hold_s: float = 0.0,
        code: str = "",
        message: str = "",
    ) -> None:
        """Count one request, after it has ended."""
        tally = self._tally(host)
        tally.add(sight, is_page=is_page, latency_s=latency_s, hold_s=hold_s, code=code, message=message)

    def note_crawl_delays(self, delays: Mapping[str, float]) -> None:
        """Keep what the robots.txt of each host asks for, in seconds; 0 where it asks for nothing."""
        for host, delay_s in delays.items():
            self._tally(host).crawl_delay_s = delay_s

    def _tally(self, host: str) -> Tally:
        return self.tallies.setdefault(host, Tally())


def _not_asked(standing: Standing) -> NotAsked:
    until = standing.retry_at
    wait_s = max(0.0, (until - datetime.now(UTC)).total_seconds()) if until else DEFAULT_REST_S
    when = f" until {until:%H:%M:%S}" if until else ""
    reason = f": {standing.reason}" if standing.reason else ""
    return NotAsked(f"{standing.host} is left alone{when}{reason}", retry_after_s=wait_s, host=standing.host)
