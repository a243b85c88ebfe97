"""A cache in Redis under which a thing is made once: by one process, while the others wait or do with the last one.

It holds one value for each key, together with the version (of the index) that it was made at. A value of another
version may be served for STALE_S after it was made, while it is made anew. A cache that is away holds nothing.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from time import sleep
from typing import Any, Generic, TypeVar
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from catalog.search.behind import run_behind
from catalog.search.breaking import Breaker

logger = logging.getLogger(__name__)

STALE_S = 300.0
NO_VERSION = ""
# A flight whose process was killed is over after this; who waits for one does so for WAIT_S at most.
FLIGHT_S = 5
WAIT_S = 1.0
FIRST_LOOK_S, LAST_LOOK_S = 0.005, 0.05

T = TypeVar("T")

_breaker = Breaker(open_s=2.0)


class Source(StrEnum):
    """Where a value comes from."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A value just made; keep_s is how long it may be kept, 0 for not at all.

    A provisional one is stale from the start: it is served while a better one is made.
    """

    value: T
    keep_s: int
    may_be_stale: bool = True
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is kept; written as a plain tuple, so that two releases can read each other's."""

    version: str
    made_at: float
    may_be_stale: bool
    value: Any

    def is_usable(self, now: float) -> bool:
        return self.may_be_stale and 0 <= now - self.made_at <= STALE_S


def kept_or_made(
    key: str, *, version: str, make: Callable[[], Made[T]], make_in_peace: Callable[[], Made[T]] | None = None
) -> tuple[T, Source]:
    """Return the value kept under key for this version, or make it; what make raises is nobody else's.

    Args:
        key: names the value.
        version: what it must have been made of.
        make: makes it; of plain types, as the cache keeps it pickled.
        make_in_peace: makes it where nobody waits for it, as a stale one is served; make by default.
    """
    entry = _read(key)
    if entry is not None and entry.version == version:
        return entry.value, Source.HIT
    token = _take_off(key)
    if entry is not None and entry.is_usable(time.time()) and (token is None or settings.SEARCH_BEHIND):
        if token is not None:
            _fly_behind(key, version, make_in_peace or make, token)
        return entry.value, Source.STALE
    if token is None:
        return _wait(key, version, make)
    return _fly(key, version, make, token), Source.MISS


def make_behind(key: str, *, version: str, make: Callable[[], Made[T]]) -> None:
    """Have the value made by the thread of this process, where nobody makes it already."""
    token = _take_off(key)
    if token is not None:
        _fly_behind(key, version, make, token)


def _fly_behind(key: str, version: str, make: Callable[[], Made[T]], token: str) -> None:
    """Have the thread make the value; where too much waits for it, the next who asks tries again."""
    if not run_behind(partial(_fly, key, version, make, token)):
        _asking("delete", _flight(key))


def kept(key: str, *, version: str) -> Any | None:
    """Return the value kept under key for this version; None where there is none."""
    entry = _read(key)
    return entry.value if entry is not None and entry.version == version else None


def _fly(key: str, version: str, make: Callable[[], Made[T]], token: str | None) -> T:
    """Make the value, keep it, and end the flight whatever happens."""
    try:
        made = make()
        if made.keep_s and not (made.is_provisional and _has_better(key)):
            entry = (NO_VERSION if made.is_provisional else version, time.time(), made.may_be_stale, made.value)
            _asking("set", key, entry, made.keep_s)
    finally:
        if token is not None and _asking("get", _flight(key)) == token:
            _asking("delete", _flight(key))
    return made.value


def _has_better(key: str) -> bool:
    """Tell whether a whole value is kept that may still be served: a provisional one must not take its place."""
    entry = _read(key)
    return entry is not None and entry.version != NO_VERSION and entry.is_usable(time.time())


def _wait(key: str, version: str, make: Callable[[], Made[T]]) -> tuple[T, Source]:
    """Wait for the process that makes the value; make it here when that fails, dies or takes too long."""
    give_up_at = time.monotonic() + WAIT_S
    pause_s = FIRST_LOOK_S
    while time.monotonic() < give_up_at:
        sleep(pause_s)
        pause_s = min(pause_s * 1.5, LAST_LOOK_S)
        is_over = _asking("get", _flight(key)) is None
        entry = _read(key)
        if entry is not None and entry.version == version:
            return entry.value, Source.HIT
        if is_over and entry is not None and entry.is_usable(time.time()):
            return entry.value, Source.STALE
        if is_over:
            break
    return _fly(key, version, make, None), Source.MISS


def _take_off(key: str) -> str | None:
    """Begin the flight for key; None where somebody else's is under way."""
    token = uuid4().hex
    return token if _asking("add", _flight(key), token, FLIGHT_S) is not False else None


def _flight(key: str) -> str:
    return f"{key}:flight"


def _read(key: str) -> _Entry | None:
    kept = _asking("get", key)
    return _Entry(*kept) if isinstance(kept, tuple) and len(kept) == len(_Entry.__slots__) else None


def _asking(operation: str, *arguments: Any) -> Any:
    """Return what the cache answers; None when it is away, and for a while after that without asking it."""
    if not _breaker.allows():
        return None
    try:
        answer = getattr(cache, operation)(*arguments)
    except RedisError as error:
        _breaker.failed()
        logger.warning("search goes without its cache: %s", error)
        return None
    _breaker.succeeded()
    return answer
