"""BullMQ and Celery as systems to measure: their own processes, spoken to by lines of JSON."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count as counter
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings

from tests.benchmarks.cpu import cpu_s, rss_mib
from tests.benchmarks.ours import empty
from tests.benchmarks.systems import NAP, PAYLOAD, WARM_UP_JOBS, CannotMeasure, Run

SOURCES = Path(__file__).parent / "peers"
INSTALLED = settings.BASE_DIR / "var" / "peers"
CELERY = INSTALLED / "celery" / "bin"
_run_numbers = counter()


class Peer:
    """A process that carries out one order a line; what it says on standard error is kept for when it fails."""

    def __init__(self, command: list[str], log: IO[bytes]) -> None:
        self._log = log
        self.process = subprocess.Popen(
            command, cwd=SOURCES, env=_environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        self._answer()

    def do(self, op: str, **order: Any) -> dict[str, Any]:
        """Send an order; return the answer, when it is done."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"op": op, **order}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.do("stop")
        self.process.wait(timeout=30)

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise CannotMeasure(f"{self.process.args!r} ended: {Path(self._log.name).read_text()}")
        return dict(json.loads(line))


class BullMQ:
    """BullMQ: `plain` on Redis, `history` with each step also written to PostgreSQL, `postgres` on its own backend."""

    def __init__(self, setup: str) -> None:
        self.name = "bullmq" if setup == "plain" else f"bullmq-{setup}"
        self._setup = setup

    def run(self, *, workers: int, work: str, jobs: int) -> Run:
        """Measure to the last `completed`. What holds the workers back is BullMQ's own pause of a queue."""
        with self._processes(workers) as (driver, processes):
            return _measured(driver, [each.process.pid for each in processes], work=work, jobs=jobs)

    def pickups_ms(self, count: int) -> list[float]:
        """Measure in the worker, which notes when the processor starts."""
        with self._processes(1) as (driver, (worker,)):
            driver.do("lone", count=count, data=PAYLOAD)
            return [float(value) for value in worker.do("report")["pickups_ms"]]

    @contextmanager
    def _processes(self, workers: int) -> Iterator[tuple[Peer, list[Peer]]]:
        script = INSTALLED / "bullmq.mjs"
        if not script.exists():
            raise CannotMeasure("BullMQ is not installed: run `make bench-engine`")
        empty()
        queue = f"bullmq-{next(_run_numbers)}"
        with ExitStack() as stack:
            log = stack.enter_context(tempfile.NamedTemporaryFile())
            started = []
            for role in ("driver", *["worker"] * workers):
                peer = Peer(["node", str(script), role, queue, self._setup], log)
                stack.callback(peer.stop)
                started.append(peer)
            yield started[0], started[1:]


class Celery:
    """Celery on Redis, acks_late, one worker process each with the pool that suits the work."""

    name = "celery"

    def run(self, *, workers: int, work: str, jobs: int) -> Run:
        """Measure to the last acknowledgement. What holds the workers back is cancel_consumer."""
        empty()
        queue = f"celery-{next(_run_numbers)}"
        pool = ["--pool=threads", "--concurrency=50"] if work == NAP else ["--pool=solo"]
        with ExitStack() as stack:
            log = stack.enter_context(tempfile.NamedTemporaryFile())
            processes = []
            for number in range(workers):
                process = _celery_worker(f"{queue}-{number}", queue, pool, log)
                stack.callback(process.wait, timeout=30)
                stack.callback(process.terminate)
                processes.append(process)
            driver = Peer([str(CELERY / "python"), "celery_peer.py", queue], log)
            stack.callback(driver.stop)
            return _measured(driver, [process.pid for process in processes], work=work, jobs=jobs)

    def pickups_ms(self, count: int) -> list[float]:
        """Not measured."""
        return []


def _celery_worker(name: str, queue: str, pool: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    if not (CELERY / "celery").exists():
        raise CannotMeasure("Celery is not installed: run `make bench-engine`")
    command = [str(CELERY / "celery"), "-A", "celery_peer", "worker", "-Q", queue, "-n", name, "-l", "WARNING", *pool]
    return subprocess.Popen(command, cwd=SOURCES, env=_environ(), stdout=log, stderr=log)


def _measured(driver: Peer, pids: list[int], *, work: str, jobs: int) -> Run:
    load = {"name": work, "data": PAYLOAD}
    driver.do("add", count=min(WARM_UP_JOBS, jobs), **load)
    driver.do("settle")
    driver.do("pause")
    enqueue_s = driver.do("add", count=jobs, **load)["seconds"]
    used_s = cpu_s(pids)
    drain_s = driver.do("drain")["seconds"]
    used_s = cpu_s(pids) - used_s
    return Run(jobs / enqueue_s, jobs / drain_s, used_s / jobs * 1e6, max(rss_mib(pid) for pid in pids))


def _environ() -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": _database_url(), "REDIS_URL": settings.REDIS_URL}


def _database_url() -> str:
    database = settings.DATABASES["default"]
    password = quote(str(database["PASSWORD"]), safe="")
    return f"postgresql://{database['USER']}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
