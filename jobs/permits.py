"""Permits: RQ messages that say "there is work on this queue". They may get lost; the ledger does not."""

import logging
from collections.abc import Mapping
from functools import cache
from math import ceil

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from jobs.registry import tasks_of_queue

logger = logging.getLogger(__name__)

WORK = "jobs.execution.work"
MAX_PERMITS = 8
PERMIT_TIMEOUT_S = 3600
FAILED_PERMIT_TTL_S = 3600


@cache
def transport() -> "redis.Redis":
    """Return this process's connection pool to Redis; it fails fast, for the tick makes good what it misses."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 1)
    )


def batch_size_of(queue: str) -> int:
    """Return how many jobs of the queue one claim takes at most: what the largest of its tasks allows."""
    return max((task.batch_size for task in tasks_of_queue(queue)), default=1)


def _least_claim_of(queue: str) -> int:
    """Return how many jobs a claim takes if all are of the task that takes the fewest."""
    return min((task.batch_size for task in tasks_of_queue(queue)), default=1)


def wake(due: Mapping[str, int]) -> bool:
    """Push permits for `due` jobs by queue, less those already there; tell whether Redis took them.

    Racing calls only push too many, and a permit too many is an empty claim.
    """
    try:
        for name, count in due.items():
            wanted = min(MAX_PERMITS, ceil(count / _least_claim_of(name)))
            queue = Queue(name, connection=transport(), serializer=JSONSerializer)
            missing = wanted - queue.connection.llen(queue.key)
            if missing > 0:
                _push(queue, missing)
    except redis.RedisError as error:
        logger.warning("Redis is away: the dispatcher will wake the workers later", extra={"error": str(error)})
        return False
    return True


def has_permit(name: str) -> bool:
    """Tell whether a permit waits on the queue."""
    return bool(transport().llen(Queue(name, connection=transport()).key))


def _push(queue: Queue, count: int) -> None:
    with queue.connection.pipeline() as pipeline:
        for _ in range(count):
            permit = RqJob.create(
                WORK,
                args=(queue.name,),
                connection=queue.connection,
                serializer=JSONSerializer,
                origin=queue.name,
                description=f"permit for {queue.name}",
                timeout=PERMIT_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=FAILED_PERMIT_TTL_S,
            )
            queue.enqueue_job(permit, pipeline=pipeline)
        pipeline.execute()
