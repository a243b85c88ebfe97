"""Tell which embedder will run, and how fast."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from catalog.embedders.contract import Embedder
from catalog.embedders.current import EMBEDDERS, embedder_named, picture_embedder_of
from catalog.embedders.siglip import SiglipEmbedder
from catalog.embedders.speed import measure_speed
from catalog.indexes.active import active_embedder_name
from jobs.errors import JobError

DEFAULT_SECONDS = 6.0


class Command(BaseCommand):
    """Load an embedder, say what it is and where it runs, and measure it."""

    help = (
        "Tell whoever sets up workers what will embed products here: model, weights, device, and how fast. Ends with "
        "1, and says what to do, where it cannot run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which one, for how long, and how to answer."""
        parser.add_argument("--embedder", choices=sorted(EMBEDDERS), help="instead of the one that is in use")
        parser.add_argument(
            "--seconds", type=float, default=DEFAULT_SECONDS, help="to measure; 0: do not (default: %(default)g)"
        )
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, measure, print."""
        if options["seconds"] < 0:
            raise CommandError("--seconds is 0 or more")
        name = options["embedder"] or active_embedder_name()
        try:
            facts = _facts(embedder_named(name), seconds=options["seconds"])
        except JobError as error:
            raise CommandError(f"{name} cannot run: {error} [{error.code}]") from error
        if options["json"]:
            self.stdout.write(json.dumps(facts))
        else:
            _show(facts)


def _facts(embedder: Embedder, *, seconds: float) -> dict[str, str | int | float]:
    started = time.perf_counter()
    details = embedder.details() if isinstance(embedder, SiglipEmbedder) else {}
    load_s = time.perf_counter() - started
    pictures = picture_embedder_of(embedder)
    facts: dict[str, str | int | float] = {
        "embedder": type(embedder).__name__,
        "summary": embedder.summary,
        "fingerprint": embedder.fingerprint,
        "min_similarity": round(embedder.min_similarity, 4),
        **details,
        "picture_embedder": type(pictures).__name__,
        "picture_summary": pictures.summary,
        "picture_fingerprint": pictures.fingerprint,
        "load_s": round(load_s, 2),
    }
    if seconds:
        speed = measure_speed(embedder, pictures, seconds=seconds)
        facts |= {
            "texts_per_s": round(speed.texts_per_s, 1),
            "query_p50_ms": round(speed.query_p50_ms, 2),
            "pictures_per_s": round(speed.pictures_per_s, 1),
        }
    return facts


def _show(facts: dict[str, str | int | float]) -> None:
    table = Table("figure", "value")
    for key, value in facts.items():
        table.add_row(key, str(value))
    Console().print(table)
