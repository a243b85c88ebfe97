"""`manage.py queue_stats`."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from jobs.stats import queue_stats

QUEUE_COLUMNS = ("pending", "running", "scheduled", "gated", "oldest_pending_s", "workers")
TASK_COLUMNS = ("completed", "failed", "retried", "jobs_per_min", "mean_run_ms", "mean_wait_ms")


class Command(BaseCommand):
    """Show depth, throughput and workers of each queue."""

    help = "For operators: depth, throughput and workers of each queue, and the size of the dead-letter queue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="one JSON object, as the API gives it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the figures."""
        stats = queue_stats()
        if options["json"]:
            self.stdout.write(json.dumps(stats))
            return
        queues = [
            queue | {"name": f"{queue['name']} (paused)" if queue["is_paused"] else queue["name"]}
            for queue in stats["queues"]
        ]
        console = Console()
        console.print(_table("Queues", "name", QUEUE_COLUMNS, queues))
        if stats["tasks"]:
            console.print(_table("Tasks, last five minutes", "task", TASK_COLUMNS, stats["tasks"]))
        console.print(f"{stats['workers']} workers, {stats['dead_letters']} open dead letters")


def _table(title: str, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title)
    table.add_column("")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(row[name], *("–" if row[column] is None else str(row[column]) for column in columns))
    return table
