"""A circuit breaker for what a search can do without: the index, the embedder, the cache."""

import time
from collections.abc import Callable
from threading import Lock


class Breaker:
    """Says whether to ask something that may be away: after a failure nobody does for a while, then one does.

    It knows of this process only.
    """

    def __init__(self, *, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._open_s = open_s
        self._clock = clock
        self._retry_at: float | None = None
        self._lock = Lock()

    def allows(self) -> bool:
        """Tell whether to ask now; once the pause is over, the first who asks this is the only one for a while."""
        with self._lock:
            if self._retry_at is None:
                return True
            if self._clock() < self._retry_at:
                return False
            self._retry_at = self._clock() + self._open_s
            return True

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing has failed since it last succeeded."""
        return self._retry_at is None

    def failed(self) -> None:
        """Begin a pause."""
        with self._lock:
            self._retry_at = self._clock() + self._open_s

    def succeeded(self) -> None:
        """Let everybody ask again."""
        self._retry_at = None
