"""Quality control with Gemini as its reviewer, at 300 ms a call over loopback: how fast, at what pace, for how much.

Needs PostgreSQL and Redis, empties the ledger and the products first. Prints a table and, last, one JSON object; exits
1 when a target is missed. One worker, in this process, as is the loopback Gemini, so the machine is shared by both.

fast: a pace that allows it. again: the same products, unchanged. paced: a pace that does not allow it, for 130 s.
"""

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from rich.console import Console
from rich.table import Table

from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.ledger import enqueue_many
from jobs.models import Gate, Job, Worker
from jobs.session import Session, set_current_session
from marketplace.gemini.pace import WINDOW_S, calls_for_jobs, forget_calls
from marketplace.gemini.usage import recent_figures
from marketplace.models import GeminiMinute, Picture, Product, Seller
from qc.models import Verdict
from tests.benchmarks.ours import empty
from tests.benchmarks.verdict import Target
from tests.catalog.products import picture_bytes
from tests.fakes import gemini
from tests.fakes.gemini import GeminiApi
from tests.qc.reviewer.reading import careful, mind

QUEUE = "quality-control"
LATENCY_S = 0.3
SELLERS = 3
TICK_S = 0.25
PACED_S = 130.0
PACED_CALLS_PER_MIN = 30
# From the pace's yes to the server's ear some milliseconds pass, and not always as many.
JITTER_S = 0.5


