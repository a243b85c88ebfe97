"""`manage.py rotate_job_keys`."""

import json
import signal
import sys
import threading
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.rotation import Rotation, Sealable, estimated_rows, rotate_keys, sealables


class Command(BaseCommand):
    """Encrypt under the newest key what is under an older one."""

    help = (
        "For operators who change the key of sensitive jobs: put the new key first in JOB_ENCRYPTION_KEYS, restart "
        "web, dispatcher and workers, run this until it says `0 rotated, 0 unknown`, then drop the old key. Workers "
        "may run meanwhile; a stopped run is gone on with by the next. Exit status 1 while the old key is still needed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare how to answer."""
        parser.add_argument("--dry-run", action="store_true", help="say what would be encrypted anew; change nothing")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate until all is done or SIGTERM comes, which ends it after some thousand rows."""
        if not settings.JOB_ENCRYPTION_KEYS:
            raise CommandError("JOB_ENCRYPTION_KEYS is empty: there is no key to encrypt with")
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        rotation = _rotate_visibly(dry_run=options["dry_run"], stop=stop)
        self._report(rotation, dry_run=options["dry_run"], as_json=options["json"])
        if rotation.unknown or rotation.contended or not rotation.is_whole or (options["dry_run"] and rotation.rotated):
            sys.exit(1)

    def _report(self, rotation: Rotation, *, dry_run: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"dry_run": dry_run, **asdict(rotation)}))
            return
        if rotation.unknown_rows:
            self.stderr.write(f"no key opens: {', '.join(rotation.unknown_rows)}")
        self.stdout.write(
            f"{rotation.rotated} {'would be ' if dry_run else ''}rotated, {rotation.unknown} unknown, "
            f"{rotation.contended} busy, {rotation.current} under the first key already"
            + ("" if rotation.is_whole else "; stopped: run it again to go on")
        )


def _rotate_visibly(*, dry_run: bool, stop: threading.Event) -> Rotation:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars = {
            sealable.name: progress.add_task(sealable.name, total=estimated_rows(sealable) or None)
            for sealable in sealables()
        }

        def show(sealable: Sealable, rows: int) -> None:
            progress.advance(bars[sealable.name], rows)

        return rotate_keys(dry_run=dry_run, on_window=show, is_stopping=stop.is_set)
