"""The tasks: declared kinds of work, found by name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings

from jobs.batch import Batch, GivenUp
from jobs.retry import STANDARD, RetryPolicy

Handler = Callable[[Batch], None]
OnGiveUp = Callable[[Sequence[GivenUp]], None]
WarmUp = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast jobs may pass a gate: `rate_per_s` a second, `burst` at once after a rest."""

    rate_per_s: float
    burst: float = 1


@dataclass(frozen=True, slots=True)
class Task:
    """A declared kind of work."""

    name: str
    handler: Handler
    queue: str
    batch_size: int = 1
    timeout_s: float = 300.0
    retry: RetryPolicy = STANDARD
    attempts: int = 3
    gates: Mapping[str, Pace] = field(default_factory=dict)
    subject: Sequence[str] = ()
    keep_completed: int | None = 100
    keep_failed: int | None = 50
    keep_s: float | None = None
    sensitive: bool = False
    pii: Collection[str] = frozenset()
    is_inline_without_redis: bool = False
    on_give_up: OnGiveUp | None = None
    warm_up: WarmUp | None = None


_tasks: dict[str, Task] = {}


def task(
    *,
    queue: str,
    batch_size: int = 1,
    timeout_s: float | None = None,
    attempts: int = 3,
    backoff_s: float | None = None,
    retry: RetryPolicy = STANDARD,
    gates: Mapping[str, Pace] | None = None,
    subject: Sequence[str] = (),
    keep_completed: int | None = 100,
    keep_failed: int | None = 50,
    keep_s: float | None = None,
    sensitive: bool = False,
    pii: Collection[str] = (),
    inline_without_redis: bool = False,
    on_give_up: OnGiveUp | None = None,
    warm_up: WarmUp | None = None,
    name: str | None = None,
) -> Callable[[Handler], Handler]:
    """Declare the decorated handler as a task named after it (`sync_seller` is `sync-seller`).

    Args:
        queue: one of settings.JOB_QUEUES; its workers run the task.
        batch_size: how many of its jobs one claim takes at most.
        timeout_s: how long one batch may run before its process is ended; JOB_TIMEOUT by default.
        attempts: executions before a retryable job is dead.
        backoff_s: the wait before the second attempt, instead of the policy's; each further one doubles it.
        retry: what is done about each kind of failure.
        gates: keys that every job of the task waits behind, with the pace of each.
        subject: the fields of the payload that say what a job is about: a later failure supersedes an earlier one's
            dead letter.
        keep_completed: completed jobs that are kept; None: all.
        keep_failed: failed and dead jobs that are kept, beside those whose dead letter is open; None: all.
        keep_s: how long a final job is kept at least; JOB_KEEP_S by default.
        sensitive: payload, result and errors are encrypted where they are stored.
        pii: fields of the payload, beside the usual ones, that logs and pages must not show.
        inline_without_redis: while Redis is away, run where it was enqueued, at once.
        on_give_up: called with the jobs that ended failed or dead, inside the transaction that ends them.
        warm_up: called once when a worker of the queue starts, before it takes work: load here what is slow to load.
        name: another name than the handler's.
    """

    def declare(handler: Handler) -> Handler:
        declared = Task(
            name=name or handler.__name__.replace("_", "-"),
            handler=handler,
            queue=queue,
            batch_size=batch_size,
            timeout_s=timeout_s or settings.JOB_TIMEOUT_S,
            retry=retry if backoff_s is None else replace(retry, curve=replace(retry.curve, first_s=backoff_s)),
            attempts=attempts,
            gates=gates or {},
            subject=subject,
            keep_completed=keep_completed,
            keep_failed=keep_failed,
            keep_s=keep_s,
            is_inline_without_redis=inline_without_redis,
            on_give_up=on_give_up,
            warm_up=warm_up,
            sensitive=sensitive,
            pii=frozenset(pii),
        )
        known = _tasks.get(declared.name)
        if known is not None and known.handler.__module__ != handler.__module__:
            raise ValueError(
                f"task {declared.name!r} is declared twice: {known.handler.__module__}, {handler.__module__}"
            )
        _tasks[declared.name] = declared
        return handler

    return declare


class UnknownTask(LookupError):
    """No task of that name is declared."""


def get_task(name: str) -> Task:
    """Return the task of that name, or raise UnknownTask."""
    try:
        return _tasks[name]
    except KeyError:
        raise UnknownTask(f"no task is named {name!r}; declared are {', '.join(sorted(_tasks))}") from None


def tasks_of_queue(queue: str) -> list[Task]:
    """List the tasks whose jobs wait on that queue."""
    return [task for task in _tasks.values() if task.queue == queue]


def all_tasks() -> list[Task]:
    """List every task, by name."""
    return sorted(_tasks.values(), key=lambda task: task.name)
