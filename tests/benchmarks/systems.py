"""What is measured, in the same words for every system."""

from dataclasses import dataclass
from typing import Protocol

PAYLOAD = {"text": "x" * 180}  # about 200 bytes as JSON
WARM_UP_JOBS = 2_000
POLL_EVERY_S = 0.01  # how often each system is asked whether it is done; for the peers it stands in their own code
DEADLINE_S = 300.0
NOOP, NAP = "job", "nap"  # do nothing; wait for 10 ms, up to 50 at once


@dataclass(frozen=True, slots=True)
class Run:
    """One system, once: jobs added while its workers are held back, then released."""

    enqueued_per_s: float
    drained_per_s: float
    cpu_us_per_job: float  # of the workers, the dispatcher, Redis and PostgreSQL, while draining
    worker_rss_mib: float


class System(Protocol):
    """One of the job systems.

    `run` starts the workers, warms them up, holds them back, adds the jobs (that is the enqueue rate), and lets the
    workers go (from there to the last job's end is the drain rate).
    """

    name: str

    def run(self, *, workers: int, work: str, jobs: int) -> Run:
        """Measure one load."""

    def pickups_ms(self, count: int) -> list[float]:
        """Enqueue lone jobs, one after another; return the times from before the call to the handler's first line."""


class CannotMeasure(RuntimeError):
    """What the benchmark needs is not there, or does not answer."""
