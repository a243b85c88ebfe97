"""Work that nobody waits for: one thread a process, which begins with its first work."""

import logging
import os
from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread

from django.conf import settings
from django.db import Error, close_old_connections
from redis.exceptions import RedisError

from jobs.errors import JobError

logger = logging.getLogger(__name__)

MAX_WAITING = 64

Work = Callable[[], object]

_queues: dict[int, Queue[Work]] = {}
_lock = Lock()


def run_behind(work: Work) -> bool:
    """Have work done by the thread; False where there is none (SEARCH_BEHIND), or too much waits for it already."""
    if not settings.SEARCH_BEHIND:
        return False
    with _lock:
        queue = _queues.get(os.getpid())
        if queue is None:
            queue = _queues[os.getpid()] = Queue(MAX_WAITING)
            Thread(target=_run, args=(queue,), name="search-behind", daemon=True).start()
    try:
        queue.put_nowait(work)
    except Full:
        return False
    return True


def _run(queue: Queue[Work]) -> None:
    while True:
        work = queue.get()
        close_old_connections()
        try:
            work()
        except (JobError, RedisError, Error) as error:
            logger.warning("search could not do work behind: %s", error)
        except Exception:  # the thread must live: what is a bug is told as one
            logger.exception("search could not do work behind")
        finally:
            close_old_connections()
