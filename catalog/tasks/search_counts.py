"""The sweeping of what was counted of searches."""

from catalog.search.counting import sweep_counts
from jobs.batch import Batch
from jobs.registry import task


@task(queue="sync-seller", attempts=3)
def sweep_search_counts(batch: Batch) -> None:
    """Delete counts of searches that are over for long, and rare queries; running twice deletes no more."""
    for job in batch:
        batch.complete(job, result={"deleted": sweep_counts()})
