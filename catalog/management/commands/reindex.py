"""Compare the search index with PostgreSQL and mend it, or change its embedder."""

import getpass
import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from catalog.embedders.current import current_embedder
from catalog.milvus import IndexUnavailable
from catalog.models import SearchIndex
from catalog.reindexing.building import BuildingRefused, change_embedder
from catalog.reindexing.reconciling import Comparison, reconcile
from marketplace.models import Seller

POLL_S = 0.25


class Command(BaseCommand):
    """Prove that the index holds what PostgreSQL says, or have another one built."""

    help = (
        "Compare every row of the search index with PostgreSQL, and mend what differs; for staff, after Milvus lost "
        "its data or after an upgrade. Stored vectors are not made again. --check mends nothing; exit status 1 "
        "says that something differs. With --embedder, have an index of another embedder built by the workers: "
        "searches change over when it is complete."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to compare, or which embedder to change to, and how to answer."""
        parser.add_argument("--seller", type=int, metavar="ID", help="only the products of this seller")
        parser.add_argument("--check", action="store_true", help="compare only")
        parser.add_argument("--embedder", metavar="NAME", help="change to this embedder")
        parser.add_argument("--reason", default="", help="why, for the audit log; needed with --embedder")
        parser.add_argument("--wait", action="store_true", help="with --embedder: return when searches have changed")
        parser.add_argument("--timeout", type=float, default=86400, metavar="S", help="of --wait (default: a day)")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, or change."""
        if options["embedder"]:
            self._change(options)
        else:
            self._compare(options)

    def _compare(self, options: dict[str, Any]) -> None:
        seller_id = options["seller"]
        if seller_id is not None and not Seller.objects.filter(pk=seller_id).exists():
            raise CommandError(f"there is no seller {seller_id}")
        try:
            with _bar() as progress:
                row = progress.add_task("compared", total=None)
                found = reconcile(
                    current_embedder(),
                    seller_id=seller_id,
                    only_check=options["check"],
                    told=lambda done, total: progress.update(row, completed=done, total=total),
                )
        except IndexUnavailable as error:
            raise CommandError(f"{error}. Nothing was compared; see that Milvus runs.") from error
        self.stdout.write(json.dumps(found.figures) if options["json"] else _summary(found))
        if options["check"] and not found.is_equal:
            raise CommandError("the index differs from PostgreSQL; without --check it is mended")

    def _change(self, options: dict[str, Any]) -> None:
        if options["check"] or options["seller"] is not None:
            raise CommandError("--embedder builds the whole index: give neither --check nor --seller")
        if not options["reason"].strip():
            raise CommandError("say why with --reason: it is kept in the audit log")
        try:
            made = change_embedder(options["embedder"], actor=getpass.getuser(), reason=options["reason"])
        except BuildingRefused as error:
            raise CommandError(str(error)) from error
        if options["wait"]:
            self._wait(made, give_up_at=time.monotonic() + options["timeout"])
        told = {
            "index": made.pk,
            "embedder": made.embedder,
            "state": made.state,
            "done": made.done,
            "total": made.total,
        }
        if options["json"]:
            self.stdout.write(json.dumps({**told, "error_code": made.error_code, "error_message": made.error_message}))
        else:
            self.stdout.write(
                f"index {made.pk} of {made.embedder}: {made.state}, {made.done:,} of {made.total:,} products"
            )
        if made.state in (SearchIndex.State.FAILED, SearchIndex.State.CANCELLED):
            raise CommandError(f"{made.state}: {made.error_code} {made.error_message}".strip())

    def _wait(self, made: SearchIndex, *, give_up_at: float) -> None:
        with _bar() as progress:
            row = progress.add_task(f"index of {made.embedder}", total=made.total)
            while made.state == SearchIndex.State.BUILDING:
                if time.monotonic() > give_up_at:
                    raise CommandError(f"index {made.pk} is still being built; stopped waiting")
                time.sleep(POLL_S)  # the database has nobody to tell us
                made.refresh_from_db()
                progress.update(row, completed=made.done, total=made.total)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _summary(found: Comparison) -> str:
    figures = found.figures
    differing = ", ".join(f"{figures[name]:,} {name}" for name in ("missing", "stale", "surplus"))
    return (
        f"{figures['products']:,} live products, {figures['rows']:,} rows, {figures['pictures']:,} of pictures; "
        f"{differing}; {figures['repaired']:,} repaired; {figures['took_s']:g} s"
    )
