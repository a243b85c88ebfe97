"""What the measurements say: medians over the rounds, ratios within a round, and the targets that they meet or miss."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any

from tests.benchmarks.systems import NOOP, Run

HEADLINE = "ours-256"
RATIO_TARGETS = {"bullmq": 1.0, "bullmq-history": 3.0, "celery": 10.0}
ENQUEUE_TARGET = 1.0
PICKUP_P99_TARGET_MS = 50.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a system was asked to do."""

    system: str
    work: str
    workers: int


@dataclass(slots=True)
class Measurements:
    """All that was measured: one mapping a round, for the machine's mood changes from round to round."""

    rounds: list[dict[Load, Run]] = field(default_factory=list)
    pickups_ms: dict[str, list[float]] = field(default_factory=dict)
    loads_avg: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that we hold ourselves to."""

    name: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        """Tell whether the value is on the right side of its bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def medians(rounds: Sequence[Mapping[Load, Run]]) -> dict[Load, Run]:
    """Return each load's median figures."""
    loads = dict.fromkeys(load for each in rounds for load in each)
    runs = {load: [asdict(each[load]) for each in rounds if load in each] for load in loads}
    return {
        load: Run(**{name: median(run[name] for run in found) for name in found[0]}) for load, found in runs.items()
    }


def ratios(rounds: Sequence[Mapping[Load, Run]], ours: Load, theirs: Load, figure: str) -> list[float]:
    """Return ours / theirs for each round that measured both."""
    both = [(each[ours], each[theirs]) for each in rounds if ours in each and theirs in each]
    return [getattr(run, figure) / getattr(other, figure) for run, other in both]


def _headline(load: Load) -> Load:
    return replace(load, system=HEADLINE)


def targets(measured: Measurements) -> list[Target]:
    """Judge what was measured; a peer that was left out is not judged."""
    found = []
    workers = sorted({load.workers for each in measured.rounds for load in each})
    enqueued: list[float] = []
    for count in workers:
        ours = Load(HEADLINE, NOOP, count)
        for peer, bound in RATIO_TARGETS.items():
            drained = ratios(measured.rounds, ours, Load(peer, NOOP, count), "drained_per_s")
            if drained:
                found.append(Target(f"drain, {count} worker(s), x {peer}", median(drained), bound))
        enqueued += ratios(measured.rounds, ours, Load("bullmq", NOOP, count), "enqueued_per_s")
    if enqueued:
        found.append(Target("enqueue, x bullmq addBulk", median(enqueued), ENQUEUE_TARGET))
    if ours_ms := measured.pickups_ms.get("ours"):
        found.append(Target("pickup p99, ms", percentile(ours_ms, 99), PICKUP_P99_TARGET_MS, at_most=True))
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def as_json(measured: Measurements, judged: Sequence[Target]) -> dict[str, Any]:
    """Return every figure, each round's too, for a machine to keep."""
    middle = medians(measured.rounds)
    return {
        "medians": [{**asdict(load), **asdict(run)} for load, run in middle.items()],
        "rounds": [[{**asdict(load), **asdict(run)} for load, run in each.items()] for each in measured.rounds],
        "pickup_ms": {
            name: {"jobs": len(values), "p50": percentile(values, 50), "p99": percentile(values, 99)}
            for name, values in measured.pickups_ms.items()
        },
        "load_avg": measured.loads_avg,
        "cpu_ratios": {
            f"{load.system}, {load.workers}": median(ratios(measured.rounds, load, _headline(load), "cpu_us_per_job"))
            for load in middle
            if load.system in RATIO_TARGETS and load.work == NOOP and _headline(load) in middle
        },
        "targets": [{**asdict(target), "is_met": target.is_met} for target in judged],
        "is_met": all(target.is_met for target in judged),
    }
