"""`manage.py dispatcher`."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from jobs.dispatch import Dispatcher


class Command(BaseCommand):
    """Run a dispatcher until SIGTERM or Ctrl-C."""

    help = (
        "Moves scheduled, gated and abandoned jobs and wakes workers, four times a second. "
        "Run at least one beside the workers; of several, one leads and the others stand by."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Tick until asked to stop."""
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        Dispatcher().run(stop)
