"""Search at 1,184, 10,000 and 50,000 products, alone and while products are being indexed, beside PostgreSQL's own.

Run by `make bench-search`, which starts the services; options go in ARGS="...". The products are made up and go into
PostgreSQL and the index by the product's own code; nobody has a picture. Each size adds to the one before. Latencies at
a rate are counted from the time at which a request was due. Processor time is told beside them, which other work on the
machine changes far less. The last line is one JSON object; exit status 1 means that
a target is missed.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from rich.console import Console
from rich.table import Table

from catalog import index
from catalog.search.answers import Answer
from catalog.search.asking import Search
from catalog.search.searching import search_products
from marketplace.models import Product
from tests.benchmarks import search_peer
from tests.benchmarks.search_catalog import Question, questions, stream
from tests.benchmarks.search_http import web
from tests.benchmarks.search_index import Indexed, fill, let_version_settle, sellers, writing
from tests.benchmarks.search_timing import Request, Spread, at_rate, cpu_ms_each, one_by_one
from tests.benchmarks.systems import CannotMeasure
from tests.benchmarks.verdict import Target

SIZES = (1_184, 10_000, 50_000)
JUDGED = 10_000  # products at which the targets hold
UNCACHED_P95_TARGET_MS, CACHED_P95_TARGET_MS, HIT_RATE_TARGET = 100.0, 10.0, 0.8
PER_S = 20.0
POPULAR = 1_000

Figures = dict[str, Any]


def main() -> int:
    """Measure, show, judge."""
    settings.SEARCH_BEHIND = True  # as in production: what tests switch off serves what is stale
    options = _options()
    call_command("migrate", run_syncdb=True, verbosity=0)
    if Product.objects.exists():
        print("there are products in this database already: run it by `make bench-search`", file=sys.stderr)
        return 2
    progress = Console(stderr=True)
    figures: dict[int, Figures] = {}
    filled = 0
    for size in options.sizes:
        progress.print(f"indexing {size:,} products")
        indexed = fill(filled, size - filled)
        try:
            figures[size] = _measured(size, indexed, added=size - filled, options=options, progress=progress)
        except CannotMeasure as error:
            progress.print(f"[red]{error}")
            return 2
        filled = size
    judged = targets(figures)
    console = Console(width=None if sys.stdout.isatty() else 130)  # a pipe would get 80 columns
    for table in (_latencies_table(figures), _rest_table(figures), _targets_table(judged, _judged_size(figures))):
        console.print(table)
    print(json.dumps(_as_json(figures, judged)))
    return 0 if all(target.is_met for target in judged) else 1


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,184 and 10,000 products alone, and half the requests")
    parser.add_argument("--sizes", metavar="N,N", help="other sizes than 1184,10000,50000, the least first")
    parser.add_argument("--requests", type=int, default=400, help="different queries a figure (default: %(default)s)")
    parser.add_argument("--stream", type=int, default=5_000, help="requests for the hit rate (default: %(default)s)")
    options = parser.parse_args()
    options.sizes = sorted(int(it) for it in options.sizes.split(",")) if options.sizes else list(SIZES)
    if options.quick:
        options.sizes, options.requests = [size for size in options.sizes if size <= JUDGED], options.requests // 2
    return options


# --- what is measured -----------------------------------------------------------------------------
def _measured(size: int, indexed: Indexed, *, added: int, options: Namespace, progress: Console) -> Figures:
    """Measure everything at one size; the latencies by their names, in their order."""
    search_peer.make_table()
    seller_ids = [seller.pk for seller in sellers()]
    asked = questions(options.requests, products=size, seed=size)
    ask = partial(_ask, asked, seller_ids=seller_ids)
    peer = [partial(search_peer.search, it, seller_id=_seller_id(it, seller_ids)) for it in asked]
    one_by_one(ask(with_facets=True)[:20])  # what a process loads at its first search
    one_by_one(peer[:20])
    let_version_settle()
    latencies, while_searched_per_s = _latencies(asked, ask, peer, progress)
    cache.clear()
    cpu_ms = {
        "uncached": cpu_ms_each(ask(with_facets=True)),
        "cached": cpu_ms_each(ask(with_facets=True)),
        "PostgreSQL full text": cpu_ms_each(peer),
    }
    popular = questions(POPULAR, products=size, seed=size + 1)
    alone = _hit_rate(popular, options.stream, seller_ids)
    with writing():
        amid = _hit_rate(popular, options.stream, seller_ids)
    progress.print(f"  hit rate {alone['hit_rate']:.3f}, while indexing {amid['hit_rate']:.3f}")
    return {
        "latencies": latencies,
        "cpu_ms": cpu_ms,
        "indexed_per_s": added / indexed.seconds,
        "milvus_mib": indexed.milvus_mib,
        "indexed_per_s_while_searched": while_searched_per_s,
        "stream": alone,
        "stream_while_indexing": amid,
        "load_avg": os.getloadavg()[0],
    }


def _latencies(
    asked: Sequence[Question], ask: Callable[..., list[Request]], peer: Sequence[Request], progress: Console
) -> tuple[dict[str, Spread], float]:
    """Return the latencies, and how many products a second were indexed meanwhile."""
    latencies: dict[str, Spread] = {}

    def note(name: str, spread: Spread) -> None:
        latencies[name] = spread
        progress.print(f"  {name}: p50 {spread.p50_ms:.1f} p95 {spread.p95_ms:.1f} p99 {spread.p99_ms:.1f} ms")

    cache.clear()
    note("uncached", one_by_one(ask(with_facets=True)))
    note("cached", one_by_one(ask(with_facets=True)))
    cache.clear()
    note("uncached, no facets", one_by_one(ask(with_facets=False)))
    note("cached, no facets", one_by_one(ask(with_facets=False)))
    note("PostgreSQL full text", one_by_one(peer))
    cache.clear()
    note(f"uncached, {PER_S:g}/s", at_rate(ask(with_facets=True), per_s=PER_S))
    cache.clear()
    with writing() as writer:
        note(f"uncached, {PER_S:g}/s while indexing", at_rate(ask(with_facets=True), per_s=PER_S))
    with writing():
        note(f"PostgreSQL full text, {PER_S:g}/s while indexing", at_rate(peer, per_s=PER_S))
    cache.clear()
    with web() as get:
        note("uncached, GET /api/search/", one_by_one([partial(get, it.query) for it in asked]))
    return latencies, writer.products / writer.seconds


def _ask(asked: Sequence[Question], *, seller_ids: Sequence[int], with_facets: bool) -> list[Request]:
    def request(question: Question) -> bool:
        return _search(question, seller_ids=seller_ids, with_facets=with_facets).is_degraded

    return [partial(request, question) for question in asked]


def _search(question: Question, *, seller_ids: Sequence[int], with_facets: bool = True) -> Answer:
    where, seller_id = question.where, _seller_id(question, seller_ids)
    if seller_id is not None:
        where = replace(where, seller_ids=(seller_id,))
    return search_products(Search(query=question.query, where=where, with_facets=with_facets))


def _seller_id(question: Question, seller_ids: Sequence[int]) -> int | None:
    return None if question.seller is None else seller_ids[question.seller]


def _hit_rate(popular: Sequence[Question], requests: int, seller_ids: Sequence[int]) -> Figures:
    """Ask what people ask most more often; a stale ranking that is served counts as a hit, as people see it."""
    cache.clear()
    versions: dict[int, None] = {}
    hits, degraded, latencies = 0, 0, []
    for question in stream(popular, requests, seed=1):
        versions[index.current_version()] = None
        answer = _search(question, seller_ids=seller_ids)
        hits += answer.is_cached
        degraded += answer.is_degraded
        latencies.append(answer.took_ms)
    return {
        "hit_rate": hits / requests,
        "versions": len(versions),
        "seconds": sum(latencies) / 1000,
        **Spread.of(latencies, degraded=degraded).as_json(),
    }


# --- what it says ---------------------------------------------------------------------------------
def targets(figures: dict[int, Figures]) -> list[Target]:
    """Judge the size at which the targets hold, or the largest that was measured."""
    found = figures[_judged_size(figures)]
    spreads = found["latencies"]
    return [
        Target("p95 uncached, ms", spreads["uncached"].p95_ms, UNCACHED_P95_TARGET_MS, at_most=True),
        Target("p95 cached, ms", spreads["cached"].p95_ms, CACHED_P95_TARGET_MS, at_most=True),
        Target("degraded answers, alone", spreads["uncached"].degraded, 0, at_most=True),
        Target("hit rate", found["stream"]["hit_rate"], HIT_RATE_TARGET),
        Target("hit rate while indexing", found["stream_while_indexing"]["hit_rate"], HIT_RATE_TARGET),
    ]


def _judged_size(figures: dict[int, Figures]) -> int:
    return JUDGED if JUDGED in figures else max(figures)


def _latencies_table(figures: dict[int, Figures]) -> Table:
    loads = " ".join(f"{found['load_avg']:.1f}" for found in figures.values())
    table = Table(
        title="p50 / p95 / p99 in ms", caption=f"{os.cpu_count()} processors; load at the end of each size: {loads}"
    )
    for name in ("request", *(f"{size:,} products" for size in figures)):
        table.add_column(name, justify="left" if name == "request" else "right")
    for name in next(iter(figures.values()))["latencies"]:
        spreads = [found["latencies"][name] for found in figures.values()]
        table.add_row(name, *(_spread(it) for it in spreads))
    return table


def _spread(spread: Spread) -> str:
    degraded = f" ({spread.degraded} degraded)" if spread.degraded else ""
    return f"{spread.p50_ms:,.1f} / {spread.p95_ms:,.1f} / {spread.p99_ms:,.1f}{degraded}"


def _rest_table(figures: dict[int, Figures]) -> Table:
    table = Table(title="Index and cache")
    for name in ("figure", *(f"{size:,} products" for size in figures)):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name in next(iter(figures.values()))["cpu_ms"]:
        table.add_row(f"CPU ms: {name}", *(_cpu(found["cpu_ms"][name]) for found in figures.values()))
    for name, of in _REST.items():
        table.add_row(name, *(of(found) for found in figures.values()))
    return table


def _cpu(by_process: dict[str, float]) -> str:
    parts = ", ".join(f"{name} {cpu_ms:.1f}" for name, cpu_ms in by_process.items() if cpu_ms >= 0.05)
    return f"{sum(by_process.values()):.1f} ({parts})"


_REST: dict[str, Callable[[Figures], str]] = {
    "indexed, products/s": lambda it: f"{it['indexed_per_s']:,.0f}",
    "indexed while searched, products/s": lambda it: f"{it['indexed_per_s_while_searched']:,.0f}",
    "Milvus, MiB": lambda it: "elsewhere" if it["milvus_mib"] is None else f"{it['milvus_mib']:,.0f}",
    "hit rate": lambda it: f"{it['stream']['hit_rate']:.1%}",
    "hit rate while indexing": lambda it: f"{it['stream_while_indexing']['hit_rate']:.1%}",
    "versions of the index meanwhile": lambda it: (
        f"{it['stream_while_indexing']['versions']} in {it['stream_while_indexing']['seconds']:.0f} s"
    ),
}


def _targets_table(judged: Sequence[Target], size: int) -> Table:
    table = Table(title=f"Targets, at {size:,} products")
    for name in ("target", "measured", "bound", ""):
        table.add_column(name, justify="right" if name in ("measured", "bound") else "left")
    for target in judged:
        sign = "<=" if target.at_most else ">="
        verdict = "[green]✓ met" if target.is_met else "[red]✗ missed"
        table.add_row(target.name, f"{target.value:.2f}", f"{sign} {target.bound:g}", verdict)
    return table


def _as_json(figures: dict[int, Figures], judged: Sequence[Target]) -> dict[str, Any]:
    return {
        "sizes": dict(_plain(figures)),
        "targets": [{"name": it.name, "value": it.value, "bound": it.bound, "is_met": it.is_met} for it in judged],
        "is_met": all(target.is_met for target in judged),
    }


def _plain(figures: dict[int, Figures]) -> Iterator[tuple[str, Figures]]:
    for size, found in figures.items():
        yield str(size), found | {"latencies": {name: it.as_json() for name, it in found["latencies"].items()}}


if __name__ == "__main__":
    sys.exit(main())