def main() -> int:
    """Run the parts one after the other."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_184)
    parser.add_argument("--quick", action="store_true", help="without the part that takes two minutes")
    options = parser.parse_args()
    call_command("migrate", run_syncdb=True, verbosity=0)
    api = GeminiApi(latency_s=LATENCY_S, think=mind(careful))
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder, gemini.serve(api) as address:
        _set_up(address, Path(folder))
        session = _session()
        products = _products(options.products)
        figures: dict[str, Any] = {"products": len(products), "latency_s": LATENCY_S}
        figures["fast"] = _pass(api, session, products, occasion="fast")
        figures["again"] = _pass(api, session, products, occasion="again")
        if not options.quick:
            figures["paced"] = _paced(api, session, products)
        set_current_session(None)
    judged = _targets(figures)
    _show(figures, judged)
    print(json.dumps(figures | {"targets": [asdict(it) for it in judged]}))
    return int(not all(it.is_met for it in judged))


def _set_up(address: str, folder: Path) -> None:
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY, settings.QC_REVIEWER = address, gemini.KEY, "gemini"
    settings.GEMINI_REQUESTS_PER_MIN, settings.GEMINI_DAY_BUDGET_USD = 100_000, 1_000.0
    settings.MEDIA_ROOT = folder
    empty()
    cache.clear()
    for model in (Verdict, Product, GeminiMinute, Gate):
        model._default_manager.all().delete()


def _session() -> Session:
    session = Session(name="bench", queues=[QUEUE])
    session.worker_id = Worker.objects.create(name="bench", hostname="here", pid=os.getpid(), queues=[QUEUE]).pk
    set_current_session(session)
    return session


def _products(count: int) -> list[Product]:
    """Make products of several sellers, each with one picture of its own."""
    sellers = [Seller.objects.create(name=f"Seller {number}") for number in range(SELLERS)]
    words = "Sturdy, made by hand, of oak from sustainable forests; ships within two days. " * 4
    products = Product.objects.bulk_create(
        Product(
            seller=sellers[number % SELLERS],
            external_id=f"bench:{number}",
            title=f"Oak lamp number {number}",
            description=words,
            price=Decimal(20 + number % 7),
            currency="EUR",
        )
        for number in range(count)
    )
    for number in range(8):
        (Path(settings.MEDIA_ROOT) / f"{number}.jpg").write_bytes(picture_bytes(1200, 900, seed=number))
    Picture.objects.bulk_create(
        Picture(
            product=it, status="ready", width_px=1200, height_px=900, sha256=f"{it.pk:064x}", display=f"{it.pk % 8}.jpg"
        )
        for it in products
    )
    return products


def _enqueue(products: Sequence[Product], *, occasion: str) -> None:
    enqueue_many(
        [
            NewJob(QUEUE, {"sync": 0, "product": it.pk}, tenant=str(it.seller_id), key=f"{it.pk}:{occasion}")
            for it in products
        ]
    )


def _work(session: Session, *, until: float = float("inf")) -> float:
    """Work as a worker and a dispatcher do, until nothing is left or the time is up; return the seconds."""
    started = time.monotonic()
    while time.monotonic() < until:
        if run_once(QUEUE, session=session, limit=64):
            continue
        pass_gates()
        if not Job.objects.filter(queue=QUEUE, state__in=("pending", "gated", "scheduled")).exists():
            break
        time.sleep(TICK_S)  # a dispatcher's tick
    return time.monotonic() - started


def _pass(api: GeminiApi, session: Session, products: Sequence[Product], *, occasion: str) -> dict[str, Any]:
    before = len(api.asked)
    _enqueue(products, occasion=occasion)
    seconds = _work(session)
    decided = Job.objects.filter(queue=QUEUE, state="completed", key__endswith=f":{occasion}").count()
    asked = api.asked[before:]
    return {
        "seconds": round(seconds, 2),
        "products_per_min": round(decided / seconds * 60),
        "calls": len(asked),
        "most_at_once": api.most_at_once,
        "kb_a_call": round(sum(it.size_bytes for it in asked) / max(len(asked), 1) / 1000),
    }


def _paced(api: GeminiApi, session: Session, products: Sequence[Product]) -> dict[str, Any]:
    """Work at a pace that is too low; count calls in every window of a minute."""
    settings.GEMINI_REQUESTS_PER_MIN = PACED_CALLS_PER_MIN
    forget_calls(settings.GEMINI_MODEL)
    Product.objects.update(title="Oak lamp, new season")
    before = len(api.asked)
    _enqueue(products, occasion="paced")
    started = time.monotonic()
    _work(session, until=started + PACED_S)
    times = [it.at for it in api.asked[before:]]
    ends = [bisect_left(times, at + WINDOW_S - JITTER_S) for at in times]
    windows = [end - start for start, end in enumerate(ends)]
    return {
        "calls": len(times),
        "allowed_in_a_minute": calls_for_jobs(),
        "most_in_a_minute": max(windows),
        "first_minute": windows[0],
        "second_minute": len([at for at in times if WINDOW_S <= at - times[0] < 2 * WINDOW_S]),
        "waits_spent": Job.objects.filter(queue=QUEUE, key__endswith=":paced", waits__gt=0).count(),
    }


def _targets(figures: dict[str, Any]) -> list[Target]:
    targets = [
        Target("products/min at 300 ms a call", figures["fast"]["products_per_min"], 500),
        Target("calls of a second pass", figures["again"]["calls"], 0, at_most=True),
    ]
    if "paced" in figures:
        allowed = figures["paced"]["allowed_in_a_minute"]
        targets += [
            Target("most calls in a minute", figures["paced"]["most_in_a_minute"], allowed, at_most=True),
            Target("calls in the first minute", figures["paced"]["first_minute"], allowed),
            Target("calls in the second minute", figures["paced"]["second_minute"], allowed),
        ]
    return targets


def _show(figures: dict[str, Any], judged: Sequence[Target]) -> None:
    table = Table("part", "figures")
    for part in ("fast", "again", "paced"):
        if part in figures:
            table.add_row(part, ", ".join(f"{name} {value}" for name, value in figures[part].items()))
    table.add_row("spent", f"${recent_figures()['spent_usd_today']:.4f}, as the loopback counts tokens")
    console = Console()
    console.print(table)
    for it in judged:
        console.print(f"{'met   ' if it.is_met else 'MISSED'} {it.name}: {it.value} (bound {it.bound})")


if __name__ == "__main__":
    sys.exit(main())
