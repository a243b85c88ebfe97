"""The stage of quality control."""

from collections.abc import Sequence

from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.ledger import enqueue_many
from jobs.registry import task
from jobs.settlement import inherit
from qc.verdicts import flag_unjudged, judge_products, record_judgements


def give_up_on_judging(given_up: Sequence[GivenUp]) -> None:
    """Leave the products to staff: what could not be judged is never shown, and never stuck."""
    flag_unjudged({job.payload["product"] for job in given_up})


@task(queue="quality-control", batch_size=64, attempts=3, subject=["product"], on_give_up=give_up_on_judging)
def quality_control(batch: Batch) -> None:
    """Decide whether each product is fit to be shown; a second run on the same product writes nothing."""
    judgements = judge_products({job.payload["product"] for job in batch})
    for job in batch:
        judgement = judgements.get(job.payload["product"])
        batch.complete(job, result={"decision": judgement.decision if judgement else "deleted"})

    def record(jobs: Sequence[ClaimedJob]) -> None:
        wanted = {job.payload["product"] for job in jobs}
        recorded = record_judgements({pk: made for pk, made in judgements.items() if pk in wanted})
        followed = {it.product_id for it in recorded if it.must_reindex}
        enqueue_many([_index(job) for job in jobs if job.payload["product"] in followed])

    batch.on_settle(record)


def _index(job: ClaimedJob) -> NewJob:
    """Return the job by which the index follows; one for each verdict, so its key names this job."""
    sync, product = job.payload["sync"], job.payload["product"]
    return inherit(NewJob("index-product", {"sync": sync, "product": product}, key=f"{sync}:{product}:{job.id}"), job)
