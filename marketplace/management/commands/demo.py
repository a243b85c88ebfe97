"""`manage.py demo`: the whole product at work, on a sample catalog."""

import signal
import sys
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.demo.children import ChildFailed
from marketplace.demo.client import ApiError
from marketplace.demo.story import Demo
from marketplace.stack.services import StackError


class Command(BaseCommand):
    """Play the demo."""

    help = (
        "Start the stack and a sample catalog, bring its products live, and show how. For newcomers. "
        "The last line of standard output is one JSON object; exit status 1 when a product did not end as it must."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what may be asked for."""
        parser.add_argument("--exit", action="store_true", help="stop everything when done, also on a terminal")
        parser.add_argument("--fresh", action="store_true", help="forget earlier runs (and all else under VAR_DIR)")
        parser.add_argument("--products", type=int, default=1184, help="size of the sample catalog (default: 1184)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play the demo; Ctrl-C and SIGTERM end all that it started."""
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGHUP, _end)
        demo = Demo(
            base_dir=settings.BASE_DIR,
            var_dir=settings.VAR_DIR,
            external=settings.EXTERNAL_SERVICES,
            products=options["products"],
        )
        stays_up = sys.stdout.isatty() and not options["exit"]
        try:
            if options["fresh"]:
                demo.begin_anew()
            is_as_truth = demo.run(stays_up=stays_up)
        except KeyboardInterrupt:
            sys.exit(0 if demo.is_told else 128 + signal.SIGINT)
        except (ApiError, ChildFailed, StackError) as error:
            raise CommandError(str(error)) from error
        if not is_as_truth:
            sys.exit(1)


def _end(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
