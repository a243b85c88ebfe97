"""Proposals at 2 s a call over loopback: how many a minute, at what pace.

Needs PostgreSQL and Redis, empties the ledger and the products first. Prints one JSON object; exits 1 when a target is
missed. One worker, in this process, as is the loopback Gemini.

fast: a pace that allows it. again: the same questions, from the cache.
"""

import json
import os
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.management import call_command

from catalog.generation.models import GenerationRequest, Proposal
from catalog.generation.orders import make_order
from catalog.generation.requests import start_generation
from jobs.execution import run_once
from jobs.models import Worker
from jobs.permits import batch_size_of
from jobs.session import Session, set_current_session
from marketplace.gemini.pace import forget_calls
from marketplace.models import Product, Seller
from tests.benchmarks.ours import empty
from tests.benchmarks.verdict import Target
from tests.fakes import gemini
from tests.fakes.gemini import Asked, GeminiApi

QUEUE = "ai-generation"
LATENCY_S = 2.0


def main() -> int:
    """Ask for all products twice, and judge."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=48)
    options = parser.parse_args()
    call_command("migrate", run_syncdb=True, verbosity=0)
    api = GeminiApi(latency_s=LATENCY_S, think=_think)
    with gemini.serve(api) as address:
        settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = address, gemini.KEY
        settings.GEMINI_REQUESTS_PER_MIN, settings.GEMINI_DAY_BUDGET_USD = 1_000, 1_000.0
        forget_calls(settings.GEMINI_MODEL)
        empty()
        for model in (GenerationRequest, Product):
            model._default_manager.all().delete()
        seller = Seller.objects.create(name="Bench")
        products = Product.objects.bulk_create(
            Product(
                seller=seller, external_id=f"bench:{n}", title=f"lamp {n}", description="Of brass, 40 cm high. " * 20
            )
            for n in range(options.products)
        )
        session = Session(name="bench", queues=[QUEUE])
        session.worker_id = Worker.objects.create(name="bench", hostname="here", pid=os.getpid(), queues=[QUEUE]).pk
        set_current_session(session)
        figures = {part: _pass(api, session, seller, products) for part in ("fast", "again")}
        set_current_session(None)
    judged = [
        Target("generations a minute at 2 s a call", figures["fast"]["a_minute"], 10),
        Target("calls of a second pass", figures["again"]["calls"], 0, at_most=True),
    ]
    print(json.dumps(figures | {"targets": [asdict(it) for it in judged]}))
    return int(not all(it.is_met for it in judged))


def _think(asked: Asked) -> str:
    text = "A table lamp of brass. " * 20
    return json.dumps({"title": f"Brass table lamp {hash(asked.said) % 9}", "description": text, "attributes": []})


def _pass(api: GeminiApi, session: Session, seller: Seller, products: list[Product]) -> dict[str, Any]:
    before, started = len(api.asked), time.monotonic()
    request = start_generation(
        make_order(["all"], {}), seller=seller, product_ids=[it.pk for it in products], trigger="api", actor="bench"
    )
    while run_once(QUEUE, session=session, limit=batch_size_of(QUEUE)):
        pass
    seconds = time.monotonic() - started
    ready = Proposal.objects.filter(request=request, state="ready").count()
    return {
        "seconds": round(seconds, 2),
        "a_minute": round(ready / seconds * 60),
        "calls": len(api.asked) - before,
        "most_at_once": api.most_at_once,
    }


if __name__ == "__main__":
    sys.exit(main())
