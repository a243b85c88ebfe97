"""The reviewer's part of quality control: what it is asked about, and what becomes of the jobs meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.batch import Batch, ClaimedJob
from jobs.errors import JobError, RateLimitedError
from jobs.gates import close_gate, hold_pending, lift_gate, set_gate
from jobs.models import Gate
from jobs.registry import Task
from jobs.retry import Next, decide, family_of
from marketplace.gemini.errors import GeminiPaced
from marketplace.models import Product
from qc.reviewer.absence import absence, note_absence
from qc.reviewer.asking import Again, Asked, Wanted, ask
from qc.reviewer.known import key_of, known_reviews
from qc.reviewer.pictures import files_of
from qc.reviewer.review import Review, is_worth_asking, review_without_answer
from qc.verdicts import Judgement, held_by_staff, reviewed

# How fast jobs come through the gate while it is open: it is shut for as long as no call may be made, so this only
# bounds how many come in vain before the first of them finds that out.
OPEN_RATE_PER_S, OPEN_BURST = 256.0, 64.0
LEAST_REST_S = 1.0


@dataclass
class _Stage:
    """One batch on its way past the reviewer."""

    batch: Batch
    task: Task
    rest_s: float = 0.0  # how long no call may be made
    paced: list[ClaimedJob] = field(default_factory=list)

    @property
    def gate(self) -> str:
        """The gate of all jobs of the task."""
        return f"task:{self.task.name}"


def review_batch(batch: Batch, judgements: Mapping[int, Judgement], *, task: Task) -> dict[int, Judgement]:
    """Return the judgements with what the reviewer says, of those jobs that are not to wait.

    Jobs that wait get their outcome here: they are tried again, held until the next call may be made, or run alone.
    What cannot be reviewed now is flagged for that, whatever the reason: no job is given up because of the reviewer.
    """
    stage = _Stage(batch, task)
    _declare(stage.gate)
    asked = _ask_about(batch, judgements)
    done = {pk: it for pk, it in judgements.items() if pk not in asked}
    for job in batch.open_jobs:
        pk = job.payload["product"]
        if pk in asked:
            review = _settle(stage, job, asked[pk])
            if review is not None:
                done[pk] = reviewed(judgements[pk], review)
    _rest(stage)
    return done


def lift(batch: Batch, *, task: Task) -> None:
    """Take the gate away once there is no reviewer any more."""
    gate = f"task:{task.name}"
    if any(gate in (job.gate or "").split() for job in batch):
        lift_gate(gate)


def _ask_about(batch: Batch, judgements: Mapping[int, Judgement]) -> dict[int, Asked]:
    """Return what the reviewer says of each product that it is worth asking about."""
    candidates = {pk: it for pk, it in judgements.items() if is_worth_asking(it.reasons)}
    for pk in held_by_staff(candidates):
        del candidates[pk]
    if not candidates:
        return {}
    known = known_reviews({pk: it.facts.content_hash for pk, it in candidates.items()})
    unknown = {pk: it for pk, it in candidates.items() if pk not in known}
    results: dict[int, Asked] = dict(known)
    if not unknown:
        return results
    away = absence()
    if away is not None:
        return results | dict.fromkeys(unknown, review_without_answer(away))
    keys = {pk: key_of(it.facts.content_hash) for pk, it in unknown.items()}
    files = files_of(unknown)
    sellers = dict(Product.objects.filter(pk__in=unknown).values_list("pk", "seller_id"))
    wanted = [Wanted(keys[pk], sellers.get(pk, 0), it.facts.content, files[pk]) for pk, it in unknown.items()]
    alone = {keys[pk] for job in batch if job.is_suspect and (pk := job.payload["product"]) in keys}
    answers = ask(wanted, alone=alone, is_stopping=batch.is_stopping)
    for error in {id(it): it for it in answers.values() if isinstance(it, JobError)}.values():
        note_absence(error)
    return results | {pk: answers[key] for pk, key in keys.items()}


def _settle(stage: _Stage, job: ClaimedJob, asked: Asked) -> Review | None:
    """Return the review with which the job ends now; None for one that has got another outcome."""
    match asked:
        case Review():
            return asked
        case Again.ALONE:
            stage.batch.isolate([job])
        case Again.LATER:
            stage.batch.release(job)
        case GeminiPaced():
            stage.rest_s = max(stage.rest_s, _told(asked, stage.task))
            stage.paced.append(job)
        case JobError():
            if isinstance(asked, RateLimitedError):
                stage.rest_s = max(stage.rest_s, _told(asked, stage.task))
            if _is_last(stage.task, job, asked):
                stage.batch.log(job, f"not reviewed: {asked}", level="WARNING")
                return review_without_answer(asked)
            stage.batch.fail(job, asked)
    return None


def _is_last(task: Task, job: ClaimedJob, error: JobError) -> bool:
    """Tell whether the job would be given up, or has waited as often as it may."""
    if isinstance(error, RateLimitedError):
        return job.waits >= task.retry.waits
    decision = decide(
        policy=task.retry,
        family=family_of(error),
        code=error.code,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        waits=job.waits,
        chance=0.0,
    )
    return decision.next in (Next.FAIL, Next.DIE)


def _told(error: RateLimitedError, task: Task) -> float:
    return task.retry.wait_s if error.retry_after_s is None else error.retry_after_s


def _declare(gate: str) -> None:
    if not Gate.objects.filter(key=gate, rate_per_s=OPEN_RATE_PER_S, burst=OPEN_BURST).exists():
        set_gate(gate, rate_per_s=OPEN_RATE_PER_S, burst=OPEN_BURST)
        hold_pending(gate)


def _rest(stage: _Stage) -> None:
    """Shut the gate until the next call may be made, and hold the jobs behind it that had none."""
    if not (stage.rest_s or stage.paced):
        return
    rest_s = max(stage.rest_s, LEAST_REST_S)
    close_gate(stage.gate, for_s=rest_s)
    hold_pending(stage.gate)
    for job in stage.paced:
        if stage.gate in (job.gate or "").split():
            stage.batch.hold(job)
        else:  # from before the reviewer had a gate
            stage.batch.fail(job, GeminiPaced(retry_after_s=rest_s))
