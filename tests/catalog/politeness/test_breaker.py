"""The breaker: its states by a table, and by whatever several workers may do to it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from catalog.politeness.breaker import (
    IN_A_ROW,
    LONGEST_REST_S,
    PROBE_LEASE_S,
    REFUSES_AFTER,
    Circuit,
    State,
    after,
    forced_closed,
    forced_open,
    rest_s,
    taken,
)
from catalog.politeness.tally import Sight, Tally

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
A, F, L, B = Sight.ANSWERED, Sight.FAILING, Sight.LIMITED, Sight.BLOCKED


def tally(*sights: Sight, hold_s: float = 0.0) -> Tally:
    seen = Tally()
    for sight in sights:
        seen.add(sight, hold_s=hold_s if sight is L else 0.0)
    return seen


def probed(circuit: Circuit, *, now: datetime | None) -> Circuit:
    """Return the circuit with its probe taken, which must be there."""
    assert now is not None
    found = taken(circuit, now=now)
    assert found is not None
    return found


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("batches", "state"),
    [
        ([[F], [F]], State.CLOSED),
        ([[F], [F], [F]], State.OPEN),
        ([[F], [B], [L]], State.OPEN),
        ([[F, F], [A], [F, F]], State.CLOSED),
        ([[F, F, F, A]], State.CLOSED),
        ([[A, F, F], [F]], State.OPEN),
        ([[L, L, L, L, L]], State.CLOSED),  # sent at once, refused at once
        ([[L, L], [L], [L]], State.OPEN),
        ([[A, F] * 10], State.OPEN),  # half of twenty
        ([[A, F] * 9], State.CLOSED),  # eighteen say nothing
        ([[A, A, F] * 10], State.CLOSED),
        ([[A] * 60, [A, F] * 10], State.CLOSED),
    ],
)
def test_it_opens_after_some_troubles_in_a_row_or_a_share_of_many(batches: list[list[Sight]], state: State) -> None:
    circuit = Circuit()
    for sights in batches:
        circuit = after(circuit, tally(*sights), now=NOW)
    assert circuit.state is state


def test_old_requests_fade() -> None:
    often = after(Circuit(), tally(*[A, A, A, F] * 10), now=NOW)
    assert after(often, tally(*[A, F] * 9), now=NOW).state is State.CLOSED
    assert after(often, tally(*[A, F] * 10), now=later(7200)).state is State.OPEN


def test_each_failed_probe_doubles_the_rest_up_to_an_hour_and_a_success_forgets() -> None:
    circuit = after(Circuit(), tally(F, F, F), now=NOW)
    rests = []
    while not circuit.is_refusing:
        rests.append((circuit.retry_at - NOW).total_seconds())
        probing = probed(circuit, now=circuit.retry_at)
        circuit = after(probing, tally(F), now=NOW, probe=probing.retry_at)
    assert rests == [60, 120, 240, 480, 960, 1920, 3600]
    assert (circuit.retry_at - NOW).total_seconds() == LONGEST_REST_S
    probing = probed(circuit, now=later(LONGEST_REST_S))
    assert after(probing, tally(A), now=NOW, probe=probing.retry_at) == Circuit(seen_at=NOW)


def test_it_rests_as_long_as_the_site_asked_for() -> None:
    assert after(Circuit(), tally(L, hold_s=7), now=NOW).retry_at == later(7)
    resting = after(Circuit(), tally(L, hold_s=30), now=NOW)
    assert after(resting, tally(L, hold_s=5), now=later(1)).retry_at == later(30)
    assert after(resting, tally(A), now=later(31)).retry_at is None
    circuit = Circuit(in_a_row=IN_A_ROW - 1)
    assert after(circuit, tally(L, hold_s=600), now=NOW).retry_at == later(600)


def test_what_was_under_way_when_it_opened_neither_closes_nor_lengthens_it() -> None:
    opened = after(Circuit(), tally(F, F, F), now=NOW)
    for sights in ([A], [F, F]):
        circuit = after(opened, tally(*sights), now=later(1))
        assert (circuit.state, circuit.retry_at, circuit.openings) == (State.OPEN, opened.retry_at, 1)


def test_one_probe_is_taken_and_only_it_counts() -> None:
    opened = after(Circuit(), tally(F, F, F), now=NOW)
    assert taken(opened, now=later(59)) is None
    probing = probed(opened, now=later(60))
    assert taken(probing, now=later(61)) is None
    assert after(probing, tally(A), now=later(61)).state is State.HALF_OPEN
    assert after(probing, tally(), now=later(61), probe=probing.retry_at).retry_at == later(61)
    # Its worker is gone: the next takes another, and the first comes too late.
    second = probed(probing, now=later(60 + PROBE_LEASE_S))
    assert after(second, tally(A), now=later(500), probe=probing.retry_at).state is State.HALF_OPEN
    assert after(second, tally(A), now=later(500), probe=second.retry_at).state is State.CLOSED


class Workers(RuleBasedStateMachine):
    """Several workers send batches, take probes, and come back late, or never."""

    @initialize()
    def start(self) -> None:
        self.now = NOW
        self.circuit = Circuit()
        self.probes: list[datetime] = []

    @rule(seconds=st.sampled_from([0, 1, 30, 61, 200, 400, 4000]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(sights=st.lists(st.sampled_from([A, A, F, L, B]), max_size=6), hold_s=st.sampled_from([0, 5, 300]))
    def end_a_batch_that_began_before(self, sights: list[Sight], hold_s: float) -> None:
        before = self.circuit
        self.circuit = after(before, tally(*sights, hold_s=hold_s), now=self.now)
        if before.state is not State.CLOSED:
            assert (self.circuit.state, self.circuit.retry_at) == (before.state, before.retry_at)
        elif self.circuit.state is State.OPEN:
            assert self.circuit.openings == 1

    @rule()
    def take_a_probe(self) -> None:
        circuit = taken(self.circuit, now=self.now)
        is_due = self.circuit.state is not State.CLOSED and not self.circuit.is_resting(self.now)
        assert (circuit is not None) == is_due
        if circuit is not None:
            assert circuit.retry_at is not None
            self.circuit = circuit
            self.probes.append(circuit.retry_at)
            assert taken(circuit, now=self.now) is None

    @rule(sights=st.lists(st.sampled_from([A, F, L, B]), max_size=3), newest=st.booleans())
    def end_a_probe(self, sights: list[Sight], newest: bool) -> None:
        if not self.probes:
            return
        probe = self.probes.pop(-1 if newest else 0)
        before = self.circuit
        self.circuit = after(before, tally(*sights), now=self.now, probe=probe)
        if before.state is not State.HALF_OPEN or probe != before.retry_at:
            assert self.circuit.state is before.state or before.state is State.CLOSED
        elif not sights:
            assert (self.circuit.state, self.circuit.openings) == (State.OPEN, before.openings)
        elif sights[-1] is A:
            assert self.circuit == Circuit(seen_at=self.now)
        else:
            assert (self.circuit.state, self.circuit.openings) == (State.OPEN, before.openings + 1)

    @rule(is_open=st.booleans())
    def act_as_staff(self, is_open: bool) -> None:
        self.circuit = forced_open(self.circuit, now=self.now, for_s=600) if is_open else forced_closed(now=self.now)

    @invariant()
    def it_makes_sense(self) -> None:
        circuit = self.circuit
        if circuit.state is State.CLOSED:
            assert circuit.openings == 0
            assert circuit.in_a_row < IN_A_ROW
        else:
            assert circuit.openings >= 1
            assert circuit.retry_at is not None
            assert circuit.retry_at <= self.now + timedelta(seconds=LONGEST_REST_S)
        assert circuit.is_refusing == (circuit.openings >= REFUSES_AFTER)
        assert 0 <= circuit.recent_troubles <= circuit.recent_requests + 1e-9
        assert rest_s(circuit.openings) <= LONGEST_REST_S


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=100, stateful_step_count=30)
