"""Import a file of products from a terminal."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.api.import_serializers import FeedRowErrorSerializer
from catalog.feed_files import FeedNotStored
from catalog.feed_imports import import_file
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.management.following import wait_for_end
from marketplace.models import Seller, SyncRun
from marketplace.sellers import register_seller
from marketplace.syncs import SellerSuspended, SyncRunning

CHUNK_BYTES = 1024 * 1024
SHOWN_ERRORS = 20


class Command(BaseCommand):
    """Import a feed through the ordinary pipeline, and see it to its end."""

    help = (
        "Import a product feed (CSV, TSV, JSON Lines, JSON, Google or Meta XML; .gz too), for staff. Needs a running "
        "stack; returns when every product is final. The seller of that name is registered if there is none. The file "
        "stands for all that the seller gives by files: products of earlier files that it lacks are taken down. "
        "Exit status 1: the import itself failed; what became of single rows and products is in the answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, whose it is, and how to answer."""
        parser.add_argument("file", type=Path, help="the feed")
        parser.add_argument("--seller", required=True, metavar="NAME", help="whose products they are")
        parser.add_argument("--keep-others", action="store_true", help="keep products that the file lacks")
        parser.add_argument("--timeout", type=float, default=3600, metavar="S", help="give up waiting (default: 3600)")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON, with every problem")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the import, follow it, and say what became of it."""
        started = time.monotonic()
        feed = _start(options["file"], seller_name=options["seller"], keeps_others=options["keep_others"])
        sync = feed.sync
        if sync is None:
            raise CommandError("the import has no sync")
        wait_for_end(sync, give_up_at=started + options["timeout"])
        feed.refresh_from_db()
        self._report(feed, sync, seconds=round(time.monotonic() - started, 2), as_json=options["json"])
        if sync.status == SyncRun.Status.FAILED:
            raise CommandError(f"the import failed: {sync.error_code}: {sync.error_message}")

    def _report(self, feed: FeedImport, sync: SyncRun, *, seconds: float, as_json: bool) -> None:
        """Say the counts, and what is wrong with which row."""
        errors = FeedRowError.objects.filter(feed=feed).order_by("pk")
        if as_json:
            report = {
                "sync": sync.pk,
                "seller": sync.seller_id,
                "feed": feed.pk,
                "kind": feed.kind,
                "status": sync.status,
                **sync.outcome,
                "rows": feed.rows,
                "accepted": feed.accepted,
                "refused": feed.refused,
                "problems": feed.problems,
                "not_carried": feed.not_carried,
                "errors": FeedRowErrorSerializer(errors, many=True).data,
                "seconds": seconds,
                "stages": sync.stages,
                "error_code": sync.error_code,
                "error_message": sync.error_message,
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        for error in errors[:SHOWN_ERRORS]:
            field = f" {error.field}" if error.field else ""
            self.stdout.write(f"row {error.number}{field}: {error.code}: {error.message}")
        if feed.problems > SHOWN_ERRORS:
            self.stdout.write(f"and {feed.problems - SHOWN_ERRORS:,} problems more; --json lists them")
        figures = ", ".join(f"{count} {name}" for name, count in sync.outcome.items())
        self.stdout.write(
            f"{feed.name}: {feed.rows} rows, {feed.refused} refused; sync {sync.pk} {sync.status} after {seconds:g} s"
            + (f": {figures}" if figures else "")
        )


def _start(path: Path, *, seller_name: str, keeps_others: bool) -> FeedImport:
    """Start the import for the one seller of that name."""
    if not path.is_file():
        raise CommandError(f"there is no file {path}")
    sellers = list(Seller.objects.filter(name=seller_name)[:2])
    if len(sellers) > 1:
        raise CommandError(f"there is more than one seller named {seller_name}")
    seller = sellers[0] if sellers else register_seller(name=seller_name)[0]
    try:
        return import_file(
            seller=seller, name=path.name, chunks=_chunks(path), keeps_others=keeps_others, trigger="command"
        )
    except SellerSuspended:
        raise CommandError(f"{seller_name} is suspended") from None
    except SyncRunning as error:
        raise CommandError(f"sync {error.sync.pk} of {seller_name} runs; try again when it has ended") from None
    except (FeedNotStored, OSError) as error:
        raise CommandError(str(error)) from error


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
