"""`manage.py rqworker`."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django_rq.management.commands.rqworker import Command as RqCommand

from jobs.permits import transport
from jobs.worker import outlast_absence


class Command(RqCommand):
    """Run a worker; of every queue when none is named."""

    help = (
        "For operators: runs a worker of the named queues, or of every queue, until SIGTERM or Ctrl-C. "
        "It finishes the batch in hand within JOB_GRACE_S; a second signal ends it at once. Nothing is lost either way."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until asked to stop."""
        unknown = sorted(set(args) - set(settings.JOB_QUEUES))
        if unknown:
            raise CommandError(f"no such queue: {', '.join(unknown)} (there are {', '.join(settings.JOB_QUEUES)})")
        outlast_absence(transport())  # RQ's worker names itself to Redis as soon as it is made
        super().handle(*(args or settings.JOB_QUEUES), **options)  # type: ignore[no-untyped-call]
