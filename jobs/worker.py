"""The RQ worker that `manage.py rqworker` runs: no fork, JSON only, lean heartbeats, a session on PostgreSQL."""

import logging
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from redis.client import Pipeline
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from jobs.registry import tasks_of_queue
from jobs.session import Session, set_current_session

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 10.0


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

    Pickle is refused: whatever serializer is asked for, it is JSON.
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

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell Redis that the worker lives, every ten seconds: three round trips less a permit than RQ's own."""
        if pipeline is None and time.monotonic() < self._heartbeat_due_at:
            return
        self._heartbeat_due_at = time.monotonic() + HEARTBEAT_EVERY_S
        super().heartbeat(timeout, pipeline=pipeline)
