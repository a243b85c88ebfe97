"""Find a catalog's categories and products from a terminal, with nothing behind it."""

import json
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.tree import Tree

from catalog.crawling import Crawl, crawl
from catalog.management.reading import read_or_say_why
from catalog.sources.source import ListPage

MAX_PAGES = 200


class Command(BaseCommand):
    """Read a catalog's lists: its tree of categories and its products' addresses."""

    help = (
        "Find a catalog's categories and the addresses of its products, for developers and staff. Needs no stack: "
        "it reads the lists one after another, at the pace of FETCH_LIST_RATE and FETCH_RATES."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="the catalog's first page, or one of its categories")
        parser.add_argument(
            "--max-pages", type=int, default=MAX_PAGES, metavar="N", help="lists to read at most (default: %(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["max_pages"] < 1:
            raise CommandError("--max-pages is 1 at least")
        read = partial(self._crawl, max_pages=options["max_pages"])
        found = read_or_say_why(self, options["address"], read, as_json=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps(found.answer, ensure_ascii=False))
        else:
            _print(found, Console())

    def _crawl(self, address: str, *, max_pages: int) -> Crawl:
        """Read the lists; say on stderr how far that is."""
        console = Console(stderr=True)
        columns = (TextColumn("lists"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("", total=None)

            def show(found: Crawl, page: ListPage) -> None:
                total = min(max_pages, found.pages + found.waiting + 1)
                progress.update(bar, completed=found.pages, total=total, description=f"{len(found.products)} products")
                if progress.disable:
                    sys.stderr.write(f"{found.pages}/{total} {len(found.products)} products; reading {page.address}\n")

            return crawl(address, max_pages=max_pages, on_page=show)


def _print(found: Crawl, console: Console) -> None:
    answer = found.answer
    tree = Tree(f"{answer['address']} ({answer['source']})")
    _grow(tree, answer["tree"])
    console.print(tree)
    total = "" if answer["total"] is None else f" of {answer['total']} that the site names"
    console.print(
        f"{len(answer['products'])} products{total}, {answer['pages']} lists read, {answer['lists_left']} left"
    )
    for reason, count in answer["skipped"].items():
        console.print(f"skipped {count}: {reason}")
    for problem in answer["problems"]:
        console.print(f"{problem['address']}: {problem['code']}: {problem['message']}", overflow="fold")


def _grow(tree: Tree, nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        count = "" if node["count"] is None else f" ({node['count']})"
        _grow(tree.add(f"{node['name']}{count}"), node["children"])
