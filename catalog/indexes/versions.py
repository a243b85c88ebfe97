"""The version of the index, by which caches are keyed: how often a cached ranking may become stale, and how soon.

Time is cut into windows of 10 s. A change is noted under its window, and the version grows when that window is over:
at most once in 10 s, whatever is indexed, and at the latest 10 s after each change. What is stored are facts, and the
version follows from them and the clock: no process has to be alive to make it grow. What staff does counts at once.

The facts are in sequences: they need no lock, a rollback does not take them back, and a worker that dies between the
index and its commit leaves them there.
"""

from dataclasses import dataclass, replace

from django.db import connection

WINDOW_S = 10
_WINDOW_BITS = 31

_FACTS = """
SELECT windows.last_value, acts.last_value + acts.is_called::int, changes.last_value,
       floor(extract(epoch FROM clock_timestamp()) / %s)::bigint
  FROM catalog_index_windows windows, catalog_index_acts acts, catalog_index_version changes
"""


@dataclass(frozen=True, slots=True)
class ChangesKnown:
    """When the index changed: the window of the latest change, the window of the latest before that one, staff's acts.

    Windows are numbered from the epoch on; 0: no change is known.
    """

    latest: int = 0
    before: int = 0
    acts: int = 0


def version_in(window: int, known: ChangesKnown) -> int:
    """Return the version in a window: the last earlier window with a change, and staff's acts above it."""
    settled = known.latest if known.latest < window else known.before
    return (known.acts << _WINDOW_BITS) | settled


def with_change(window: int, known: ChangesKnown) -> ChangesKnown:
    """Return what is known after a change in this window."""
    return replace(known, latest=window, before=known.latest) if window > known.latest else known


def current_version() -> int:
    """Return the number that grows with what searches can find: at most once in 10 s, and 10 s later at most."""
    known, window, _ = _facts()
    return version_in(window, known)


def bump_version(*, at_once: bool = False) -> None:
    """Note that what searches can find has changed. Call it under write_lock, unless at once.

    Args:
        at_once: make every cached ranking stale now; for staff's acts.
    """
    known, window, _ = _facts()
    changed = with_change(window, known)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('catalog_index_version')")
        if at_once:
            cursor.execute("SELECT nextval('catalog_index_acts')")
        if changed != known:
            packed = (changed.latest << _WINDOW_BITS) | changed.before
            cursor.execute("SELECT setval('catalog_index_windows', %s)", [packed])


def changes() -> int:
    """Return how often a change was noted; two without a difference have none between them."""
    return _facts()[2]


def _facts() -> tuple[ChangesKnown, int, int]:
    """Return what is known of changes, the present window, and the count of changes."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [WINDOW_S])
        packed, acts, count, window = cursor.fetchone()
    known = ChangesKnown(latest=packed >> _WINDOW_BITS, before=packed & ((1 << _WINDOW_BITS) - 1), acts=acts)
    return known, window, count
