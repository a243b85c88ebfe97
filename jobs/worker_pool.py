"""Several workers under one parent: RQ's pool, with our worker in it."""

import signal
from multiprocessing.process import BaseProcess
from typing import Any

from rq.worker_pool import ForkProcess, WorkerPool, run_worker

_STOPS = (signal.SIGINT, signal.SIGTERM)


class PermitPool(WorkerPool):
    """Forks workers, replaces those that end, and stops them when it is stopped.

    Each child has a session of its own on PostgreSQL; one that is killed loses nothing, and one whose parent is killed
    finishes its batch and ends.
    """

    def start_worker(self, *args: Any, **options: Any) -> None:
        """Start one child. A signal meant to stop it waits until the child has put aside its parent's handlers."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            super().start_worker(*args, **options)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def get_worker_process(self, name: str, burst: bool, _sleep: float = 0, logging_level: str = "INFO") -> BaseProcess:
        """Return the process to be; it names itself, as one outside a pool does."""
        process: BaseProcess = ForkProcess(
            target=_run_child,
            args=(None, self._queue_names, self._connection_class, self._pool_class, self._pool_kwargs),
            kwargs={
                "burst": burst,
                "logging_level": logging_level,
                "worker_class": self.worker_class,
                "job_class": self.job_class,
                "queue_class": self.queue_class,
                "serializer": self.serializer,
                "exception_handlers": self.exception_handlers,
            },
            name=f"worker of pool {self.name}",
        )
        return process


def _run_child(*args: Any, **options: Any) -> None:
    for number in _STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    run_worker(*args, **options)
