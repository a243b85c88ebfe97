"""`manage.py rqworker-pool`."""  # noqa: N999 the name is RQ's

from argparse import ArgumentParser
from typing import Any

import django_rq
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_rq.utils import reset_db_connections
from rq.serializers import JSONSerializer

from jobs.worker import PermitWorker, outlast_absence
from jobs.worker_pool import PermitPool


class Command(BaseCommand):
    """Run several workers under one parent."""

    help = (
        "For operators without another supervisor: runs --num-workers workers of the named queues, or of every queue, "
        "and replaces those that end, until SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the queues and how many workers."""
        parser.add_argument("queues", nargs="*", metavar="QUEUE", help="which queues; all when none is named")
        parser.add_argument("--num-workers", type=int, default=1, help="how many workers")
        parser.add_argument("--burst", action="store_true", help="end when no permit is left")

    def handle(self, *args: Any, **options: Any) -> None:
        """Keep the workers running until asked to stop."""
        names = options["queues"] or list(settings.JOB_QUEUES)
        unknown = sorted(set(names) - set(settings.JOB_QUEUES))
        if unknown:
            raise CommandError(f"no such queue: {', '.join(unknown)} (there are {', '.join(settings.JOB_QUEUES)})")
        queues = [django_rq.get_queue(name) for name in names]
        outlast_absence(queues[0].connection)
        pool = PermitPool(
            queues,
            connection=queues[0].connection,
            num_workers=options["num_workers"],
            worker_class=PermitWorker,
            serializer=JSONSerializer,
        )
        reset_db_connections()  # a child must not share its parent's
        pool.start(burst=options["burst"], logging_level="WARNING")
