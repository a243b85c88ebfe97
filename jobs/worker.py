"""The RQ worker that `manage.py rqworker` runs: no fork, JSON only, lean heartbeats, a session on PostgreSQL."""

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis
from redis.client import Pipeline
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from jobs.registry import tasks_of_queue
from jobs.session import Session, set_current_session

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 10.0
LOOK_FOR_REDIS_EVERY_S = 0.25
REDIS_AWAY = (redis.ConnectionError, redis.TimeoutError)


def warm_up(queues: Sequence[str]) -> None:
    """Load what the queues' tasks need. What fails is logged: the job that needs it will fail and say so."""
    for step in dict.fromkeys(task.warm_up for queue in queues for task in tasks_of_queue(queue)):
        if step is None:
            continue
        try:
            step()
        except Exception:
            logger.exception("a warm-up failed", extra={"step": f"{step.__module__}.{step.__qualname__}"})


class PermitWorker(SimpleWorker):
    """Runs permits in its own process, so that a model or a browser is loaded once.

    Pickle is refused: whatever serializer is asked for, it is JSON. Where RQ's own worker quits because Redis is away,
    this one waits for it: what it has loaded, and the jobs that it holds, are worth more than a permit.
    """

    log_result_lifespan = False
    max_connection_wait_time = 2.0  # a Redis that is back should find its workers soon

    def __init__(self, queues: Any, name: str | None = None, **options: Any) -> None:
        options["serializer"] = JSONSerializer
        options["log_job_description"] = False
        super().__init__(queues, name or f"{socket.gethostname()}-{os.getpid()}", **options)
        self._heartbeat_due_at = 0.0

    def work(self, *args: Any, **options: Any) -> bool:
        """Warm up, register with PostgreSQL, work until asked to stop, and sign off."""
        options["logging_level"] = "WARNING"  # RQ's line a permit says nothing; batches are logged by jobs.execution
        warm_up(self.queue_names())
        session = Session(name=self.name, queues=self.queue_names(), is_stopping=lambda: self._stop_requested)
        session.open()
        set_current_session(session)
        logger.info("worker started", extra={"worker": self.name, "queues": self.queue_names()})
        try:
            return super().work(*args, **options)
        finally:
            set_current_session(None)
            session.close()

    def check_for_suspension(self, burst: bool) -> None:
        """Begin a round of RQ's loop; wait here while Redis is away."""
        self._outlast_redis(partial(super().check_for_suspension, burst))

    def run_maintenance_tasks(self) -> None:
        """Clean RQ's registries; wait while Redis is away."""
        self._outlast_redis(super().run_maintenance_tasks)

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """Wait for a permit, and for Redis while it is away. A permit that is lost on the way is replaced by a tick."""
        return self._outlast_redis(partial(super().dequeue_job_and_maintain_ttl, timeout, max_idle_time))

    def execute_job(self, job: Any, queue: Any) -> None:
        """Work on a permit. When Redis goes away meanwhile only RQ's record of the permit is lost: jobs are settled."""
        try:
            super().execute_job(job, queue)
        except REDIS_AWAY as error:
            self._tell_of_absence(error)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell Redis that the worker lives, every ten seconds: three round trips less a permit than RQ's own."""
        if pipeline is None and time.monotonic() < self._heartbeat_due_at:
            return
        try:
            super().heartbeat(timeout, pipeline=pipeline)
        except REDIS_AWAY as error:
            self._tell_of_absence(error)
            return
        self._heartbeat_due_at = time.monotonic() + HEARTBEAT_EVERY_S

    def _outlast_redis(self, step: Callable[[], Any]) -> Any:
        """Return what the step returns, once Redis lets it end.

        Raises:
            StopRequested: the worker was asked to stop while Redis was away.
        """
        while True:
            try:
                return step()
            except REDIS_AWAY as error:
                self._tell_of_absence(error)
                self._wait_for_redis()

    def _wait_for_redis(self) -> None:
        while not self._stop_requested:
            try:
                self.connection.ping()
            except REDIS_AWAY:
                time.sleep(LOOK_FOR_REDIS_EVERY_S)  # nothing tells when a server is back
            else:
                return
        raise StopRequested

    def _tell_of_absence(self, error: Exception) -> None:
        logger.warning("Redis is away: the worker waits for it", extra={"worker": self.name, "error": str(error)})
