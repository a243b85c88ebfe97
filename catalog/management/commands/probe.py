"""Look at an address from a terminal: which source reads it, and why."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from catalog.crawling import probe_address
from catalog.management.reading import read_or_say_why


class Command(BaseCommand):
    """Say what is at an address."""

    help = "Show which source reads an address and why, for developers and staff. Needs no stack."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="http or https address of a shop, a catalog or a feed")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = read_or_say_why(self, options["address"], probe_address, as_json=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            _print(found, Console())


def _print(found: dict[str, Any], console: Console) -> None:
    console.print(f"[bold]{found['source']}[/bold] reads {found['address']}")
    table = Table(box=None, pad_edge=False)
    for column in ("source", "weight", "reason"):
        table.add_column(column, overflow="fold")
    for it in found["evidence"]:
        table.add_row(it["source"], str(it["weight"]), it["reason"])
    console.print(table)
    robots = found["robots"]
    delay = robots["crawl_delay_s"]
    asked = "no pace" if delay is None else f"{delay:g} s between requests"
    console.print(f"robots.txt: {'rules' if robots['has_rules'] else 'no rules'}, asks for {asked}")
    for title, entries in (("sitemap", found["sitemaps"]), ("list", [it["address"] for it in found["lists"]])):
        for entry in entries[:20]:
            console.print(f"{title}: {entry}", overflow="fold")
        if len(entries) > 20:
            console.print(f"and {len(entries) - 20} more")
