"""The circuit breaker of a domain as a state machine: no clock, no database in here.

closed -> open after some troubles in a row, or a share of the recent requests; open -> half open when its rest is
over and somebody takes the probe, one and no more; half open -> closed when the probe succeeds, else -> open again
for twice as long. A domain that fails one probe after the other is refusing for good: from then on nobody waits for
it any longer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from catalog.politeness.tally import Tally

IN_A_ROW = 3
SHARE = 0.5
SHARE_OF_AT_LEAST = 20  # recent requests; of fewer a share says nothing
HALF_LIFE_S = 60.0
# 60 s, 2 min, ... 32 min, 60 min: eight openings in a row are two hours. A job that is alone and is every probe, as a
# list of a catalog may be, has five waits and its last attempts to spend on them: it outlives the first hour.
FIRST_REST_S = 60.0
LONGEST_REST_S = 3600.0
REFUSES_AFTER = 8
PROBE_LEASE_S = 360.0  # more than a task's 300 s: a probe whose worker is gone is somebody else's then


class State(StrEnum):
    """As stored in Domain.breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """A domain's breaker.

    Args:
        state: closed, open or half open.
        openings: in a row, without a success between.
        in_a_row: troubles since the last success.
        recent_requests: each counts half after HALF_LIFE_S.
        recent_troubles: likewise.
        retry_at: open: from then on a probe may be taken; half open: until then the probe has time; closed: the
            domain asked for rest until then.
        seen_at: when recent_requests was right.
    """

    state: State = State.CLOSED
    openings: int = 0
    in_a_row: int = 0
    recent_requests: float = 0.0
    recent_troubles: float = 0.0
    retry_at: datetime | None = None
    seen_at: datetime | None = None

    @property
    def is_refusing(self) -> bool:
        """True when the domain has failed so many probes that nobody should wait for it."""
        return self.state is not State.CLOSED and self.openings >= REFUSES_AFTER

    def is_resting(self, now: datetime) -> bool:
        """Tell whether no request may be sent now."""
        return self.retry_at is not None and self.retry_at > now


def rest_s(openings: int) -> float:
    """Return how long the breaker stays open after so many openings in a row."""
    return float(min(FIRST_REST_S * 2 ** min(max(openings, 1) - 1, 30), LONGEST_REST_S))


def taken(circuit: Circuit, *, now: datetime) -> Circuit | None:
    """Return the circuit with its probe taken by the caller; None when there is no probe to take."""
    if circuit.state is State.CLOSED or circuit.is_resting(now):
        return None
    return replace(circuit, state=State.HALF_OPEN, retry_at=now + timedelta(seconds=PROBE_LEASE_S))


def after(circuit: Circuit, seen: Tally, *, now: datetime, probe: datetime | None = None) -> Circuit:
    """Return the circuit after what one batch saw of the domain.

    What was on its way when the breaker opened changes nothing but the counts: only the probe closes it.

    Args:
        circuit: as it is now.
        seen: what the batch saw.
        now: the time.
        probe: `retry_at` as it was when this batch took the probe.
    """
    counted = _counted(circuit, seen, now)
    if circuit.state is State.CLOSED:
        return _opened(counted, seen, now) if _trips(counted, seen) else _rested(counted, seen, now)
    if circuit.state is State.HALF_OPEN and probe is not None and circuit.retry_at == probe:
        if seen.trailing:
            return _opened(counted, seen, now)
        if seen.successes:
            return Circuit(seen_at=now)
        return replace(counted, state=State.OPEN, retry_at=now)  # the probe was never sent: the next may
    return counted


def forced_open(circuit: Circuit, *, now: datetime, for_s: float) -> Circuit:
    """Return the circuit as staff open it."""
    openings = max(circuit.openings, 1)
    return replace(circuit, state=State.OPEN, openings=openings, retry_at=now + timedelta(seconds=for_s))


def forced_closed(*, now: datetime) -> Circuit:
    """Return the circuit as staff close it: as if it had never opened."""
    return Circuit(seen_at=now)


def _counted(circuit: Circuit, seen: Tally, now: datetime) -> Circuit:
    age_s = max(0.0, (now - circuit.seen_at).total_seconds()) if circuit.seen_at else 0.0
    fading = 0.5 ** (age_s / HALF_LIFE_S)
    return replace(
        circuit,
        in_a_row=seen.trailing if seen.pages else circuit.in_a_row + seen.trailing,
        recent_requests=circuit.recent_requests * fading + seen.requests,
        recent_troubles=circuit.recent_troubles * fading + seen.troubles,
        seen_at=now,
    )


def _trips(circuit: Circuit, seen: Tally) -> bool:
    if not seen.troubles:
        return False
    is_often = circuit.recent_requests >= SHARE_OF_AT_LEAST
    return circuit.in_a_row >= IN_A_ROW or (is_often and circuit.recent_troubles >= SHARE * circuit.recent_requests)


def _opened(circuit: Circuit, seen: Tally, now: datetime) -> Circuit:
    openings = circuit.openings + 1
    wait_s = max(rest_s(openings), seen.hold_s)
    return replace(circuit, state=State.OPEN, openings=openings, retry_at=now + timedelta(seconds=wait_s))


def _rested(circuit: Circuit, seen: Tally, now: datetime) -> Circuit:
    kept = circuit.retry_at if circuit.is_resting(now) else None
    asked = now + timedelta(seconds=seen.hold_s) if seen.hold_s > 0 else None
    times = [time for time in (kept, asked) if time is not None]
    return replace(circuit, retry_at=max(times, default=None))
