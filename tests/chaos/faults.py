"""What will be broken and when: a plan made of a seed, without a clock and without processes."""

import random
from dataclasses import dataclass
from enum import StrEnum

CALM_S = 1.0  # before the first fault
RESTART_DELAYS_S = (0.1, 1.0)
OUTAGES_S = (0.3, 4.0)
PAUSES_S = (0.5, 6.0)
SILENCES_S = (2.5, 9.0)  # longer than JOB_SILENCE_S in the run: the worker has lost its jobs when it goes on


class Kind(StrEnum):
    """The faults."""

    KILL_WORKER = "kill-worker"
    STOP_WORKER = "stop-worker"
    TERM_WORKER = "term-worker"
    KILL_DISPATCHER = "kill-dispatcher"
    STOP_DISPATCHER = "stop-dispatcher"
    KILL_REDIS = "kill-redis"
    STOP_REDIS = "stop-redis"
    FLUSH_REDIS = "flush-redis"
    KILL_POSTGRES = "kill-postgres"
    STOP_POSTGRES = "stop-postgres"


WEIGHTS = {
    Kind.KILL_WORKER: 10,
    Kind.STOP_WORKER: 6,
    Kind.TERM_WORKER: 3,
    Kind.KILL_DISPATCHER: 3,
    Kind.STOP_DISPATCHER: 2,
    Kind.KILL_REDIS: 2,
    Kind.STOP_REDIS: 1,
    Kind.FLUSH_REDIS: 2,
    Kind.KILL_POSTGRES: 1,
    Kind.STOP_POSTGRES: 1,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks: at `at_s` from the start, number `target` of its kind, whole again after `for_s`."""

    at_s: float
    kind: Kind
    target: int
    for_s: float


def plan_faults(*, seed: int, seconds: float, mean_gap_s: float, workers: int, dispatchers: int) -> list[Fault]:
    """Plan faults for so many seconds, in order of time.

    The gaps are random with the mean given, each kind comes at least once if there is time for all, and the same
    arguments give the same plan.
    """
    chance = random.Random(seed)
    kinds = list(Kind)
    chance.shuffle(kinds)
    faults = []
    at_s = CALM_S
    while at_s < seconds:
        kind = kinds.pop() if kinds else chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        faults.append(_fault(kind, at_s, chance, workers=workers, dispatchers=dispatchers))
        at_s += min(chance.expovariate(1 / mean_gap_s), 4 * mean_gap_s)
    return faults


def _fault(kind: Kind, at_s: float, chance: random.Random, *, workers: int, dispatchers: int) -> Fault:
    target = chance.randrange(dispatchers if kind in (Kind.KILL_DISPATCHER, Kind.STOP_DISPATCHER) else workers)
    if kind in (Kind.KILL_REDIS, Kind.KILL_POSTGRES, Kind.STOP_REDIS, Kind.STOP_POSTGRES):
        span_s = OUTAGES_S
    elif kind is Kind.STOP_WORKER:
        span_s = SILENCES_S
    elif kind is Kind.STOP_DISPATCHER:
        span_s = PAUSES_S
    else:
        span_s = RESTART_DELAYS_S
    return Fault(round(at_s, 3), kind, target, round(chance.uniform(*span_s), 3))
