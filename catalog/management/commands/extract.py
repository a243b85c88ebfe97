"""Read products' pages from files, in a terminal."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from catalog.extraction.manifests import Row, as_json, read_file, read_manifest, results
from catalog.extraction.page_data import Claim, PageData
from catalog.extraction.reading import read_page
from jobs.errors import JobError

_SHOWN = (
    "title", "price", "list_price", "currency", "availability", "sku", "mpn", "brand", "gtin", "breadcrumbs", "images",
    "variants", "description",
)  # fmt: skip


class Command(BaseCommand):
    """Say what products' pages say."""

    help = (
        "Say what a product's page says, and by which evidence. For staff who look into a catalog, and for scripts "
        "with --json. Needs no database, no services and no network."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one page, or a manifest of many."""
        parser.add_argument("file", nargs="?", metavar="FILE", help="a page's HTML, also packed (.gz); - for stdin")
        parser.add_argument("--url", help="the address that FILE was found at")
        parser.add_argument(
            "--manifest", metavar="M.jsonl", help='many pages: lines of {"id", "path", "url"}, also packed; - for stdin'
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object a page")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what the pages say; exit 1 if one could not be read."""
        if bool(options["file"]) == bool(options["manifest"]):
            raise CommandError("name either a FILE or a --manifest")
        if options["manifest"]:
            self._read_many(options["manifest"], as_lines=options["json"])
            return
        if not options["url"]:
            raise CommandError("name the address that the page was found at: --url")
        try:
            is_piped = options["file"] == "-"
            body = sys.stdin.buffer.read() if is_piped else read_file(Path(options["file"]))
            data = read_page(body, options["url"])
        except JobError as error:
            raise CommandError(f"{error.code}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(as_json(data), ensure_ascii=False))
        else:
            _print(data, Console())

    def _read_many(self, manifest: str, *, as_lines: bool) -> None:
        rows = list(_rows(manifest))
        failed = 0
        console = Console(stderr=True)
        is_watched = console.is_terminal and not sys.stdout.isatty()
        for result in track(results(rows), total=len(rows), console=console, disable=not is_watched):
            failed += "error" in result
            self.stdout.write(json.dumps(result, ensure_ascii=False) if as_lines else _line(result))
        if failed:
            raise CommandError(f"{failed} of {len(rows)} pages could not be read")


def _rows(manifest: str) -> Iterator[Row]:
    if manifest == "-":
        yield from read_manifest(sys.stdin, Path.cwd())
        return
    path = Path(manifest)
    try:
        text = read_file(path).decode("utf-8")
    except (JobError, UnicodeDecodeError) as error:
        raise CommandError(f"{manifest} cannot be read: {error}") from error
    yield from read_manifest(text.splitlines(), path.parent)


def _line(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['id']}: {result['error']['code']}: {result['error']['message']}"
    price = " ".join(filter(None, (result["price"], result["currency"])))
    said = (result["title"], price, result["availability"], result["sku"], result["brand"])
    return f"{result['id']}: " + " | ".join(text or "-" for text in said)


def _print(data: PageData, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("field", style="bold")
    table.add_column("value", overflow="fold")
    table.add_column("evidence")
    table.add_column("confidence", justify="right")
    table.add_column("what lost", overflow="fold", style="dim")
    for name in _SHOWN:
        confidence = data.confidence.get(name)
        table.add_row(
            name.replace("_", " "),
            _value(data, name),
            data.evidence.get(name, ""),
            "" if confidence is None else f"{confidence:.2f}",
            "; ".join(_claim(claim) for claim in data.alternatives.get(name, ())),
        )
    console.print(table)


def _value(data: PageData, name: str) -> str:
    value = getattr(data, name)
    if name == "breadcrumbs":
        return " > ".join(crumb.name for crumb in value)
    if name == "images":
        return "\n".join(value)
    if name == "variants":
        return "\n".join(
            " ".join(filter(None, (*variant.options.values(), variant.sku, str(variant.price or ""))))
            for variant in value[:20]
        )
    return str(value or "")[:300]


def _claim(claim: Claim) -> str:
    return f"{str(claim.value)[:60]} ({claim.evidence})"
