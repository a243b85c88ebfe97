"""Outcomes on disk while PostgreSQL is away."""

from dataclasses import dataclass
from pathlib import Path

from jobs.batch import Batch
from jobs.registry import Task


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch's outcome on disk."""

    path: Path

    def discard(self) -> None:
        """Remove it: it was settled."""
        self.path.unlink(missing_ok=True)


def spool_batch(batch: Batch, *, task: Task, worker_name: str, run_s: float) -> Spooled | None:
    """Keep what the batch came to."""
    return None
