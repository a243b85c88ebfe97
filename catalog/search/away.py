"""The index as searches ask it: left alone for some seconds after it did not answer, and missed aloud."""

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TypeVar

from django.conf import settings

from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.search.breaking import Breaker

logger = logging.getLogger(__name__)

OPEN_S = 5.0
ALARM_EVERY_S = 60.0

T = TypeVar("T")


def from_index(ask: Callable[[], T]) -> T | None:
    """Return what ask returns; None where the index is away, or was a moment ago."""
    breaker = breaker_of_index(settings.MILVUS_URI)
    if not breaker.allows():
        alarm.tell("the index was away a moment ago")
        return None
    try:
        answer = ask()
    except IndexUnavailable as error:
        breaker.failed()
        alarm.tell(str(error))
        return None
    except (IndexMissing, IndexNotLoaded) as error:  # it answers, though not with this collection
        breaker.succeeded()
        alarm.tell(str(error))
        return None
    breaker.succeeded()
    return answer


@lru_cache(maxsize=8)
def breaker_of_index(uri: str) -> Breaker:
    """Return this process's circuit breaker for the index at an address."""
    return Breaker(open_s=OPEN_S)


class Alarm:
    """Warns of degraded searches once a minute, and says how many there were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tell_at = 0.0
        self._count = 0
        self._lock = Lock()

    def tell(self, reason: str) -> None:
        """Count one degraded search, and warn where a minute has passed since the last warning."""
        with self._lock:
            self._count += 1
            count, now = self._count, self._clock()
            if now < self._tell_at:
                return
            self._tell_at, self._count = now + ALARM_EVERY_S, 0
        logger.warning("search is degraded, %d times since this was told last: %s", count, reason)


alarm = Alarm()
