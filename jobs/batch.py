"""What a handler sees: a batch of claimed jobs, each of which gets an outcome of its own."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from jobs.journal import journal, speaking_for
from jobs.models import Priority


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue. What is left None is taken from the job that it follows, where there is one.

    Args:
        task: its name.
        payload: ids and JSON scalars.
        tenant: whom it is for; "" for nobody.
        priority: who goes first.
        key: idempotency key; while a job of this task holds it, enqueueing again answers with that job.
        group: belong to this group; "" for none although the preceding job has one.
        gates: wait behind the gates of these keys (`domain:shop.example`) too, beside those of the task and the tenant.
        delay_s: due this many seconds from now.
        after: ids of the jobs that must be final first; one that was not completed cancels this job.
        runs_anyway: run also when one of `after` was not completed.
        meta: source, user, correlation id.
        parent: the job that started this one.
        max_attempts: executions, instead of the task's.
    """

    task: str
    payload: dict[str, Any]
    tenant: str | None = None
    priority: Priority | None = None
    key: str | None = None
    group: str | None = None
    gates: Sequence[str] = ()
    delay_s: float = 0
    after: Sequence[int] = ()
    runs_anyway: bool = False
    meta: dict[str, Any] | None = None
    parent: int | None = None
    max_attempts: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds under a lease; `wait_s` is how long it was due before."""

    id: int
    task: str
    tenant: str
    priority: Priority
    attempt: int
    max_attempts: int
    waits: int
    lease: int
    group: str | None
    gate: str | None
    key: str | None
    payload: dict[str, Any]
    meta: dict[str, Any]
    claimed_at: datetime
    wait_s: float
    is_suspect: bool
    worker_id: int = 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A job that ended failed or dead, and why."""

    id: int
    task: str
    tenant: str
    group: str | None
    payload: dict[str, Any]
    reason: str
    error_code: str
    error_message: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The job is done."""

    result: Any = None
    then: Sequence[NewJob] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job raised; the retry policy decides what that means."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Released:
    """The job goes back without spending an attempt; a suspect runs alone from now on.

    Gated: it waits behind its gates again, where it has some; else it is due at once.
    """

    is_suspect: bool = False
    is_gated: bool = False


Outcome = Completed | Failed | Released
Effect = Callable[[Sequence[ClaimedJob]], None]


@dataclass
class Batch(Sequence[ClaimedJob]):
    """The jobs of one claim that are of one task.

    A handler gives each job an outcome: `complete`, `fail`, `release` or `hold`. A job left without one when the
    handler returns is complete; when the handler raises, it has failed with what was raised.
    Writes to the database belong into `on_settle`, which runs them in the transaction that ends the jobs,
    and only for jobs whose lease is still ours: that is what makes an effect happen once.
    """

    jobs: Sequence[ClaimedJob]
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    cancelled: Callable[[], Collection[int]] = field(default=lambda: ())
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: Any) -> Any:
        return self.jobs[index]

    def __iter__(self) -> Iterator[ClaimedJob]:
        return iter(self.jobs)

    @property
    def open_jobs(self) -> list[ClaimedJob]:
        """The jobs without an outcome yet."""
        return [job for job in self.jobs if job.id not in self.outcomes]

    def complete(self, job: ClaimedJob, *, result: Any = None, then: Sequence[NewJob] = ()) -> None:
        """End the job as completed and enqueue `then`, in one transaction with its effects."""
        self.outcomes[job.id] = Completed(result=result, then=then)

    def fail(self, job: ClaimedJob, error: BaseException) -> None:
        """End this attempt with an error; its family decides whether the job is tried again."""
        self.outcomes[job.id] = Failed(error)

    def release(self, job: ClaimedJob) -> None:
        """Hand the job back as if it had never been claimed."""
        self.outcomes[job.id] = Released()

    def hold(self, job: ClaimedJob) -> None:
        """Hand the job back behind its gates as if it had never passed them; one without gates is due at once."""
        self.outcomes[job.id] = Released(is_suspect=job.is_suspect, is_gated=True)

    def isolate(self, jobs: Sequence[ClaimedJob]) -> None:
        """Hand the jobs back to be run one at a time, so that the one that fails does so alone."""
        for job in jobs:
            self.outcomes[job.id] = Released(is_suspect=True)

    def is_cancelled(self, job: ClaimedJob) -> bool:
        """Tell whether the job's cancellation was asked for: then whatever it does is for nothing.

        Long work looks now and then; a job that does not end in JOB_CANCEL_GRACE_S is ended with its process.
        """
        return job.id in self.cancelled()

    def log(self, job: ClaimedJob, message: str, *, level: str = "INFO") -> None:
        """Keep a line for those who watch the job, now or later."""
        journal().add(job.id, message, level=level)

    def progress(self, job: ClaimedJob, pct: float, message: str = "") -> None:
        """Tell how far the job is, from 0 to 100, and what it does."""
        journal().add(job.id, message, progress_pct=min(100.0, max(0.0, pct)))

    def run(self, handler: Callable[["Batch"], None]) -> None:
        """Call the handler; what it logs is kept as the job's where the batch is of one job."""
        with speaking_for(self.jobs[0].id if len(self.jobs) == 1 else None):
            handler(self)

    def on_settle(self, effect: Effect) -> None:
        """Run effect in the settling transaction, with those completed jobs whose lease is still ours.

        It runs before `then` is enqueued. If it raises, nothing of the batch is settled and each job fails.
        """
        self.effects.append(effect)

    def each(
        self,
        work: Callable[[ClaimedJob], Any],
        *,
        concurrency: int | None = None,
        finish: Callable[[ClaimedJob, Any], None] | None = None,
    ) -> None:
        """Run work(job) for every open job in threads; what it raises fails that job alone.

        `work` must not touch the database: its threads have no connection. `finish(job, value)` runs in the
        caller's thread as each one ends, and may complete the job, with follow-ups say; without it the value
        is the result. When the worker is asked to stop, jobs not yet started are released.

        Args:
            work: what each thread does; its return value goes to `finish`.
            concurrency: threads; JOB_CONCURRENCY by default.
            finish: gives the job its outcome.
        """

        def start(job: ClaimedJob) -> tuple[bool, Any]:
            if self.is_stopping() or self.is_cancelled(job):
                return False, None
            with speaking_for(job.id):
                return True, work(job)

        with ThreadPoolExecutor(max_workers=concurrency or settings.JOB_CONCURRENCY) as pool:
            futures: dict[Future[tuple[bool, Any]], ClaimedJob] = {
                pool.submit(start, job): job for job in self.open_jobs
            }
            for future in as_completed(futures):
                job = futures[future]
                error = future.exception()
                if error is not None:
                    self.fail(job, error)
                    continue
                was_started, value = future.result()
                if not was_started:
                    self.release(job)
                elif finish is None:
                    self.complete(job, result=value)
                else:
                    self._finish(job, value, finish)

    def _finish(self, job: ClaimedJob, value: Any, finish: Callable[[ClaimedJob, Any], None]) -> None:
        try:
            finish(job, value)
        except Exception as error:  # noqa: BLE001 whatever it is, it is this job's alone
            self.fail(job, error)
