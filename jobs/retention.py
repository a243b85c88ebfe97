"""What the ledger forgets, and when: small steps of the leader's tick, so that nobody waits for it.

No index serves this, for each would cost every job. A walk goes down the primary key instead, counts the final jobs of
each task, and deletes those beyond what their task keeps. A job that ends behind the walk is not counted: it keeps
rather too many than too few, and the next walk finds them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from jobs.registry import Task, all_tasks
from jobs.retention_sql import (
    CLEAN_COMPLETED,
    SWEEP_GROUPS,
    SWEEP_JOBS,
    SWEEP_KEYS,
    SWEEP_LETTERS,
    SWEEP_MINUTES,
    SWEEP_WORKERS,
    TOP_JOB,
    TOP_LETTER,
)

logger = logging.getLogger(__name__)

# Of tasks that nobody declares any more.
KEEP_COMPLETED = 100
KEEP_FAILED = 50
KEEP_LETTERS = 1_000
KEEP_KEY_H = 24
KEEP_DAYS = {"minutes": 8, "groups": 7, "workers": 7}

ALL = 2**31 - 1
MIN_ROWS = 100
MAX_ROWS = 5_000
IDS_A_ROW = 10
REST_S = 60.0  # between two walks


def clean_completed(*, before: datetime, limit: int | None = None) -> int:
    """Delete the jobs that were completed before then, the oldest first, with their attempts and lines.

    What something still counts on stays, as in Retention. Each thousand is a transaction of its own.

    Args:
        before: when they were completed at the latest.
        limit: how many at most; None for all.

    Returns:
        How many were deleted.
    """
    total, cursor_id = 0, 0
    while limit is None or total < limit:
        rows = MAX_ROWS if limit is None else min(MAX_ROWS, limit - total)
        last_id, seen, gone = _run(
            CLEAN_COMPLETED, {"after": cursor_id, "before": before, "rows": rows, "hours": KEEP_KEY_H}
        )
        total += gone
        if not seen:
            break
        cursor_id = last_id
    return total


class Retention:
    """Walks through what may be forgotten, a few milliseconds at a time; only the leader calls it.

    Deleted are: final jobs older than their task's `keep_s` beyond the last `keep_completed` completed (cancelled ones
    count apart) and `keep_failed` failed or dead ones, with their attempts and lines; resolved dead letters beyond the
    last KEEP_LETTERS letters; expired idempotency keys; old groups, minutes and workers. Never: a job that is live, of
    an open group, has a dead letter, is waited for, or holds a key that is younger than KEEP_KEY_H.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows = MIN_ROWS
        self._rest_until = clock()
        self._walk: Iterator[Counter[str]] | None = None
        self._removed: Counter[str] = Counter()

    def step(self, budget_s: float) -> Counter[str]:
        """Go on for about so long; return what was removed, by kind.

        A statement is made to take half of the budget, and one is always run unless the walk rests.
        """
        removed: Counter[str] = Counter()
        started = self._clock()
        while self._clock() - started < budget_s and self._clock() >= self._rest_until:
            if self._walk is None:
                self._walk = self._sweeps()
            began = self._clock()
            try:
                removed += next(self._walk)
            except StopIteration:
                self._end_walk()
                break
            self._pace(self._clock() - began, budget_s)
        self._removed += removed
        return removed

    def _pace(self, took_s: float, budget_s: float) -> None:
        if took_s > budget_s / 2:
            self._rows = max(MIN_ROWS, self._rows // 2)
        elif took_s < budget_s / 4:
            self._rows = min(MAX_ROWS, self._rows * 2)

    def _end_walk(self) -> None:
        if self._removed:
            logger.info("forgot what is old", extra={"removed": dict(self._removed)})
        self._removed.clear()
        self._walk = None
        self._rest_until = self._clock() + REST_S

    def _sweeps(self) -> Iterator[Counter[str]]:
        (jobs_top,) = _run(TOP_JOB, {})
        (letters_top,) = _run(TOP_LETTER, {})
        kept_tasks = [task.name for task in all_tasks() if task.keep_failed is None]
        yield from self._sweep_jobs(jobs_top)
        yield from self._sweep("letters", SWEEP_LETTERS, letters_top, {"keep": KEEP_LETTERS, "kept_tasks": kept_tasks})
        yield from self._sweep("keys", SWEEP_KEYS, jobs_top, {})
        for kind, statement in (("minutes", SWEEP_MINUTES), ("groups", SWEEP_GROUPS), ("workers", SWEEP_WORKERS)):
            yield from self._sweep_old(kind, statement)

    def _sweep_jobs(self, top: int) -> Iterator[Counter[str]]:
        """Walk down the ledger; what the walk has passed is counted by task and kind."""
        passed: Counter[tuple[str, str]] = Counter()
        parameters = _rules(all_tasks()) | {"hours": KEEP_KEY_H, "passed_tasks": [], "passed_kinds": [], "passed": []}

        def count(tasks: Sequence[str] | None, kinds: Sequence[str] | None, jobs: Sequence[int] | None) -> None:
            passed.update(dict(zip(zip(tasks or (), kinds or (), strict=True), jobs or (), strict=True)))
            parameters["passed_tasks"] = [task for task, _ in passed]
            parameters["passed_kinds"] = [kind for _, kind in passed]
            parameters["passed"] = list(passed.values())

        yield from self._sweep("jobs", SWEEP_JOBS, top, parameters, count)

    def _sweep(
        self, kind: str, statement: str, top: int, parameters: dict[str, Any], note: Callable[..., None] | None = None
    ) -> Iterator[Counter[str]]:
        """Run the statement over all ids from `top` down, a stretch at a time, each with `note` of its other columns.

        A stretch ends after so many rows, and after so many ids too: to skip those that were deleted takes time.
        """
        before = top
        while before > 0:
            after, rows = max(0, before - self._rows * IDS_A_ROW), self._rows
            last_id, seen, gone, *others = _run(
                statement, parameters | {"before": before, "after": after, "rows": rows}
            )
            if note is not None:
                note(*others)
            yield Counter({kind: gone})
            before = last_id if seen == rows else after

    def _sweep_old(self, kind: str, statement: str) -> Iterator[Counter[str]]:
        while True:
            (gone,) = _run(statement, {"days": KEEP_DAYS[kind], "rows": self._rows})
            yield Counter({kind: gone})
            if not gone:
                return


def _rules(tasks: Sequence[Task]) -> dict[str, Any]:
    """Write what each task keeps as columns; what is never dropped is kept in a number that nothing reaches."""
    return {
        "tasks": [task.name for task in tasks],
        "keep_completed": [_count(task.keep_completed) for task in tasks],
        "keep_failed": [_count(task.keep_failed) for task in tasks],
        "keep_s": [float(settings.JOB_KEEP_S if task.keep_s is None else task.keep_s) for task in tasks],
        "default_completed": KEEP_COMPLETED,
        "default_failed": KEEP_FAILED,
        "default_s": settings.JOB_KEEP_S,
    }


def _count(kept: int | None) -> int:
    return ALL if kept is None else kept


def _run(statement: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
