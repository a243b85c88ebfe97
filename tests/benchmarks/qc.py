"""Quality control: listings a second by rules alone, what the stage costs with facts from the database, and pictures.

Run by `make bench-qc`, which starts the services; options go in ARGS="...". Listings are those of the sample catalog,
their descriptions 400 characters long. Processor time is told, which other work on the machine changes least. The last
line is one JSON object; exit status 1 means that a target is missed.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.core.management import call_command
from rich.console import Console
from rich.table import Table

from marketplace.models import Product
from tests.benchmarks.qc_rules import listings, picture_costs, rules_per_s, stage_costs
from tests.benchmarks.verdict import Target

RULES_PER_S_TARGET = 1_000.0
MEASURE_MS_TARGET = 0.5

Figures = dict[str, Any]


def main() -> int:
    """Measure, show, judge."""
    options = _options()
    call_command("migrate", run_syncdb=True, verbosity=0)
    if Product.objects.exists():
        print("there are products in this database already: run it by `make bench-qc`", file=sys.stderr)
        return 2
    figures, judged = _measured(options)
    figures["load_avg"] = round(os.getloadavg()[0], 2)
    _print(Console(width=None if sys.stdout.isatty() else 130), figures, judged)
    print(json.dumps(figures | {"targets": [{**asdict(it), "is_met": it.is_met} for it in judged]}))
    return 0 if all(it.is_met for it in judged) else 1


def _measured(options: Namespace) -> tuple[Figures, list[Target]]:
    """Measure what needs no reviewer."""
    products = listings(options.products)
    rules = rules_per_s(products, rounds=options.rounds)
    costs = stage_costs(products)
    pictures = picture_costs(options.pictures, rounds=options.rounds)
    figures = {
        "rules_per_s": round(rules),
        **{f"stage_{name}": it for name, it in asdict(costs).items()},
        **{f"picture_{name}": it for name, it in pictures.items()},
    }
    return figures, [
        Target("listings/s by rules alone, one core", rules, RULES_PER_S_TARGET),
        Target("measuring a picture, ms", pictures["measure_ms"], MEASURE_MS_TARGET, at_most=True),
    ]


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1184, help="listings (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=60, help="pictures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the least time counts (default: %(default)s)")
    return parser.parse_args()


def _print(console: Console, figures: Figures, judged: Sequence[Target]) -> None:
    table = Table("figure", "value", title="Quality control")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    for it in judged:
        bound = f"{'at most' if it.at_most else 'at least'} {it.bound:,g}"
        console.print(f"{'met' if it.is_met else 'MISSED'}: {it.name} {it.value:,.2f} ({bound})")


if __name__ == "__main__":
    sys.exit(main())
