"""The stage of quality control."""

from collections.abc import Sequence

from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.ledger import enqueue_many
from jobs.registry import task
from jobs.settlement import inherit
from qc.rule_trials import give_up_trials, jobs_to_judge_again, look, record_look
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


def give_up_on_trying(given_up: Sequence[GivenUp]) -> None:
    """Say of the trials that they will not come to their end."""
    give_up_trials({job.payload["trial"] for job in given_up})


@task(queue="quality-control", batch_size=64, attempts=3, keep_completed=10, on_give_up=give_up_on_trying)
def try_rules(batch: Batch) -> None:
    """Look at what tried rules would change for a chunk of the products; a second run of it counts nothing."""
    found = {
        job.id: look(job.payload["trial"], after=job.payload["after"], is_late=job.payload["late"]) for job in batch
    }
    for job in batch:
        looked = found[job.id]
        batch.complete(job, result={"looked_at": looked.looked_at if looked else 0})

    def record(jobs: Sequence[ClaimedJob]) -> None:
        for job in jobs:
            if looked := found[job.id]:
                enqueue_many([inherit(it, job) for it in record_look(looked)])

    batch.on_settle(record)


@task(queue="quality-control", batch_size=64, attempts=3, keep_completed=10)
def apply_rules(batch: Batch) -> None:
    """Have a chunk of the products judged again whose verdict the new rules change."""
    for job in batch:
        queued, goes_on = jobs_to_judge_again(job.payload["trial"], after=job.payload["after"])
        batch.complete(job, result={"queued": len(queued)}, then=[*queued, goes_on] if goes_on else queued)
