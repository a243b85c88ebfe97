"""The RQ worker that `manage.py rqworker` runs: no fork, JSON only, lean heartbeats, a session on PostgreSQL."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any

import redis
from django.conf import settings
from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.worker import DequeueStrategy, WorkerStatus

from jobs.recycling import spent_reason
from jobs.registry import tasks_of_queue
from jobs.seats import process_name, seat_of
from jobs.session import Session, set_current_session
from jobs.spool import replay, replay_in_thread

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 10.0
LOOK_FOR_REDIS_EVERY_S = 0.25
TWICE_WITHIN_S = 1.0  # a pool and a terminal may both send the one signal that was meant
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


def outlast_absence(connection: "redis.Redis", *, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Return when Redis answers, or when the worker is to stop."""
    was_told = False
    while not is_stopping():
        try:
            connection.ping()
        except REDIS_AWAY as error:
            if not was_told:
                logger.warning("Redis is away: the worker waits for it", extra={"error": str(error)})
            was_told = True
            time.sleep(LOOK_FOR_REDIS_EVERY_S)  # nothing tells when a server is back
        else:
            return


class _NoPenalty(BaseDeathPenalty):
    """No alarm of RQ's: a permit may last as long as its batches, and each of those has a watchdog."""

    def setup_death_penalty(self) -> None:
        """Set nothing."""

    def cancel_death_penalty(self) -> None:
        """Leave everything as it is."""


class PermitWorker(SimpleWorker):
    """Runs permits in its own process, so that a model or a browser is loaded once.

    Pickle is refused: whatever serializer is asked for, it is JSON. Where RQ's own worker quits because Redis is away,
    this one waits for it: what it has loaded, and the jobs that it holds, are worth more than a permit. RQ's scheduler
    is not started: what is due later stands in the ledger.
    """

    log_result_lifespan = False
    max_connection_wait_time = 2.0  # a Redis that is back should find its workers soon
    death_penalty_class = _NoPenalty

    def __init__(self, queues: Any, name: str | None = None, **options: Any) -> None:
        options["serializer"] = JSONSerializer
        options["log_job_description"] = False
        listed = [queues] if isinstance(queues, str | Queue) else queues
        self.seat = name or seat_of([queue.name if isinstance(queue, Queue) else queue for queue in listed])
        is_record = not options.get("prepare_for_work", True)  # one that RQ has read back from Redis
        super().__init__(queues, self.seat if is_record else process_name(self.seat), **options)
        for queue in self.queues:
            queue.serializer = JSONSerializer
        self._heartbeat_due_at = 0.0
        self._asked_at = 0.0
        self._end_reason = "stopped"
        self._session: Session | None = None
        self._supervisor_pid = os.getppid()

    def work(self, *args: Any, **options: Any) -> bool:
        """Register with PostgreSQL, warm up, work until asked to stop, and sign off."""
        options["logging_level"] = "WARNING"  # RQ's line a permit says nothing; batches are logged by jobs.execution
        options["with_scheduler"] = False
        options["dequeue_strategy"] = DequeueStrategy.ROUND_ROBIN  # one busy queue must not starve those after it
        session = Session(
            name=self.name, seat=self.seat, queues=self.queue_names(), is_stopping=self._is_stopping, is_warm=False
        )
        if multiprocessing.parent_process() is not None:
            session.on_beat = self._stop_when_orphaned
        session.on_reconnect = replay_in_thread
        self._install_signal_handlers()  # type: ignore[no-untyped-call]
        self._session = session
        session.open()
        set_current_session(session)
        try:
            replay()  # before the dispatcher gives the jobs of the dead to others
            warm_up(self.queue_names())
            session.is_warm = True
            logger.info("worker started", extra={"worker": self.name, "queues": self.queue_names()})
            self._wait_for_redis()
            return super().work(*args, **options)
        except StopRequested:
            return False
        finally:
            set_current_session(None)
            session.close(self._end_reason)

    # --- stopping ---------------------------------------------------------------------------------
    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Begin to stop: claim no more, give the batch in hand its grace, then hand it back."""
        self._asked_at = time.monotonic()
        self._stop_requested = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_force_stop)
        if self._session is None or not self._session.is_warm:
            raise SystemExit(0)
        self._session.leave_within(settings.JOB_GRACE_S, "stopped when its grace was over")
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop at once: the beat thread hands back what is held and ends the process."""
        if time.monotonic() - self._asked_at > TWICE_WITHIN_S and self._session is not None:
            self._session.leave_within(0, "stopped at once")

    def teardown(self) -> None:
        """Sign off from Redis, where it is there."""
        try:
            super().teardown()  # type: ignore[no-untyped-call]
        except REDIS_AWAY as error:
            self._tell_of_absence(error)

    def _is_stopping(self) -> bool:
        """Tell whether to claim no more: asked to stop, or, between two batches, spent."""
        if self._session is not None and not self._stop_requested and not self._session.is_busy:
            reason = spent_reason(
                jobs_done=self._session.jobs_done,
                memory_bytes=self._session.memory_bytes,
                max_jobs=settings.JOB_WORKER_MAX_JOBS,
                max_mb=settings.JOB_WORKER_MAX_MB,
            )
            if reason:
                logger.info("making room for a fresh worker: %s", reason, extra={"worker": self.name})
                self._stop_requested, self._end_reason = True, "recycled"
        return self._stop_requested

    def _stop_when_orphaned(self) -> None:
        """Stop when the pool that started this process is gone, so that a new one has as many workers as it says."""
        if os.getppid() != self._supervisor_pid and not self._stop_requested:
            # To the main thread: a signal that another thread takes would not wake it.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    # --- RQ's rounds ------------------------------------------------------------------------------
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
        self._is_stopping()

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
        outlast_absence(self.connection, is_stopping=lambda: self._stop_requested)
        if self._stop_requested:
            raise StopRequested

    def _tell_of_absence(self, error: Exception) -> None:
        logger.warning("Redis is away: the worker waits for it", extra={"worker": self.name, "error": str(error)})
