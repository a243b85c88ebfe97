"""The work of scraping jobs and previews, and the sweeping of what they leave."""

import time
from collections.abc import Sequence
from dataclasses import replace

from django.utils import timezone

from catalog.hosts import host_of
from catalog.milestones import sweep_minutes
from catalog.paced_reading import Pace, PacedReader
from catalog.politeness.domains import charge_extra, meet, settle_manners
from catalog.politeness.manners import Manners
from catalog.politeness.outcomes import end_troubled
from catalog.previews import make_preview
from catalog.scraping.contract import Taken
from catalog.scraping.known import SCRAPERS
from catalog.scraping_jobs import Plan, give_up_on_step, passed_over, plans_for, record_step
from catalog.scraping_results import end_abandoned, sweep_results
from catalog.site.intelligence import Intelligence, intelligence_on, unknown_site
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.errors import JobError, PermanentError
from jobs.registry import task
from marketplace.gemini import usage

STEP_BUDGET_S = 150.0  # after which a step begins no further request; its task may run for 300 s


def give_up_on_steps(given_up: Sequence[GivenUp]) -> None:
    """Say of scraping jobs that a step could not be taken."""
    for job in given_up:
        give_up_on_step(job)


@task(
    queue="scraping",
    batch_size=4,
    timeout_s=300,
    attempts=3,
    subject=["scraping_job"],
    keep_completed=10,
    keep_failed=5,
    on_give_up=give_up_on_steps,
)
def run_scraping(batch: Batch) -> None:
    """Take one step of each scraping job: read a page, keep what it shows, and enqueue the next step."""
    plans = plans_for(list(batch))
    steps: dict[int, Taken] = {}
    for job in batch:
        if job.id not in plans:
            batch.complete(job, result={"scraping": "it has ended, or has taken this step before"})
        else:
            batch.progress(job, plans[job.id].progress_pct, f"reading {plans[job.id].step.address[:200]}")

    sites = {job_id: intelligence_on(plan.step.address) for job_id, plan in plans.items()}
    manners = {job_id: meet([plan.step.address]) for job_id, plan in plans.items()}
    troubles: dict[int, JobError] = {}

    def finish(job: ClaimedJob, taken: Taken | JobError) -> None:
        if isinstance(taken, JobError):
            troubles[job.id] = taken
            return
        steps[job.id] = taken
        batch.progress(job, plans[job.id].progress_pct, taken.message)
        batch.complete(job, result={"message": taken.message})

    batch.each(lambda job: _take(plans[job.id], sites[job.id], manners[job.id]), finish=finish)
    for job in batch:
        if job.id not in plans:
            continue
        address = plans[job.id].step.address
        standings = settle_manners(manners[job.id])
        if job.id in troubles:
            end_troubled(batch, job, troubles[job.id], address=address, standings=standings)
        else:
            charge_extra(manners[job.id], [address])

    def record(jobs: Sequence[ClaimedJob]) -> None:
        for job in sorted(jobs, key=lambda it: str(it.payload["scraping_job"])):
            if job.id in steps:
                record_step(job, steps[job.id])

    batch.on_settle(record)


def _take(plan: Plan, site: Intelligence, manners: Manners) -> Taken | JobError:
    """Take one step, without the database; return the trouble that it met.

    A step after the first that fails for good is passed over, and its reason kept.
    """
    order, step = plan.order, plan.step
    if (refusal := manners.refusal(step.address)) is not None:
        return refusal
    reader = PacedReader(
        Pace(delay_s=order.rate_limit_delay_ms / 1000),
        knows=lambda address: site if host_of(address) == site.host else unknown_site(address),
        respects_robots=order.respect_robots_txt,
        timeout_s=order.timeout_ms / 1000,
        give_up_at=time.monotonic() + STEP_BUDGET_S,
        manners=manners,
    )
    with reader:
        try:
            reader.turn_to(step.address)
            taken = SCRAPERS[order.scraping_type].take(reader, order, step, plan.found)
        except JobError as error:
            if plan.is_first or not isinstance(error, PermanentError):
                return error
            taken = passed_over(step, error)
    return replace(taken, learned=reader.learned)


@task(queue="preview", timeout_s=60, attempts=2, subject=["address"], keep_completed=1_000, keep_failed=5)
def preview_catalog(batch: Batch) -> None:
    """Read the first products at an address; why there are none is an answer too."""
    for job in batch:
        batch.complete(job, result=make_preview(job.payload["address"]))


@task(queue="sync-seller", attempts=3)
def sweep_scraping_results(batch: Batch) -> None:
    """Delete results whose time is over, and end scraping jobs that nobody works on; running twice deletes no more."""
    for job in batch:
        now = timezone.now()
        result = {
            "ended": end_abandoned(),
            "swept": sweep_results(now=now),
            "minutes": sweep_minutes() + usage.sweep_minutes(),
        }
        batch.complete(job, result=result)
