"""`manage.py queue_stats`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from jobs.stats import queue_stats


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
        console = Console()
        console.print(_queues(stats))
        if stats["tasks"]:
            console.print(_tasks(stats))
        console.print(f"{stats['workers']} workers, {stats['dead_letters']} open dead letters")


def _queues(stats: dict[str, Any]) -> Table:
    table = Table(title="Queues")
    table.add_column("queue")
    columns = ("pending", "running", "scheduled", "gated", "oldest_pending_s", "workers")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right")
    for queue in stats["queues"]:
        table.add_row(queue["name"], *("–" if queue[name] is None else str(queue[name]) for name in columns))
    return table


def _tasks(stats: dict[str, Any]) -> Table:
    table = Table(title="Tasks, last five minutes")
    table.add_column("task")
    columns = ("completed", "failed", "retried", "jobs_per_min", "mean_run_ms", "mean_wait_ms")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right")
    for task in stats["tasks"]:
        table.add_row(task["task"], *("–" if task[name] is None else str(task[name]) for name in columns))
    return table
