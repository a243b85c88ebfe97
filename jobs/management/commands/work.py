"""`manage.py work`."""

import os
import signal
import socket
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs.execution import work_directly
from jobs.session import Session, set_current_session
from jobs.worker import warm_up


class Command(BaseCommand):
    """Work without Redis."""

    help = (
        "For operators, while Redis is away: claims due jobs from PostgreSQL itself, four times a second. "
        "In ordinary times run `manage.py rqworker`, which is woken at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the queues and the flag that says what this is."""
        parser.add_argument("queues", nargs="*", metavar="QUEUE", help="which queues; all when none is named")
        parser.add_argument("--direct", action="store_true", required=True, help="without Redis; must be given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or Ctrl-C; the batch in hand is finished."""
        queues = options["queues"] or list(settings.JOB_QUEUES)
        unknown = sorted(set(queues) - set(settings.JOB_QUEUES))
        if unknown:
            raise CommandError(f"no such queue: {', '.join(unknown)} (there are {', '.join(settings.JOB_QUEUES)})")
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        warm_up(queues)
        session = Session(name=f"{socket.gethostname()}-{os.getpid()}-direct", queues=queues, is_stopping=stop.is_set)
        session.open()
        set_current_session(session)
        try:
            work_directly(queues, stop)
        finally:
            set_current_session(None)
            session.close()
