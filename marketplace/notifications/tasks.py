"""The tasks of notifications."""

from jobs.batch import Batch
from jobs.registry import task


@task(queue="notify-seller", batch_size=64, attempts=5)
def notify_seller(batch: Batch) -> None:
    """Make one notification of what happened of a kind."""
