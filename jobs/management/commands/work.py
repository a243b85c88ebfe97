"""`manage.py work`."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs.execution import work_directly
from jobs.recycling import spent_reason
from jobs.seats import process_name, seat_of
from jobs.session import Session, set_current_session
from jobs.spool import replay, replay_in_thread
from jobs.worker import warm_up

logger = logging.getLogger(__name__)


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
        """Work until SIGTERM or Ctrl-C; the batch in hand has JOB_GRACE_S, or goes back at the second signal."""
        queues = options["queues"] or list(settings.JOB_QUEUES)
        unknown = sorted(set(queues) - set(settings.JOB_QUEUES))
        if unknown:
            raise CommandError(f"no such queue: {', '.join(unknown)} (there are {', '.join(settings.JOB_QUEUES)})")
        stop = threading.Event()
        seat = seat_of(queues)
        session = Session(name=process_name(seat), seat=seat, queues=queues, is_stopping=stop.is_set, is_warm=False)
        spent: list[str] = []

        def leave(*_: Any) -> None:
            if stop.is_set():
                session.leave_within(0, "stopped at once")
                return
            stop.set()
            session.leave_within(settings.JOB_GRACE_S, "stopped when its grace was over")

        def stop_when_spent() -> None:
            reason = spent_reason(
                jobs_done=session.jobs_done,
                memory_bytes=session.memory_bytes,
                max_jobs=settings.JOB_WORKER_MAX_JOBS,
                max_mb=settings.JOB_WORKER_MAX_MB,
            )
            if reason and not stop.is_set():
                logger.info("making room for a fresh worker: %s", reason, extra={"worker": session.name})
                spent.append(reason)
                stop.set()

        session.on_beat = stop_when_spent
        session.on_reconnect = replay_in_thread
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, leave)
        session.open()
        set_current_session(session)
        try:
            replay()
            warm_up(queues)
            session.is_warm = True
            work_directly(queues, stop)
        finally:
            set_current_session(None)
            session.close("recycled" if spent else "stopped")
