"""`manage.py import_jobs`."""

import gzip
import io
import json
import signal
import sys
import threading
import zlib
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from jobs.imports import Import, NumberedLine, Order, Refusal, import_jobs

MAX_LINE_BYTES = 16 * 1024 * 1024


class Command(BaseCommand):
    """Take over the jobs of an earlier system."""

    help = (
        "For operators who move here from another queue: imports job records, JSON objects one a line, under our field "
        "names or Bull's. Live jobs go on here, final ones become history with their times and attempts. Run it again "
        "as often as needed: what was imported is passed over. Exit status 1 when a record was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file and how to read it."""
        parser.add_argument("file", metavar="FILE", help="JSON Lines; .gz is unpacked; - is standard input")
        parser.add_argument("--source", default="import", metavar="NAME", help="the earlier system (default: import)")
        parser.add_argument("--history-only", action="store_true", help="leave live jobs out, dead letters resolved")
        parser.add_argument(
            "--rename", action="append", default=[], type=_renaming, metavar="OLD=NEW", help="our name of a type"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen; change nothing")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import until the end of the file or SIGTERM, which ends it after the transaction in hand."""
        stop = threading.Event()
        if options["file"] != "-":  # to wait for input is to be ended at once, which costs the open transaction only
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
        order = Order(
            source=options["source"],
            history_only=options["history_only"],
            renames=dict(options["rename"]),
            dry_run=options["dry_run"],
        )
        if not 0 < len(order.source) <= 100:
            raise CommandError("--source is 1 to 100 characters long")
        report, cut = self._import(options["file"], order, stop, tells=not options["json"])
        if options["json"]:
            figures = {"source": order.source, "dry_run": order.dry_run, **asdict(report), "cut_off": cut}
            self.stdout.write(json.dumps(figures, ensure_ascii=False))
        else:
            self.stdout.write(_summary(report, dry_run=order.dry_run) + (f"; {cut}" if cut else ""))
        if report.refused or cut or not report.is_whole:
            sys.exit(1)

    def _import(self, file: str, order: Order, stop: threading.Event, *, tells: bool) -> tuple[Import, str]:
        """Import with a progress bar if somebody looks; return the figures, and why the file ended early if it did."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.fields[lines]} lines"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        reader = _Reader()
        with (
            _opened(file) as (raw, stream, size_bytes),
            Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ):
            bar = progress.add_task("", total=size_bytes, lines=0)

            def show(report: Import, refusals: Sequence[Refusal]) -> None:
                for refusal in refusals if tells else ():
                    self.stderr.write(f"line {refusal.line}: {refusal.field}: {refusal.reason}")
                if size_bytes:
                    progress.update(bar, completed=raw.tell(), lines=report.lines)

            report = import_jobs(reader.lines(stream), order, on_batch=show, is_stopping=stop.is_set)
        return report, reader.cut_off


class _Reader:
    """Reads lines without ever holding more than MAX_LINE_BYTES of one."""

    def __init__(self) -> None:
        self.cut_off = ""

    def lines(self, stream: IO[bytes]) -> Iterator[NumberedLine]:
        """Yield the lines that are not blank, with their numbers; None for one that is too long."""
        number = 0
        try:
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                is_too_long = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
                while is_too_long and (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                line = line.removeprefix(b"\xef\xbb\xbf").strip()
                if line:
                    yield number, None if is_too_long else line
        except (EOFError, OSError, zlib.error) as error:
            self.cut_off = f"the file cannot be read after line {number}: {error}"


@contextmanager
def _opened(file: str) -> Iterator[tuple[IO[bytes], IO[bytes], int | None]]:
    """Open a file; yield it raw, unpacked, and its size, which standard input has not."""
    if file == "-":
        yield sys.stdin.buffer, sys.stdin.buffer, None
        return
    try:
        raw = Path(file).open("rb")  # noqa: SIM115 it is closed below
    except OSError as error:
        raise CommandError(f"{file} cannot be opened: {error.strerror}") from error
    with raw:
        is_packed = file.endswith(".gz")
        stream: Any = gzip.GzipFile(fileobj=raw) if is_packed else raw
        yield raw, io.BufferedReader(stream) if is_packed else raw, Path(file).stat().st_size


def _renaming(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise ArgumentTypeError(f"{text!r} is not OLD=NEW")
    return old, new


def _summary(report: Import, *, dry_run: bool) -> str:
    history = ", ".join(f"{count} {state}" for state, count in sorted(report.history.items()))
    parts = [
        f"{report.live} live",
        f"{sum(report.history.values())} as history" + (f" ({history})" if history else ""),
        f"{report.attempts} failed attempts",
        f"{report.dead_letters_open} open dead letters",
        f"{report.already} imported before",
        f"{report.refused} refused",
    ]
    if report.left_out:
        parts.append(f"{report.left_out} live left out")
    text = ("would import " if dry_run else "imported ") + ", ".join(parts)
    return text if report.is_whole else f"{text}; stopped: run it again to go on"
