"""Our crawl beside Scrapy's, on one local shop, and our extraction beside extruct's, on the same pages.

Run by `make bench-scrape`. Needs nothing but loopback. Prints a table and, last, one JSON object; exits 1 when our
crawl is slower than Scrapy's. The extraction is told and not judged: extruct reads markup alone, ours also what is
shown.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

import extruct
from rich.console import Console
from rich.table import Table

from catalog.sources.known import source_named
from tests.benchmarks.crawlers import SOURCE
from tests.benchmarks.local_shop import local_shop, page_of

SYNTAXES = ["json-ld", "microdata", "opengraph"]


def main() -> int:
    """Measure by turns, so that what else the machine does meets both."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "scrapy": []}
    with local_shop(options.products) as shop:
        for _ in range(options.rounds):
            for name, found in runs.items():
                found.append(_crawl(name, shop, options.products))
    rates = _extraction_rates(min(options.products, 300), rounds=options.rounds)
    figures = {
        **{f"{name}_pages_per_s": _median(options.products / run["seconds"] for run in found)
           for name, found in runs.items()},
        **{f"{name}_cpu_ms_a_page": _median(run["cpu_s"] / options.products * 1000 for run in found)
           for name, found in runs.items()},
        **{f"{name}_extractions_per_s": rate for name, rate in rates.items()},
    }  # fmt: skip
    figures["crawl_ratio"] = round(figures["ours_pages_per_s"] / figures["scrapy_pages_per_s"], 2)
    figures["extraction_ratio"] = round(rates["ours"] / rates["extruct"], 2)
    table = Table("figure", "value")
    for key, value in figures.items():
        table.add_row(key, str(value))
    Console().print(table)
    print(json.dumps(figures))
    return int(figures["crawl_ratio"] < 1)


def _crawl(name: str, shop: str, products: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.crawlers", name, shop]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["pages"] != products:
        raise SystemExit(f"{name} read {found['pages']} of {products} pages")
    return found


def _extraction_rates(pages: int, *, rounds: int) -> dict[str, float]:
    """Return pages a second, of one process."""
    host = "http://shop.example"
    texts = [(page_of(number, products=pages, host=host), f"{host}/product/{number}") for number in range(pages)]
    source = source_named(SOURCE)
    extractors: dict[str, Callable[[str, str], Any]] = {
        "ours": source.extract,
        "extruct": lambda html, url: extruct.extract(html, url, syntaxes=SYNTAXES, uniform=True, errors="ignore"),
    }
    rates: dict[str, list[float]] = {name: [] for name in extractors}
    for _ in range(rounds):
        for name, extract in extractors.items():
            started = time.perf_counter()
            for html, url in texts:
                extract(html, url)
            rates[name].append(pages / (time.perf_counter() - started))
    return {name: round(statistics.median(found), 1) for name, found in rates.items()}


def _median(values: Any) -> float:
    return round(float(statistics.median(values)), 2)


if __name__ == "__main__":
    sys.exit(main())
