"""What keeps the ranking of searches in step with the index."""

from catalog.ranking import vocabulary
from jobs.batch import Batch
from jobs.registry import task


@task(queue="sync-seller", attempts=3, timeout_s=600)
def refresh_vocabulary(batch: Batch) -> None:
    """Count the catalog's words anew when the index has changed; a second run changes nothing."""
    for job in batch:
        batch.complete(job, result={"is_new": vocabulary.refresh_vocabulary()})
