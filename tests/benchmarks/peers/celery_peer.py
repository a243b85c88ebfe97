"""Celery as a peer of the benchmark; runs in a virtual environment of its own, see the Makefile.

The worker is Celery's own command on this module. `python celery_peer.py QUEUE` adds jobs and measures: it reads one
order a line, as JSON, and answers each with a line. acks_late, for we measure systems that lose no job; results are
ignored, the fastest setting. A job is final when its message is acknowledged: no message waits and none is out.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery  # type: ignore[import-not-found]  # not of the product: a virtual environment of its own

POLL_EVERY_S = 0.01
NAP_S = 0.01

app = Celery("peer", broker=os.environ["REDIS_URL"])
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_hijack_root_logger=False)


@app.task(name="job")
def job(**data: str) -> None:
    """Do nothing."""


@app.task(name="nap")
def nap(**data: str) -> None:
    """Wait as a job that asks another server does."""
    time.sleep(NAP_S)


class Driver:
    """Adds jobs to one queue and waits for them."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._redis = redis.Redis.from_url(os.environ["REDIS_URL"])

    def add(self, *, count: int, name: str, data: dict[str, str]) -> dict[str, float]:
        """Publish the jobs over one connection; Celery has no bulk call."""
        started = time.perf_counter()
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(count):
                app.tasks[name].apply_async(kwargs=data, queue=self._queue, producer=producer)
        return {"seconds": time.perf_counter() - started}

    def settle(self) -> dict[str, float]:
        """Wait until every message is acknowledged."""
        while self._redis.llen(self._queue) or self._redis.hlen("unacked"):
            time.sleep(POLL_EVERY_S)
        return {}

    def pause(self) -> dict[str, float]:
        """Let the workers take nothing from the queue."""
        app.control.cancel_consumer(self._queue, reply=True)
        return {}

    def drain(self) -> dict[str, float]:
        """Let the workers go, and time them to the last acknowledgement."""
        started = time.perf_counter()
        app.control.add_consumer(self._queue)
        self.settle()
        return {"seconds": time.perf_counter() - started}

    def stop(self) -> dict[str, float]:
        """Answer; the loop ends."""
        return {}


def main() -> None:
    """Carry out one order a line."""
    driver = Driver(sys.argv[1])
    _answer({"ready": True})
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        action: Callable[..., dict[str, float]] = getattr(driver, order.pop("op"))
        _answer(action(**order))
        if action == driver.stop:
            return


def _answer(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
