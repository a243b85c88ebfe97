"""Serve the sample catalog."""

import json
import signal
import socket
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import Progress

from marketplace.demo.sample_catalog.drawing import draw_missing
from marketplace.demo.sample_catalog.products import Edition, make_edition
from marketplace.demo.sample_catalog.site import SampleSite
from marketplace.demo.sample_catalog.words import SHOP_DIGITS

FEWEST_PRODUCTS = 16


class Command(BaseCommand):
    help = (
        "Serve a sample catalog on loopback: a shop of drawn products that looks like a public WhatsApp catalog. "
        "For the demo, for tests, and for who works on reading catalogs."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--products", type=_count, default=1184, help="how many products (default: 1184)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same products")
        parser.add_argument("--edition", type=int, default=1, help="each edition changes 5 products, adds 2, removes 3")
        parser.add_argument("--port", type=int, default=0, help="0 takes a free port (default)")
        parser.add_argument("--dir", type=Path, default=None, help="where pictures and the truth file are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw what is missing, write the truth file and serve until told to stop."""
        folder: Path = options["dir"] or settings.VAR_DIR / "sample_catalog"
        edition = make_edition(count=options["products"], seed=options["seed"], number=options["edition"])
        pictures = folder / f"pictures-{options['seed']}-{options['products']}"
        _draw(edition, pictures, options["seed"])
        truth = folder / f"truth-{edition.number}.json"
        unfinished = truth.with_suffix(".part")
        unfinished.write_text(json.dumps(edition.truth(), indent=1))
        unfinished.replace(truth)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", options["port"]))
            listener.listen(512)
            self.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}/c/{SHOP_DIGITS}")
            self.stdout.flush()
            config = uvicorn.Config(
                SampleSite(edition, pictures),
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
            # uvicorn stops on these signals, then raises them again for whoever listened before: that is us.
            signal.signal(signal.SIGTERM, _has_stopped)
            signal.signal(signal.SIGINT, _has_stopped)
            uvicorn.Server(config).run(sockets=[listener])


def _has_stopped(number: int, frame: FrameType | None) -> None:
    """Let the command end with status 0."""


def _draw(edition: Edition, pictures: Path, seed: int) -> None:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("Drawing the sample's pictures", total=None)
        drawn = draw_missing(
            edition.products,
            pictures,
            seed=seed,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if drawn:
        console.print(f"Drew {drawn} pictures into {pictures}", highlight=False, soft_wrap=True)


def _count(text: str) -> int:
    count = int(text)
    if count < FEWEST_PRODUCTS:
        raise ArgumentTypeError(f"at least {FEWEST_PRODUCTS} products make a catalog")
    return count
