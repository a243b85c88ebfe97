"""Break a real engine at random, then see whether it kept its promise.

Starts its own PostgreSQL, Redis, dispatchers and workers in a folder of their own, submits jobs steadily, and kills,
stops and wipes them by a seeded plan. Then everything may settle. The last line is JSON; the exit status is 1 when a
job was lost, took effect twice or is stuck, or when the jobs of killed workers came back too late.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from tests.chaos.facts import count_left, read_facts
from tests.chaos.faults import Fault, Kind, plan_faults
from tests.chaos.fleet import Fleet, Size
from tests.chaos.recovery import Watch
from tests.chaos.verdict import Verdict, judge, percentile

LOOK_EVERY_S = 0.02
PROGRESS_EVERY_S = 0.5
LEFT_EVERY_S = 0.5
POSTPONED_BY_S = 0.5
# What a killed worker's jobs wait for beside its death, and how long after it is whole again: the dispatcher reclaims
# nothing in the first five seconds after an outage, and a Redis that takes calls and does not answer holds up its tick.
DISTURBING_S = {Kind.STOP_DISPATCHER: 1.0, Kind.STOP_REDIS: 2.0, Kind.KILL_POSTGRES: 8.0, Kind.STOP_POSTGRES: 8.0}


class Run:
    """One run: faults while work comes in, then peace until all is settled."""

    def __init__(self, fleet: Fleet, plan: list[Fault], console: Console) -> None:
        self.faults: Counter[str] = Counter()
        self.watch = Watch(fleet.database_url, self._write)
        self._fleet, self._plan, self._console = fleet, plan, console
        self._disturbed_until = 0.0
        self._progress_at = 0.0

    def strike(self, seconds: float) -> None:
        """Let the planned faults happen, each when its time comes."""
        self._fleet.submitter.start()
        started = time.monotonic()
        plan = list(self._plan)
        while (elapsed := time.monotonic() - started) < seconds:
            if plan and plan[0].at_s <= elapsed:
                fault = plan.pop(0)
                if not self._strike(fault):  # what it is for is down already, or idle: later, then
                    plan = sorted([*plan, replace(fault, at_s=elapsed + POSTPONED_BY_S)], key=lambda fault: fault.at_s)
            self._fleet.look_after()
            if not self._fleet.postgres.is_stopped:
                self.watch.look()
            self._tell(f"{elapsed:5.0f} of {seconds:.0f} s, {self.faults.total()} faults")
            time.sleep(LOOK_EVERY_S)

    def _strike(self, fault: Fault) -> bool:
        fleet = self._fleet
        is_readable = fleet.postgres.is_alive and not fleet.postgres.is_stopped  # or a look would not come back
        wants_busy = fault.kind in (Kind.KILL_WORKER, Kind.STOP_WORKER)
        busy = self.watch.busy_pids() if wants_busy and is_readable else []
        if wants_busy and is_readable and not busy:
            return False
        member = fleet.target_of(fault, busy)
        struck_at = time.monotonic()
        if not fleet.strike(fault, member):
            return False
        self.faults[fault.kind] += 1
        self._write(f"{fault.kind} {member.name} {member.pid} for {fault.for_s:.1f} s")
        if fault.kind in DISTURBING_S:
            until = struck_at + fault.for_s + DISTURBING_S[fault.kind]
            self._disturbed_until = max(self._disturbed_until, until)
            self.watch.note_disturbance()
        elif busy and fault.kind is Kind.KILL_WORKER:
            self.watch.note_kill(member.pid, struck_at, is_disturbed=struck_at < self._disturbed_until)
        return True

    def settle(self, within_s: float) -> None:
        """Stop the faults and the submissions; wait until all is final, or time is up."""
        self._fleet.make_whole()
        self._fleet.submitter.ask_to_end()
        deadline = time.monotonic() + within_s
        look_at = 0.0
        while time.monotonic() < deadline:
            self._fleet.look_after()
            self.watch.look()
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + LEFT_EVERY_S
                left = self._count_left()
                self._tell(f"settling: {'PostgreSQL is away' if left is None else f'{left} left'}")
                if left == 0 and not self._fleet.submitter.is_alive:
                    return
            time.sleep(LOOK_EVERY_S)

    def _count_left(self) -> int | None:
        try:
            return count_left(self._fleet.database_url)
        except psycopg.OperationalError:
            return None

    def _write(self, text: str) -> None:
        """Add a line to the timeline of the run."""
        with (self._fleet.logs / "timeline.log").open("a") as timeline:
            timeline.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n")

    def _tell(self, text: str) -> None:
        if self._console.is_terminal and time.monotonic() >= self._progress_at:
            self._progress_at = time.monotonic() + PROGRESS_EVERY_S
            self._console.print(text, end="\r")


def main() -> int:
    """Run, print the report, tell whether the promise was kept."""
    options = _parse()
    folder = Path(tempfile.mkdtemp(prefix="souk-chaos."))
    size = Size(options.workers, options.dispatchers, options.jobs_per_s, options.seed)
    plan = plan_faults(
        seed=options.seed, seconds=options.seconds, mean_gap_s=options.gap_s,
        workers=options.workers, dispatchers=options.dispatchers,
    )  # fmt: skip
    fleet = Fleet(folder, size)
    run = Run(fleet, plan, Console(stderr=True))
    try:
        fleet.start()
        run.strike(options.seconds)
        run.settle(options.settle_within_s)
        facts = read_facts(database_url=fleet.database_url, store_url=fleet.store_url, accepted=fleet.accepted)
    except BaseException:
        print(f"the logs are in {fleet.logs}", file=sys.stderr)
        raise
    finally:
        run.watch.close()
        fleet.end()
    verdict = judge(facts)
    report = _report(verdict, run, fleet, options)
    is_kept = verdict.is_kept and _is_in_time(report, options.recovery_within_s)
    if options.keep:
        print(f"the logs and the data are in {folder}", file=sys.stderr)
    elif is_kept:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(json.dumps(verdict.examples, indent=1), file=sys.stderr)
        print(f"the promise was broken; the logs and the data are in {folder}", file=sys.stderr)
    print(json.dumps(report))
    return 0 if is_kept else 1


def _report(verdict: Verdict, run: Run, fleet: Fleet, options: argparse.Namespace) -> dict[str, Any]:
    found = {name: getattr(verdict, name) for name in verdict.__dataclass_fields__ if name != "examples"}
    plain, disturbed = run.watch.recovered_s, run.watch.disturbed_s
    return {
        **found,
        "faults": dict(run.faults),
        "fenced": fleet.count_fenced(),
        "ended_by_themselves": dict(fleet.ended_by_themselves),
        "recoveries": len(plain),
        "recovery_p50_s": _rounded(percentile(plain, 0.5)),
        "recovery_p99_s": _rounded(percentile(plain, 0.99)),
        "recoveries_amid_other_faults": len(disturbed),
        "recovery_amid_other_faults_max_s": _rounded(percentile(disturbed, 1.0)),
        "seconds": options.seconds,
        "seed": options.seed,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _is_in_time(report: dict[str, Any], within_s: float) -> bool:
    p99_s = report["recovery_p99_s"]
    return not within_s or p99_s is None or p99_s < within_s


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600, help="how long faults happen (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="makes the plan and the work (default: %(default)s)")
    parser.add_argument("--gap-s", type=float, default=2.0, help="mean time between two faults (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="worker processes (default: %(default)s)")
    parser.add_argument("--dispatchers", type=int, default=2, help="dispatcher processes (default: %(default)s)")
    parser.add_argument("--jobs-per-s", type=float, default=100, help="submitted (default: %(default)s)")
    parser.add_argument("--settle-within-s", type=float, default=120, help="the wait at the end (default: %(default)s)")
    parser.add_argument(
        "--recovery-within-s", type=float, default=3, help="what the p99 may be; 0: any (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the logs and the data of a good run too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
