"""The stage of proposals: texts that a model writes for a product, which its seller takes or refuses."""

from collections.abc import Sequence
from typing import Any

from catalog.generation.completing import finish_requests
from catalog.generation.proposing import (
    Answer,
    answers_for,
    drafts_of,
    fail_proposals,
    kept_proposal,
    store_proposals,
    subjects_of,
)
from catalog.generation.sweeping import sweep_generations as delete_generations
from jobs.batch import Batch, ClaimedJob, GivenUp
from jobs.effects import bind, effect
from jobs.errors import JobError
from jobs.registry import task
from marketplace.gemini.pace import PATIENT
from marketplace.history import run_sweep


def give_up_on_proposals(given_up: Sequence[GivenUp]) -> None:
    """Say of the proposals why they could not be made."""
    fail_proposals({job.payload["proposal"]: (job.error_code, job.error_message) for job in given_up})


@task(
    name="ai_generation",
    queue="ai-generation",
    batch_size=10,
    attempts=3,
    retry=PATIENT,
    subject=["proposal"],
    on_give_up=give_up_on_proposals,
)
def ai_generation(batch: Batch) -> None:
    """Propose texts for each product; a second run asks nothing and changes nothing."""
    wanted = {job.payload["proposal"] for job in batch if not batch.is_cancelled(job)}
    subjects = subjects_of(wanted)
    outcomes = answers_for(list(subjects.values()), is_stopping=batch.is_stopping)
    answers = {pk: it for pk, it in outcomes.items() if isinstance(it, Answer)}
    drafts = drafts_of(answers, subjects)
    kept = {pk: kept_proposal(subjects[pk], answer, drafts[pk]) for pk, answer in answers.items()}
    for job in batch:
        pk = job.payload["proposal"]
        outcome = outcomes.get(pk)
        if pk not in subjects:
            batch.complete(job, result={"proposal": "made already, or not wanted any more"})
        elif outcome is None:
            batch.release(job)
        elif isinstance(outcome, JobError):
            batch.fail(job, outcome)
        else:
            batch.complete(job, result={"texts": len(drafts[pk]), "is_from_cache": outcome.is_from_cache})
    batch.on_settle(bind(store, {str(pk): made for pk, made in kept.items()}))


@effect
def store(jobs: Sequence[ClaimedJob], data: Any) -> None:
    """Write the proposals of these jobs."""
    wanted = {job.payload["proposal"] for job in jobs}
    store_proposals({pk: data[str(pk)] for pk in wanted if str(pk) in data})


@task(queue="ai-generation", batch_size=64, attempts=5)
def finish_generation(batch: Batch) -> None:
    """End requests whose jobs are all final, and tell their sellers; once only."""
    batch.on_settle(bind(finish))


@effect
def finish(jobs: Sequence[ClaimedJob], data: Any) -> None:
    """End the requests of these jobs."""
    finish_requests([job.payload["request"] for job in jobs])


@task(queue="ai-generation", batch_size=64, attempts=3)
def sweep_generations(batch: Batch) -> None:
    """Delete requests for proposals whose time is over; running twice deletes no more."""
    run_sweep(batch, delete_generations)
