"""How long answers take: one after the other, and at a rate that does not wait for the slow ones."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from threading import Barrier

from django.db import connection, connections

from tests.benchmarks.cpu import cpu_s_of_services
from tests.benchmarks.verdict import percentile

THREADS = 16

# Sends one request; tells whether its answer was degraded.
Request = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Spread:
    """Latencies in ms, and how many answers were degraded."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    requests: int
    degraded: int = 0

    @classmethod
    def of(cls, latencies_ms: Sequence[float], *, degraded: int = 0) -> "Spread":
        """Summarise latencies."""
        p50, p95, p99 = (round(percentile(latencies_ms, percent), 2) for percent in (50, 95, 99))
        return cls(p50, p95, p99, len(latencies_ms), degraded)

    def as_json(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def cpu_ms_each(requests: Sequence[Request]) -> dict[str, float]:
    """Send the requests; return what one costs in ms of processor time, here and in each service of the stack."""
    before, own = cpu_s_of_services(), time.process_time()
    for request in requests:
        request()
    used = {"here": time.process_time() - own}
    used |= {name: cpu_s - before.get(name, 0.0) for name, cpu_s in cpu_s_of_services().items()}
    return {name: round(cpu_s / len(requests) * 1000, 2) for name, cpu_s in used.items()}


def one_by_one(requests: Sequence[Request]) -> Spread:
    """Send each request when the one before it is answered."""
    latencies_ms, degraded = [], 0
    for request in requests:
        started = time.perf_counter()
        degraded += request()
        latencies_ms.append((time.perf_counter() - started) * 1000)
    return Spread.of(latencies_ms, degraded=degraded)


def _connect() -> None:
    connection.ensure_connection()


def _each(act: Callable[[], None], together: Barrier, _: int) -> None:
    """Act in this thread once all others are about to, so that each does it once."""
    together.wait()
    act()


def at_rate(requests: Sequence[Request], *, per_s: float) -> Spread:
    """Send the requests at their times, whatever became of those before.

    A latency is counted from the time at which the request was due, so that one which had to wait behind slow ones is
    slow itself (what is left out otherwise is known as coordinated omission).
    """

    def send(request: Request, due_at: float) -> tuple[float, bool]:
        time.sleep(max(0.0, due_at - time.perf_counter()))
        is_degraded = request()
        return (time.perf_counter() - due_at) * 1000, is_degraded

    with ThreadPoolExecutor(THREADS) as pool:
        # Each thread is there and has its connection before the first request is due.
        together = Barrier(THREADS)
        list(pool.map(partial(_each, _connect, together), range(THREADS)))
        begins_at = time.perf_counter() + 0.1
        sent = [pool.submit(send, request, begins_at + n / per_s) for n, request in enumerate(requests)]
        answered = [each.result() for each in sent]
        list(pool.map(partial(_each, connections.close_all, together), range(THREADS)))
    return Spread.of([it for it, _ in answered], degraded=sum(is_degraded for _, is_degraded in answered))
