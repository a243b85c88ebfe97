"""Sync a catalog from a terminal."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.management.following import wait_for_end
from marketplace.models import Seller, SyncRun
from marketplace.sellers import InvalidCatalogAddress, checked_catalog_address
from marketplace.syncs import NoCatalogAddress, SellerSuspended, SyncRunning, start_sync


class Command(BaseCommand):
    """Start a sync, and with --wait see it to its end."""

    help = "Sync the catalog at an address, for staff. The seller of that name is registered if there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the catalog, whose it is, and how to answer."""
        parser.add_argument("address", help="the catalog's address")
        parser.add_argument("--seller", required=True, metavar="NAME", help="whose catalog it is")
        parser.add_argument("--wait", action="store_true", help="wait for the sync's end; exit 1 when it failed")
        parser.add_argument("--timeout", type=float, default=3600, metavar="S", help="give up waiting (default: 3600)")
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the sync, follow it, and say how it ended."""
        started = time.monotonic()
        sync = _start(options["address"], seller_name=options["seller"])
        if options["wait"]:
            wait_for_end(sync, give_up_at=started + options["timeout"])
        self._report(sync, seconds=round(time.monotonic() - started, 2), as_json=options["json"])
        if sync.status == SyncRun.Status.FAILED:
            raise CommandError(f"sync {sync.pk} failed: {sync.error_code}: {sync.error_message}")

    def _report(self, sync: SyncRun, *, seconds: float, as_json: bool) -> None:
        if as_json:
            report = {
                "sync": sync.pk,
                "seller": sync.seller_id,
                "status": sync.status,
                **sync.outcome,
                "seconds": seconds,
                "stages": sync.stages,
                "error_code": sync.error_code,
                "error_message": sync.error_message,
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        figures = ", ".join(f"{count} {name}" for name, count in sync.outcome.items())
        self.stdout.write(f"sync {sync.pk} {sync.status} after {seconds:g} s" + (f": {figures}" if figures else ""))


def _start(address: str, *, seller_name: str) -> SyncRun:
    """Start the sync of the one seller of that name; the address becomes theirs."""
    sellers = list(Seller.objects.filter(name=seller_name)[:2])
    if len(sellers) > 1:
        raise CommandError(f"there is more than one seller named {seller_name}")
    seller = sellers[0] if sellers else Seller(name=seller_name)
    try:
        with transaction.atomic():
            seller.catalog_address = checked_catalog_address(address)
            seller.save()
            sync, is_new = start_sync(seller=seller, trigger="command")
    except InvalidCatalogAddress as error:
        raise CommandError(str(error)) from error
    except NoCatalogAddress:
        raise CommandError("name the catalog's address") from None
    except SellerSuspended:
        raise CommandError(f"{seller_name} is suspended") from None
    except SyncRunning as error:
        raise CommandError(f"sync {error.sync.pk} brings in what {seller_name} sent; try again later") from None
    if not is_new:
        sys.stderr.write(f"sync {sync.pk} runs already; following it\n")
    return sync
