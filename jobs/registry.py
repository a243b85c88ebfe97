"""The tasks: declared kinds of work, found by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from jobs.batch import Batch, GivenUp

Handler = Callable[[Batch], None]
OnGiveUp = Callable[[Sequence[GivenUp]], None]
WarmUp = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """A declared kind of work."""

    name: str
    handler: Handler
    queue: str
    batch_size: int
    timeout_s: float
    attempts: int
    backoff_s: float
    on_give_up: OnGiveUp | None
    warm_up: WarmUp | None
    sensitive: bool = False
    pii: tuple[str, ...] = ()


_tasks: dict[str, Task] = {}


def task(
    *,
    queue: str,
    batch_size: int = 1,
    timeout_s: float | None = None,
    attempts: int = 3,
    backoff_s: float = 2.0,
    on_give_up: OnGiveUp | None = None,
    warm_up: WarmUp | None = None,
    name: str | None = None,
    sensitive: bool = False,
    pii: Sequence[str] = (),
) -> Callable[[Handler], Handler]:
    """Declare the decorated handler as a task named after it (`sync_seller` is `sync-seller`).

    Args:
        queue: one of settings.JOB_QUEUES; its workers run the task.
        batch_size: how many jobs one claim takes at most.
        timeout_s: how long one batch may run before its process is ended; JOB_TIMEOUT by default.
        attempts: executions before a retryable job is dead.
        backoff_s: the wait before the second attempt; each further one doubles it.
        on_give_up: called with the jobs that ended failed or dead, inside the transaction that ends them.
        warm_up: called once when a worker of the queue starts, before it takes work: load here what is slow to load.
        name: another name than the handler's.
        sensitive: encrypt payload, result and errors at rest; needs JOB_ENCRYPTION_KEYS.
        pii: fields of the payload that name or reach a person, beside those of `jobs.privacy.PII`.
    """

    def declare(handler: Handler) -> Handler:
        declared = Task(
            name=name or handler.__name__.replace("_", "-"),
            handler=handler,
            queue=queue,
            batch_size=batch_size,
            timeout_s=timeout_s or settings.JOB_TIMEOUT_S,
            attempts=attempts,
            backoff_s=backoff_s,
            on_give_up=on_give_up,
            warm_up=warm_up,
            sensitive=sensitive,
            pii=tuple(pii),
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
