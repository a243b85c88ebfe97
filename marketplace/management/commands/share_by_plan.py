"""`manage.py share_by_plan`."""

import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace.models import Seller
from marketplace.sellers import give_share


class Command(BaseCommand):
    help = (
        "Give each seller's jobs the share of the workers that the plan comes with. For operators: after an upgrade "
        "from a version without shares, and after a change of PREMIUM_WEIGHT. Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        given: Counter[str] = Counter()
        for seller in Seller.objects.only("pk", "plan").iterator():
            give_share(seller)
            given[seller.plan] += 1
        if options["json"]:
            self.stdout.write(json.dumps(given))
        else:
            plans = ", ".join(f"{count} {plan}" for plan, count in sorted(given.items()))
            self.stdout.write(f"{given.total()} sellers have the share of their plan{f' ({plans})' if plans else ''}.")
