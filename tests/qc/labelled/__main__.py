"""Score the rules on the labelled listings: `python -m tests.qc.labelled`.

Prints precision and recall of each rule, of the blind and of the seen labels apart, and what was missed or wrong.
Exits 1 when a rule is under 0.95 or 0.90, or a sound listing is rejected. `--rule CODE` scores one rule, `--only seen`
one set, `--files third_` the files of that name, `--quiet` leaves out the places.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import cast

from rich.console import Console
from rich.table import Table

from qc.rules.ruleset import BY_CODE
from tests.qc.labelled.cases import Origin, load
from tests.qc.labelled.scoring import LEAST_PRECISION, LEAST_RECALL, Scores, judge, labels_of, score

ORIGINS: tuple[Origin, ...] = ("blind", "seen")
MOST_PLACES = 12


def main() -> int:
    """Score, print, and say by the exit status whether all is as it should be."""
    options, console = _options(), Console(width=150)
    is_met = True
    for origin in ORIGINS if options.only is None else (cast(Origin, options.only),):
        wanted = [it for it in load(origin) if it.place.startswith(options.files)]
        cases = [it for it in wanted if options.rule in (None, it.rule)]
        known = [it for it in cases if it.rule in BY_CODE]
        if not known:
            console.print(f"{origin}: no labels")
            continue
        scores = score(judge(known))
        _print(console, origin, scores, labels_of(known), is_quiet=options.quiet)
        if unknown := sorted({it.rule for it in cases} - set(BY_CODE)):
            console.print(f"{origin}: labels for rules that there are not: {', '.join(unknown)}")
        is_met = is_met and scores.is_met and not unknown
    console.print(
        f"{'met' if is_met else 'missed'}: precision >= {LEAST_PRECISION:.2f} and recall >= {LEAST_RECALL:.2f} of "
        "every rule, no sound listing rejected"
    )
    return 0 if is_met else 1


def _print(
    console: Console, origin: Origin, scores: Scores, labels: dict[str, tuple[int, int]], *, is_quiet: bool
) -> None:
    table = Table("rule", "to find", "to pass", "precision", "recall", "missed", "wrong", title=f"{origin} labels")
    for code, it in scores.rules.items():
        wanted, passed = labels[code]
        style = "" if it.is_met else "bold red"
        places = ("" if is_quiet else _few(found) for found in (it.missed, it.wrong))
        table.add_row(code, str(wanted), str(passed), f"{it.precision:.3f}", f"{it.recall:.3f}", *places, style=style)
    console.print(table)
    for line in scores.false_rejects:
        console.print(f"rejected, and sound: {line}", style="bold red")


def _few(places: Sequence[str]) -> str:
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    return ", ".join(places[:MOST_PLACES]) + more


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.qc.labelled", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rule", choices=sorted(BY_CODE), metavar="CODE", help="score this rule only")
    parser.add_argument("--only", choices=ORIGINS, help="score these labels only")
    parser.add_argument("--files", default="", metavar="PREFIX", help="score the files whose names begin so")
    parser.add_argument("--quiet", action="store_true", help="leave out the places of what was missed or wrong")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
