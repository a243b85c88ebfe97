"""Search from a terminal."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from catalog.api.search_serializers import SearchAnswer
from catalog.embedders.current import current_embedder
from catalog.index import IndexFilter
from catalog.management.query_files import read_queries
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.search.answers import Answer
from catalog.search.asking import MAX_LIMIT, MAX_OFFSET, Search
from catalog.search.runs import run_queries
from catalog.search.searching import search_products
from marketplace.products import price_text


class Command(BaseCommand):
    """Search the live products, as buyers do."""

    help = (
        "Search the live products as buyers do. For staff, and for scripts with --json. With --queries, many at once, "
        'ranked anew rather than from the cache: one line of JSON for each, {"query", "hits": [the sources\' ids]}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what the API takes."""
        parser.add_argument("query", nargs="?", default="", help="words; without any, newest first")
        parser.add_argument(
            "--queries", metavar="FILE", help='one query a line, or CSV with a column "query"; - for the standard input'
        )
        parser.add_argument("--seller", type=int, help="id of a seller")
        parser.add_argument("--category", default="", help="a category's name or its path")
        parser.add_argument("--min-price", type=_price)
        parser.add_argument("--max-price", type=_price)
        parser.add_argument("--limit", type=int, default=10, help=f"1 to {MAX_LIMIT} (default: 10)")
        parser.add_argument("--offset", type=int, default=0, help=f"0 to {MAX_OFFSET}")
        parser.add_argument("--json", action="store_true", help="answer as the API does, in one line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the results."""
        if not (1 <= options["limit"] <= MAX_LIMIT and 0 <= options["offset"] <= MAX_OFFSET):
            raise CommandError(f"--limit goes from 1 to {MAX_LIMIT}, --offset from 0 to {MAX_OFFSET}")
        where = IndexFilter(
            seller_ids=() if options["seller"] is None else (options["seller"],),
            categories=(options["category"],) if options["category"] else (),
            min_price=options["min_price"],
            max_price=options["max_price"],
        )
        if options["queries"] is not None:
            self._run(where, options)
            return
        answer = search_products(
            Search(query=options["query"], where=where, limit=options["limit"], offset=options["offset"])
        )
        if options["json"]:
            self.stdout.write(json.dumps(SearchAnswer(answer).data, ensure_ascii=False))
        else:
            _print(answer, Console())

    def _run(self, where: IndexFilter, options: Mapping[str, Any]) -> None:
        """Print one line for each query of the file, as soon as it is answered."""
        if options["query"] or options["offset"]:
            raise CommandError("--queries goes with neither a query of its own nor --offset")
        queries = read_queries(options["queries"])
        errors = Console(stderr=True)
        try:
            found = run_queries(queries, where=where, limit=options["limit"], embedder=current_embedder())
            for query, hits in track(
                found, total=len(queries), description="searching", console=errors, disable=not errors.is_terminal
            ):
                self.stdout.write(json.dumps({"query": query, "hits": hits}, ensure_ascii=False))
        except (IndexUnavailable, IndexMissing, IndexNotLoaded) as error:
            raise CommandError(f"{error}; see `manage.py stack --status`") from error


def _price(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not value.is_finite():
        raise ValueError(text)
    return value


def _print(answer: Answer, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("id", justify="right", style="dim")
    table.add_column("product", overflow="fold")
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("categories")
    table.add_column("seller")
    table.add_column("score", justify="right", style="dim")
    for found in answer.results:
        product = found.product
        table.add_row(
            str(product.pk),
            product.title,
            price_text(product),
            ", ".join(category.path for category in product.categories.all()),
            product.seller.name,
            "" if found.score is None else f"{found.score:.4f}",
        )
    console.print(table)
    notes = [f"{len(answer.results)} results in {answer.took_ms:g} ms"]
    notes += ["more with --offset"] * answer.has_more
    notes += ["from the cache"] * answer.is_cached
    notes += ["the index is away: found by words alone"] * answer.is_degraded
    console.print(", ".join(notes), style="dim")
