"""Take over the jobs of an earlier system: what is live goes on here, what is final becomes history."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jobs.batch import NewJob
from jobs.earlier_fields import RecordRefused
from jobs.earlier_jobs import EarlierJob, read_line
from jobs.ledger import enqueue_many
from jobs.models import Audit, DeadLetter, ImportedJob, Job, JobAttempt, State
from jobs.registry import Task, UnknownTask, get_task
from jobs.retry import Family
from jobs.sealing import seal
from jobs.sensitive import stored_text

BATCH_LINES = 500
MAX_KEPT_REFUSALS = 1_000
LOCK_CLASS = 0x1347
ACTOR = "import"

# A line's number, and what it says; None for one that is too long to be read.
NumberedLine = tuple[int, bytes | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not imported, and why."""

    line: int
    field: str
    reason: str


@dataclass(slots=True)
class Import:
    """What an import did, or would do."""

    lines: int = 0
    live: int = 0
    history: dict[str, int] = field(default_factory=dict)  # by final state
    attempts: int = 0
    dead_letters_open: int = 0
    dead_letters_resolved: int = 0
    already: int = 0  # imported by an earlier run
    left_out: int = 0  # live, with history_only
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)  # the first thousand
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Order:
    """How to import.

    Args:
        source: the earlier system; its ids are remembered under this name.
        history_only: leave live jobs where they are, and dead letters closed.
        renames: our names of tasks by the earlier system's.
        dry_run: do all of it, and take it back.
    """

    source: str
    history_only: bool = False
    renames: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    line: int
    job: EarlierJob
    task_name: str
    task: Task | None


def import_jobs(
    lines: Iterable[NumberedLine],
    order: Order,
    *,
    on_batch: Callable[[Import, Sequence[Refusal]], None] = lambda *_: None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Import:
    """Import records of jobs, BATCH_LINES in a transaction; a record that is wrong is refused alone.

    A record imported before, by its source and id, is passed over, so a run that was stopped or killed is gone on
    with by the next. Final jobs keep their times and attempts; failed and dead ones open a dead letter, which is
    resolved at once where nobody could retry it: with history_only, and for a task that is not declared here.
    Live jobs are enqueued, with the attempts that they have spent and at least one left; one that was being
    processed is due again.

    Args:
        lines: JSON objects with their line numbers.
        order: how to import.
        on_batch: called after each transaction with the figures so far and what it refused.
        is_stopping: asked between two transactions.
    """
    report = Import()
    seen: set[str] = set()  # in a dry run nothing else remembers
    numbered = iter(lines)
    while batch := list(islice(numbered, BATCH_LINES)):
        if is_stopping():
            report.is_whole = False
            break
        refusals = _import_batch(batch, order, report, seen)
        report.lines += len(batch)
        report.refused += len(refusals)
        report.refusals += refusals[: MAX_KEPT_REFUSALS - len(report.refusals)]
        on_batch(report, refusals)
    imported = report.live + sum(report.history.values())
    if imported and not order.dry_run:
        Audit.objects.create(actor=ACTOR, action="import jobs", subject=f"source {order.source}", count=imported)
    return report


def _import_batch(batch: Sequence[NumberedLine], order: Order, report: Import, seen: set[str]) -> list[Refusal]:
    refusals: list[Refusal] = []
    read: dict[str, _Read] = {}
    for number, line in batch:
        try:
            found = _read(number, line, order)
        except RecordRefused as refused:
            refusals.append(Refusal(number, refused.field, refused.reason))
            continue
        if order.history_only and not found.job.is_final:
            report.left_out += 1
        elif found.job.external_id in read or found.job.external_id in seen:
            report.already += 1
        else:
            read[found.job.external_id] = found
    if order.dry_run:
        seen.update(read)
    if read:
        with transaction.atomic():
            _write(list(read.values()), order, report)
            transaction.set_rollback(order.dry_run)
    return refusals


def _read(number: int, line: bytes | None, order: Order) -> _Read:
    if line is None:
        raise RecordRefused("record", "is too long")
    job = read_line(line, source=order.source)
    name = order.renames.get(job.task, job.task)
    task = _declared(name) or _declared(name.replace("_", "-"))
    if task is None and not job.is_final and not order.history_only:
        raise RecordRefused(
            "type",
            f"no task is named {name!r} here, so the job could never run: declare it, give our name of it "
            f"with --rename {job.task}=NAME, or leave live jobs out with --history-only",
        )
    return _Read(number, job, task.name if task else name, task)


def _declared(name: str) -> Task | None:
    try:
        return get_task(name)
    except UnknownTask:
        return None


def _write(read: Sequence[_Read], order: Order, report: Import) -> None:
    with connection.cursor() as cursor:  # two runs of one source take turns
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_CLASS, order.source])
    known = set(
        ImportedJob.objects.filter(
            source=order.source, external_id__in=[one.job.external_id for one in read]
        ).values_list("external_id", flat=True)
    )
    fresh = [one for one in read if one.job.external_id not in known]
    live = [one for one in fresh if not one.job.is_final]
    final = [one for one in fresh if one.job.is_final]
    ids = [*zip(live, _enqueue(live), strict=True), *zip(final, _write_history(final), strict=True)]
    ImportedJob.objects.bulk_create(
        ImportedJob(source=order.source, external_id=one.job.external_id, job_id=job_id) for one, job_id in ids
    )
    attempts = JobAttempt.objects.bulk_create(attempt for one, job_id in ids for attempt in _attempts(one, job_id))
    given_up = [(one, job_id) for one, job_id in ids if one.job.state in (State.FAILED, State.DEAD)]
    letters = DeadLetter.objects.bulk_create(_letter(one, job_id, order) for one, job_id in given_up)
    is_open = Counter(letter.resolution == DeadLetter.Resolution.OPEN for letter in letters)
    report.already += len(known)
    report.live += len(live)
    report.history = dict(Counter(report.history) + Counter(str(one.job.state) for one in final))
    report.attempts += len(attempts)
    report.dead_letters_open += is_open[True]
    report.dead_letters_resolved += is_open[False]


