"""`manage.py rules`."""

import getpass
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jobs.audit import ReasonMissing
from qc.rejudging import CannotJudgeAgain, begin_judging_again, outdated_count
from qc.rule_comparing import Change, changes_by_chunk, figures_of, judged_products, sum_up
from qc.rule_figures import products_by_code
from qc.rule_settings import (
    BadSettings,
    Settings,
    checked_settings,
    differences,
    effective,
    number_text,
    settings_as_json,
)
from qc.rule_trials import save_and_judge_again
from qc.rules.contract import Rule
from qc.rules.ruleset import RULES, Setting
from qc.rulesets import CannotSave, latest_revision, save_revision, settings_of

SHOWN = 20


class Command(BaseCommand):
    """List, try, export and import how the rules of quality control are set."""

    help = (
        "For staff who set the rules of quality control: lists the rules, tells what other settings would do to the "
        "products that were judged (nothing is written), writes the settings that hold as JSON, makes settings "
        "from a file hold ({code: {is_on, severity, limits}}; a rule that it does not name is as it comes), or has the "
        "products judged again that the rules of an earlier version judged."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="all rules as they are set")
        listing.add_argument("--json", action="store_true", help="a JSON array")
        trying = verbs.add_parser("try", help="tell whose verdict the settings of a file would change")
        trying.add_argument("file", help="JSON; - reads the standard input")
        trying.add_argument("--json", action="store_true", help="a JSON object with every change")
        verbs.add_parser("export", help="write the settings that hold to the standard output")
        importing = verbs.add_parser("import", help="make the settings of a file hold")
        importing.add_argument("file", help="JSON; - reads the standard input")
        importing.add_argument("--judge-again", action="store_true", help="judge the products again that it concerns")
        judging = verbs.add_parser(
            "judge-again", help="judge the products again that the rules of an earlier version judged"
        )
        for verb in (importing, judging):
            verb.add_argument("--note", required=True, help="why, for the history and the audit log")
            verb.add_argument("--actor", default=getpass.getuser(), help="who, for the audit log (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verbs = {
            "list": self._list,
            "try": self._try,
            "export": self._export,
            "import": self._import,
            "judge-again": self._judge_again,
        }
        verbs[options["verb"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        settings, counts = settings_of(latest_revision()), products_by_code()
        if options["json"]:
            self.stdout.write(
                json.dumps([_as_json(it, settings) | {"products": counts.get(it.code, 0)} for it in RULES])
            )
            return
        table = Table(title="Rules")
        for column in ("rule", "does", "thresholds", "products", "what it does"):
            table.add_column(column)
        for rule in RULES:
            now = effective(rule, settings)
            limits = ", ".join(f"{name} {number_text(value)}" for name, value in now.limits.items())
            does = now.severity.value if now.is_on else "off"
            changed = " *" if rule.code in settings else ""
            table.add_row(rule.code + changed, does, limits or "–", f"{counts.get(rule.code, 0):,}", rule.summary)
        console = Console()
        console.print(table)
        console.print(_held_text())
        if outdated := outdated_count():
            console.print(f"Products that the rules of an earlier version judged: {outdated:,} (see judge-again).")

    def _try(self, options: dict[str, Any]) -> None:
        settings, base = _read(options["file"]), latest_revision()
        if not differences(settings_of(base), settings):
            raise CommandError("These settings hold already: there is nothing to try.")
        found: list[Change] = []
        columns = (TextColumn("products"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            row = progress.add_task("", total=judged_products().count())
            for looked_at, changes in changes_by_chunk(settings, base=base):
                found += changes
                progress.advance(row, looked_at)
        figures = figures_of(found)
        if options["json"]:
            self.stdout.write(json.dumps({"figures": dict(figures), "changes": [_change_as_json(it) for it in found]}))
            return
        for it in found[:SHOWN]:
            then = it.after.value if it.before != it.after else f"the same, other {it.kind.value}"
            held = " (staff decided: it stays)" if it.is_held else ""
            self.stdout.write(f"product {it.product_id}: {it.before.value} → {then}, by {', '.join(it.codes)}{held}")
        if len(found) > SHOWN:
            self.stdout.write(f"… and {len(found) - SHOWN:,} more; --json tells all")
        self.stdout.write(f"It {sum_up(figures)}.")

    def _export(self, options: dict[str, Any]) -> None:
        settings = settings_of(latest_revision())
        self.stdout.write(json.dumps(settings_as_json(settings), indent=2, sort_keys=True))

    def _import(self, options: dict[str, Any]) -> None:
        settings, base = _read(options["file"]), latest_revision()
        told = {"actor": options["actor"], "note": options["note"]}
        try:
            if options["judge_again"]:
                revision = save_and_judge_again(settings, base=base, **told)
            else:
                revision = save_revision(settings, base=base.pk if base else None, **told)
        except (CannotSave, ReasonMissing) as error:
            raise CommandError(str(error)) from error
        for it in differences(settings_of(base), settings):
            self.stdout.write(str(it))
        again = "; the products that it concerns are judged again by the workers" if options["judge_again"] else ""
        self.stdout.write(f"The rules hold as revision {revision.pk}{again}.")

    def _judge_again(self, options: dict[str, Any]) -> None:
        try:
            count = begin_judging_again(actor=options["actor"], reason=options["note"])
        except (CannotJudgeAgain, ReasonMissing) as error:
            raise CommandError(str(error)) from error
        many = "1 product is" if count == 1 else f"{count:,} products are"
        self.stdout.write(f"{many} being judged again by the workers; /admin/qc/rules/ shows how far it is.")


def _read(name: str) -> dict[str, Setting]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return checked_settings(json.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise CommandError(f"{name} is no JSON: {error}") from error
    except BadSettings as error:
        raise CommandError(f"{name} cannot be taken:\n{error}") from error


def _held_text() -> str:
    latest = latest_revision()
    return f"Set by revision {latest.pk}: {latest.note}" if latest else "All as they come."


def _as_json(rule: Rule, settings: Settings) -> dict[str, Any]:
    now = effective(rule, settings)
    return {
        "code": rule.code,
        "summary": rule.summary,
        "looks_at": list(rule.looks_at),
        "is_on": now.is_on,
        "severity": now.severity.value,
        "limits": dict(now.limits),
        "is_changed": rule.code in settings,
        "thresholds": [
            {"name": it.name, "default": it.default, "least": it.least, "most": it.most, "unit": it.unit}
            for it in rule.thresholds
        ],
    }


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "product": change.product_id,
        "kind": change.kind.value,
        "before": change.before.value,
        "after": change.after.value,
        "codes": list(change.codes),
        "is_held": change.is_held,
    }
