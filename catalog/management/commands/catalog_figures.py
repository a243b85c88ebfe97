"""Tell how good a seller's catalog is."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from catalog.figures import CatalogFigures, catalog_figures
from marketplace.models import Seller


class Command(BaseCommand):
    """Count a seller's products: complete ones, copies, failures by host."""

    help = "Tell staff how complete a seller's catalog is, how many copies it has, and how many readings failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose catalog it is, and how to answer."""
        parser.add_argument("--seller", required=True, metavar="NAME", help="whose catalog it is (a name, or an id)")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and print."""
        figures = catalog_figures(_seller(options["seller"]))
        if options["json"]:
            self.stdout.write(json.dumps(asdict(figures)))
        else:
            _show(figures)


def _seller(name: str) -> Seller:
    found = list(Seller.objects.filter(name=name)[:2])
    if not found and name.isdecimal():
        found = list(Seller.objects.filter(pk=int(name)))
    if len(found) != 1:
        problem = "there is no seller" if not found else "there is more than one seller"
        raise CommandError(f"{problem} named {name}; give the id")
    return found[0]


def _show(figures: CatalogFigures) -> None:
    table = Table("figure", "value")
    table.add_row("products", str(figures.products))
    for status, count in sorted(figures.by_status.items()):
        table.add_row(f"  {status}", str(count))
    table.add_row("with every required field", f"{figures.complete_share:.1%}")
    for field, count in figures.missing.items():
        if count:
            table.add_row(f"  without {field.replace('_', ' ')}", str(count))
    table.add_row("copies, kept from buyers", str(figures.copies))
    table.add_row("duplicates among the live ones", f"{figures.live_duplicates_share:.2%}")
    for host, share in figures.failed_share_by_host.items():
        table.add_row(f"failed at {host or 'no address'}", f"{share:.1%}")
    Console().print(table)
