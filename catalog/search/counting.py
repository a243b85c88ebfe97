"""How searches go, counted a minute: in memory, and written behind once a second; and what people look for, a day.

Of queries only their words are kept, summed over everybody: neither who asked nor from where.
"""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Lock, Timer
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from catalog.models import SearchMinute, SearchQuery
from catalog.search.behind import run_behind

logger = logging.getLogger(__name__)

# The upper ends in ms of what durations are sorted into; slower ones count into the last.
ENDS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)
WINDOWS = {"last_5_min": 5, "last_hour": 60}
FLUSH_S = 1.0
MAX_QUERIES = 1000  # in memory, and a day in the table
MAX_QUERY_CHARS = 100
KEPT_MINUTES = timedelta(days=1)
KEPT_QUERIES = timedelta(days=30)

# Rows in one order for all: two processes cannot deadlock.
_COUNT_MINUTES = """
INSERT INTO catalog_searchminute AS known (minute, name, count)
SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[]) AS fresh (minute, name, count) ORDER BY 1, 2
ON CONFLICT (minute, name) DO UPDATE SET count = known.count + excluded.count
"""
_COUNT_QUERIES = """
INSERT INTO catalog_searchquery AS known (day, query, searches, empty)
SELECT * FROM unnest(%s::date[], %s::text[], %s::bigint[], %s::bigint[]) AS fresh ORDER BY 1, 2
ON CONFLICT (day, query) DO UPDATE
   SET searches = known.searches + excluded.searches, empty = known.empty + excluded.empty
"""
_FORGET_RARE_QUERIES = """
DELETE FROM catalog_searchquery WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY day ORDER BY searches DESC, id) AS place FROM catalog_searchquery
    ) AS ranked WHERE place > %s
)
"""

MinuteKey = tuple[datetime, str]
QueryKey = tuple[date, str]


class _Tally:
    """What this process has counted and not written yet."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.minutes: Counter[MinuteKey] = Counter()
        self.queries: Counter[QueryKey] = Counter()
        self.empty: Counter[QueryKey] = Counter()
        self.is_flush_ahead = False

    def take(self) -> tuple[Counter[MinuteKey], Counter[QueryKey], Counter[QueryKey]]:
        """Return all counts and begin anew."""
        with self.lock:
            taken = self.minutes, self.queries, self.empty
            self.minutes, self.queries, self.empty = Counter(), Counter(), Counter()
            self.is_flush_ahead = False
        return taken


_tally = _Tally()


def count_search(outcomes: Sequence[str], *, took_ms: float, query: str = "", is_empty: bool = False) -> None:
    """Count one search.

    Args:
        outcomes: what it was: "hit", "stale" or "miss"; "browse"; "degraded".
        took_ms: how long it took.
        query: what was looked for, in its normal form; empty for a search whose words do not count.
        is_empty: whether nothing was found.
    """
    now = datetime.now(tz=UTC)
    minute = now.replace(second=0, microsecond=0)
    end = ENDS_MS[min(bisect_left(ENDS_MS, took_ms), len(ENDS_MS) - 1)]
    names = ["searches", *outcomes, f"ms:{end}", *(["empty"] if is_empty else [])]
    with _tally.lock:
        for name in names:
            _tally.minutes[minute, name] += 1
        if query and "@" not in query:
            _count_query((now.date(), query[:MAX_QUERY_CHARS]), is_empty=is_empty)
        is_first = not _tally.is_flush_ahead and settings.SEARCH_BEHIND
        _tally.is_flush_ahead = _tally.is_flush_ahead or is_first
    if is_first:
        timer = Timer(FLUSH_S, flush_behind)
        timer.daemon = True
        timer.start()


def _count_query(key: QueryKey, *, is_empty: bool) -> None:
    if key not in _tally.queries and len(_tally.queries) >= MAX_QUERIES:
        return
    _tally.queries[key] += 1
    if is_empty:
        _tally.empty[key] += 1


def flush_behind() -> None:
    """Have what was counted written; where too much waits already, the next search asks for it again."""
    if not run_behind(flush):
        with _tally.lock:
            _tally.is_flush_ahead = False


def flush() -> None:
    """Write what was counted; where that fails, searches are counted with what comes next, and their words are lost."""
    minutes, queries, empty = _tally.take()
    if not minutes:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_COUNT_MINUTES, [*_columns(minutes), list(minutes.values())])
            if queries:
                counts = [list(queries.values()), [empty[key] for key in queries]]
                cursor.execute(_COUNT_QUERIES, [*_columns(queries), *counts])
    except Error as error:
        logger.warning("searches cannot be counted: %s", error)
        with _tally.lock:
            _tally.minutes.update(minutes)
        return


def _columns(counts: Mapping[tuple[Any, str], int]) -> tuple[list[Any], list[str]]:
    return [when for when, _ in counts], [name for _, name in counts]


def recent_figures() -> dict[str, Any]:
    """Return how searches went in the last five minutes and in the last hour.

    hit_rate is the share of ranked searches that the cache served, whether or not its ranking was stale; p50_ms and
    p95_ms are the upper ends of the classes that they fall into. They are null where nothing was searched for.
    """
    return {name: _figures(minutes) for name, minutes in WINDOWS.items()}


def _figures(minutes: int) -> dict[str, Any]:
    since = Now() - timedelta(minutes=minutes)
    rows = SearchMinute.objects.filter(minute__gte=since).values_list("name").annotate(total=Sum("count")).order_by()
    counts = Counter({name: int(total) for name, total in rows})
    served, ranked = counts["hit"] + counts["stale"], counts["hit"] + counts["stale"] + counts["miss"]
    names = ("searches", "hit", "stale", "miss", "browse", "empty", "degraded")
    return {
        **{name: counts[name] for name in names},
        "per_min": round(counts["searches"] / minutes, 1),
        "hit_rate": round(served / ranked, 3) if ranked else None,
        "p50_ms": percentile(counts, 0.5),
        "p95_ms": percentile(counts, 0.95),
    }


def percentile(counts: Mapping[str, int], share: float) -> int | None:
    """Return the upper end in ms of the class below which this share of searches lies."""
    by_end = [(end, counts.get(f"ms:{end}", 0)) for end in ENDS_MS]
    left = share * sum(count for _, count in by_end)
    for end, count in by_end:
        left -= count
        if count and left <= 0:
            return end
    return None


def sweep_counts() -> int:
    """Delete what is over for long, and the rare queries of each day; return how many rows that were."""
    minutes, _ = SearchMinute.objects.filter(minute__lt=Now() - KEPT_MINUTES).delete()
    queries, _ = SearchQuery.objects.filter(day__lt=Now() - KEPT_QUERIES).delete()
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_RARE_QUERIES, [MAX_QUERIES])
        return int(minutes + queries + cursor.rowcount)
