"""The engine beside BullMQ and Celery, in one run against the same Redis and PostgreSQL.

Run by `make bench-engine`, which installs the peers; options go in ARGS="...". It makes its tables and empties the
ledger. Each system is started, warmed up, held back, given all jobs (the enqueue rate), and let go (the drain rate,
to the last job's final state). Systems take turns within a round, and ratios are taken within a round, for the machine
may be slower in the next. The last line is one JSON object; exit status 1 means that a target is missed.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.core.management import call_command
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.ours import Ours
from tests.benchmarks.peers import BullMQ, Celery
from tests.benchmarks.systems import NAP, NOOP, CannotMeasure, Run, System
from tests.benchmarks.verdict import Load, Measurements, Target, as_json, medians, percentile, targets

PEERS: dict[str, System] = {
    "bullmq": BullMQ("plain"),
    "bullmq-history": BullMQ("history"),
    "bullmq-postgres": BullMQ("postgres"),
    "celery": Celery(),
}
BY_DEFAULT = "bullmq,bullmq-history,celery"
NAPPERS = ("ours-256", "bullmq", "celery")
WORKERS = (1, 2)
# A slow system gets fewer no-op jobs, or a round would last minutes; its rate is even over the run.
SHARE = {"celery": 0.1, "bullmq-history": 0.5, "bullmq-postgres": 0.5}
NAP_SHARE = 0.1


def main() -> int:
    """Measure, show, judge."""
    options = _options()
    console = Console(stderr=True)
    call_command("migrate", run_syncdb=True, verbosity=0)
    try:
        measured = _measure(options, console)
    except CannotMeasure as error:
        console.print(f"[red]{error}")
        return 2
    judged = targets(measured)
    console = Console(width=None if sys.stdout.isatty() else 110)  # a pipe would get 80 columns
    console.print(_loads_table(measured))
    console.print(_targets_table(measured, judged))
    print(json.dumps(as_json(measured, judged)))
    return 0 if all(target.is_met for target in judged) else 1


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000, help="no-op jobs a run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--pickups", type=int, default=200, help="lone jobs a system (default: %(default)s)")
    parser.add_argument(
        "--only",
        default=BY_DEFAULT,
        metavar="PEERS",
        help=f"some of {','.join(PEERS)}; '' for none (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="one round of 5,000 jobs, batch 256 alone")
    options = parser.parse_args()
    options.peers = [name.strip() for name in options.only.split(",") if name.strip()]
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    if options.quick:
        options.rounds, options.jobs, options.pickups = 1, 5_000, 100
    return options


def _measure(options: Namespace, console: Console) -> Measurements:
    measured = Measurements()
    batches = (256,) if options.quick else (256, 64, 16)
    systems = [*(Ours(batch) for batch in batches), *(PEERS[name] for name in options.peers)]
    loads = list(_loads(systems))
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("measuring", total=options.rounds * len(loads))
        for number in range(options.rounds):
            found: dict[Load, Run] = {}
            # Every other round backwards, so that nobody always comes after the same neighbour.
            for system, load in loads if number % 2 == 0 else reversed(loads):
                progress.update(bar, description=f"{load.system}, {load.work}, {load.workers}")
                share = NAP_SHARE if load.work == NAP else SHARE.get(load.system, 1)
                found[load] = system.run(workers=load.workers, work=load.work, jobs=round(options.jobs * share))
                progress.advance(bar)
            measured.rounds.append(found)
            measured.loads_avg.append(os.getloadavg()[0])
            _add_pickups(measured, {"ours": systems[0], **{name: PEERS[name] for name in options.peers}}, options)
    return measured


def _add_pickups(measured: Measurements, systems: Mapping[str, System], options: Namespace) -> None:
    for name, system in systems.items():
        pickups_ms = system.pickups_ms(-(-options.pickups // options.rounds))
        if pickups_ms:
            measured.pickups_ms.setdefault(name, []).extend(pickups_ms)


def _loads(systems: Sequence[System]) -> Iterator[tuple[System, Load]]:
    for workers in WORKERS:
        for system in systems:
            yield system, Load(system.name, NOOP, workers)
        for system in systems:
            if system.name in NAPPERS:
                yield system, Load(system.name, NAP, workers)


def _loads_table(measured: Measurements) -> Table:
    table = Table(title=f"Medians of {len(measured.rounds)} round(s)", caption=_machine(measured))
    for name in ("system", "job", "workers", "enqueue, jobs/s", "drain, jobs/s", "CPU, us/job", "worker, MiB"):
        table.add_column(name, justify="left" if name in ("system", "job") else "right")
    for load, run in medians(measured.rounds).items():
        figures = (run.enqueued_per_s, run.drained_per_s, run.cpu_us_per_job, run.worker_rss_mib)
        what = "10 ms" if load.work == NAP else "no-op"
        table.add_row(load.system, what, str(load.workers), *(f"{figure:,.0f}" for figure in figures))
    return table


def _machine(measured: Measurements) -> str:
    loads = " ".join(f"{load:.1f}" for load in measured.loads_avg)
    return (
        f"{os.cpu_count()} processors; load at the end of each round: {loads}. Above about 4, believe CPU and ratios."
    )


def _targets_table(measured: Measurements, judged: Sequence[Target]) -> Table:
    pickups = ", ".join(
        f"{name} p50 {percentile(values, 50):.1f} p99 {percentile(values, 99):.1f} ms"
        for name, values in measured.pickups_ms.items()
    )
    table = Table(title="Targets: medians of each round's ratio", caption=f"pickup of a lone job: {pickups}")
    for name in ("target", "measured", "bound", ""):
        table.add_column(name, justify="right" if name in ("measured", "bound") else "left")
    for target in judged:
        sign = "<=" if target.at_most else ">="
        verdict = "[green]✓ met" if target.is_met else "[red]✗ missed"
        table.add_row(target.name, f"{target.value:.2f}", f"{sign} {target.bound:g}", verdict)
    return table


if __name__ == "__main__":
    sys.exit(main())