def _enqueue(live: Sequence[_Read]) -> list[int]:
    """Put live jobs on the ledger, as if they had been enqueued here; return their ids."""
    now = timezone.now()
    enqueued = enqueue_many([_new_job(one, now) for one in live])
    ids = [answer.job_id for answer in enqueued]
    Job.objects.bulk_update(
        [
            Job(pk=job_id, attempt=one.job.attempts, created_at=min(one.job.created_at, now))
            for one, job_id in zip(live, ids, strict=True)
        ],
        ["attempt", "created_at"],
    )
    return ids


def _new_job(one: _Read, now: datetime) -> NewJob:
    job = one.job
    delay_s = (job.run_at - now).total_seconds() if job.run_at and job.state is State.SCHEDULED else 0.0
    return NewJob(
        task=one.task_name,
        payload=job.payload,
        tenant=job.tenant,
        priority=job.priority,
        delay_s=max(0.0, delay_s),
        meta=job.meta,
        max_attempts=max(job.max_attempts, job.attempts + 1),
    )


def _write_history(final: Sequence[_Read]) -> list[int]:
    rows = Job.objects.bulk_create(_history_row(one) for one in final)
    return [row.pk for row in rows]


def _history_row(one: _Read) -> Job:
    job, task = one.job, one.task
    is_sensitive = task is not None and task.sensitive
    return Job(
        task=one.task_name,
        queue=task.queue if task else job.queue or one.task_name,
        tenant=job.tenant,
        priority=job.priority,
        state=job.state,
        attempt=job.attempts,
        max_attempts=job.max_attempts,
        payload=seal(job.payload) if is_sensitive else job.payload,
        meta=job.meta,
        result=seal(job.result) if is_sensitive and job.result is not None else job.result,
        error_code=job.error_code,
        error_message=_text(job.error_message, one),
        created_at=job.created_at,
        run_at=job.run_at or job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _text(text: str, one: _Read) -> str:
    return stored_text(text, payload=one.job.payload, task=one.task)


def _attempts(one: _Read, job_id: int) -> Iterator[JobAttempt]:
    last = len(one.job.history)
    for number, attempt in enumerate(one.job.history, start=1):
        is_permanent = one.job.state is State.FAILED and number == last
        yield JobAttempt(
            job_id=job_id,
            attempt=attempt.number,
            worker_name=attempt.worker,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            family=Family.PERMANENT if is_permanent else Family.RETRYABLE,
            error_code=attempt.error_code,
            error_message=_text(attempt.error_message, one),
            traceback=_text(attempt.traceback, one),
            decision="imported" if attempt.has_own_times else "imported; its own times were not kept",
        )


def _letter(one: _Read, job_id: int, order: Order) -> DeadLetter:
    job = one.job
    return DeadLetter(
        job_id=job_id,
        task=one.task_name,
        tenant=job.tenant,
        reason="permanent" if job.state is State.FAILED else "exhausted",
        error_code=job.error_code or "imported.failed",
        error_message=_text(job.error_message, one),
        traceback=_text(job.history[-1].traceback if job.history else "", one),
        enqueued_at=job.created_at,
        last_attempt_at=job.started_at or job.finished_at or job.created_at,
        created_at=job.finished_at or job.created_at,
        **_resolution(one, order),
    )


def _resolution(one: _Read, order: Order) -> dict[str, Any]:
    """Resolve at once what nobody could retry here."""
    if one.task is not None and not order.history_only:
        return {}
    note = "imported as history" if order.history_only else f"no task is named {one.task_name} here"
    return {
        "resolution": DeadLetter.Resolution.DISCARDED,
        "resolved_at": timezone.now(),
        "resolved_by": ACTOR,
        "resolution_note": note,
    }
