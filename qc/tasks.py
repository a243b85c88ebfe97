"""The stage of quality control."""

from collections.abc import Sequence
from dataclasses import replace

from django.utils import timezone

from jobs.batch import Batch, ClaimedJob, GivenUp, NewJob
from jobs.ledger import enqueue_many
from jobs.registry import get_task, task
from jobs.retry import REMOTE_API, RetryPolicy
from jobs.settlement import inherit
from qc.rejudging import jobs_of_chunk
from qc.reviewer.again import jobs_to_review_again
from qc.reviewer.review import is_on
from qc.reviewer.stage import lift, review_batch
from qc.rule_trials import give_up_trials, jobs_to_judge_again, look, record_look
from qc.verdicts import flag_unjudged, judge_products, record_judgements


def give_up_on_judging(given_up: Sequence[GivenUp]) -> None:
    """Leave the products to staff: what could not be judged is never shown, and never stuck."""
    flag_unjudged({job.payload["product"] for job in given_up})


# 64 rather than 16: the reviewer is asked about up to eight listings of one seller at once, and of 16 jobs of many
# sellers too few are of the same; and rules alone are done with 64 in the time of one settlement.
@task(
    queue="quality-control",
    batch_size=64,
    timeout_s=600,
    attempts=3,
    retry=RetryPolicy(by_code={"gemini": replace(REMOTE_API.curve, attempts=3)}),
    subject=["product"],
    on_give_up=give_up_on_judging,
)
def quality_control(batch: Batch) -> None:
    """Decide whether each product is fit to be shown; a second run on the same product writes nothing."""
    declared = get_task("quality-control")
    judged = judge_products({job.payload["product"] for job in batch})
    if is_on():
        judgements = review_batch(batch, judged, task=declared)
    else:
        judgements = judged
        lift(batch, task=declared)
    for job in batch.open_jobs:
        product = job.payload["product"]
        if product in judgements or product not in judged:
            batch.complete(
                job, result={"decision": judgements[product].decision if product in judgements else "deleted"}
            )
        else:  # the reviewer has said nothing of it
            batch.release(job)

    def record(jobs: Sequence[ClaimedJob]) -> None:
        wanted = {job.payload["product"] for job in jobs}
        recorded = record_judgements({pk: made for pk, made in judgements.items() if pk in wanted})
        followed = {it.product_id for it in recorded if it.must_reindex}
        outdated = {it.product_id for it in recorded if it.is_outdated}
        enqueue_many([_next("index-product", job) for job in jobs if job.payload["product"] in followed])
        enqueue_many([_next("quality-control", job) for job in jobs if job.payload["product"] in outdated])

    batch.on_settle(record)


@task(queue="quality-control", batch_size=64, attempts=3, keep_completed=10)
def review_again(batch: Batch) -> None:
    """Have the products judged anew that are flagged only because the reviewer could not be asked."""
    for job in batch:
        again = jobs_to_review_again(now=timezone.now())
        batch.complete(job, result={"queued": len(again)}, then=again)


def _next(task: str, job: ClaimedJob) -> NewJob:
    """Return the job that follows on this one; one for each verdict, so its key names this job."""
    sync, product = job.payload["sync"], job.payload["product"]
    return inherit(NewJob(task, {"sync": sync, "product": product}, key=f"{sync}:{product}:{job.id}"), job)


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


@task(queue="quality-control", batch_size=64, attempts=3, keep_completed=10)
def judge_outdated(batch: Batch) -> None:
    """Have a chunk of the products judged again that rules of an earlier version judged."""
    for job in batch:
        following = jobs_of_chunk(job.payload["run"], after=job.payload["after"])
        queued = sum(it.task == "quality-control" for it in following)
        batch.complete(job, result={"queued": queued}, then=following)
