"""The beginning of rechecks; the stages that follow are those of a sync."""

from collections.abc import Sequence

from catalog.product_pages import products_to_read
from catalog.rereading import first_stage, note_how
from jobs.batch import Batch, ClaimedJob
from jobs.registry import task


# On the queue of pages, before which those of a sync give way: a seller waits. Its batch is as large as theirs.
@task(queue="scrape-product", batch_size=48, attempts=3, subject=["product"], keep_completed=10, keep_failed=5)
def recheck_product(batch: Batch) -> None:
    """Send each product to the stage that a recheck of it begins with; a second run changes nothing."""
    products = products_to_read([job.payload["product"] for job in batch])
    for job in batch:
        product = products.get(job.payload["product"])
        if product is None:
            batch.complete(job, result={"page": "no longer in the catalog"})
        else:
            batch.complete(job, then=[first_stage(job, product)])

    def note(jobs: Sequence[ClaimedJob]) -> None:
        note_how(jobs, list(products.values()))

    batch.on_settle(note)
