"""Move what is encrypted to the newest key, row by row, while workers run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Model, Q, QuerySet

from jobs.models import DeadLetter, Job, JobAttempt, JobGroup, JobLine, Schedule
from jobs.sealing import SEALED, TEXT_PREFIX, UnknownEncryptionKey, is_sealed, is_sealed_text, resealed, resealed_text

WINDOW_ROWS = 2_000
# A row that a worker wrote meanwhile is read again.
TRIES = 3
MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class Sealable:
    """A table with columns that may hold something encrypted."""

    model: type[Model]
    json_columns: Sequence[str] = ()
    text_columns: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """All columns that may hold something encrypted."""
        return [*self.json_columns, *self.text_columns]

    @property
    def name(self) -> str:
        """The table's name for people."""
        return str(self.model._meta.verbose_name_plural)


SEALABLE = (
    Sealable(Job, ("payload", "result"), ("error_message",)),
    Sealable(JobAttempt, (), ("error_message", "traceback")),
    Sealable(DeadLetter, (), ("error_message", "traceback")),
    Sealable(JobLine, (), ("message",)),
    Sealable(Schedule, ("payload",)),
    Sealable(JobGroup, ("then_payload", "otherwise_payload")),
)


def sealables() -> list[Sealable]:
    """Return the ledger's tables that may hold something encrypted, and those of settings.JOB_SEALED_COLUMNS."""
    others = [Sealable(apps.get_model(name), (), columns) for name, columns in settings.JOB_SEALED_COLUMNS.items()]
    return [*SEALABLE, *others]


@dataclass(slots=True)
class Rotation:
    """How far a rotation is, in rows."""

    rotated: int = 0
    current: int = 0  # under the first key already
    unknown: int = 0  # no key opens them
    contended: int = 0  # changed at each try; the next run takes them
    is_whole: bool = True
    unknown_rows: list[str] = field(default_factory=list)  # the first few


@contextmanager
def _unflushed_commits() -> Iterator[None]:
    """Let commits not wait for the disk: what a crash of the server takes back, the next run does again."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")


def rotate_keys(
    *,
    dry_run: bool = False,
    on_window: Callable[[Sealable, int], None] = lambda *_: None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Rotation:
    """Encrypt under the first key all that is under another; tell what was found.

    Each row changes in a transaction of its own, and only if it still says what was read, so a worker waits for
    one row at most and no state is touched. Stopped or killed, the next run goes on: rows under the first key
    are passed over. A row that no key opens stays as it is and is counted.

    Args:
        dry_run: count only.
        on_window: called with the table and how many of its rows were passed.
        is_stopping: asked between two windows of rows.
    """
    rotation = Rotation()
    with _unflushed_commits():
        for sealable in sealables():
            for low, high, rows in _windows(sealable.model):
                if is_stopping():
                    rotation.is_whole = False
                    return rotation
                _rotate_window(sealable, low, high, rotation, dry_run=dry_run)
                on_window(sealable, rows)
    return rotation


def estimated_rows(sealable: Sealable) -> int:
    """Return how many rows the planner thinks that a table has: exact counts cost a second a million."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [sealable.model._meta.db_table]
        )
        rows: int = cursor.fetchone()[0]
    return max(0, rows)


def _windows(model: type[Model]) -> Iterator[tuple[Any, Any, int]]:
    """Yield the bounds of windows of rows in the order of the primary key: after `low`, up to `high`, so many."""
    low: Any = None
    while True:
        rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
        if low is not None:
            rows = rows.filter(pk__gt=low)
        pks = list(rows[:WINDOW_ROWS])
        if not pks:
            return
        yield low, pks[-1], len(pks)
        low = pks[-1]


def _rotate_window(sealable: Sealable, low: Any, high: Any, rotation: Rotation, *, dry_run: bool) -> None:
    in_window = Q(pk__lte=high) if low is None else Q(pk__gt=low, pk__lte=high)
    rows = _sealed_rows(sealable, in_window)
    raced: list[Any] = []
    for _ in range(TRIES):
        raced = [row["pk"] for row in rows if not _rotate_row(sealable, row, rotation, dry_run=dry_run)]
        if not raced:
            return
        rows = _sealed_rows(sealable, Q(pk__in=raced))
    rotation.contended += len(raced)


def _sealed_rows(sealable: Sealable, where: Q) -> QuerySet[Any, dict[str, Any]]:
    is_sealed = Q()
    for column in sealable.json_columns:
        is_sealed |= Q(**{f"{column}__has_key": SEALED})
    for column in sealable.text_columns:
        is_sealed |= Q(**{f"{column}__startswith": TEXT_PREFIX})
    return sealable.model._default_manager.filter(where & is_sealed).order_by("pk").values("pk", *sealable.columns)


def _rotate_row(sealable: Sealable, row: dict[str, Any], rotation: Rotation, *, dry_run: bool) -> bool:
    """Rotate one row and count it; False when it changed since it was read, so that nothing was done."""
    is_unknown = False
    changes: dict[str, Any] = {}
    for column in sealable.columns:
        try:
            new = _resealed(row[column])
        except UnknownEncryptionKey:
            is_unknown = True
            continue
        if new is not None:
            changes[column] = new
    if changes and not dry_run:
        as_read = {column: row[column] for column in changes}
        if not sealable.model._default_manager.filter(pk=row["pk"], **as_read).update(**changes):
            return False
    rotation.rotated += bool(changes)
    rotation.unknown += is_unknown
    rotation.current += not changes and not is_unknown
    if is_unknown and len(rotation.unknown_rows) < MAX_NAMED:
        rotation.unknown_rows.append(f"{sealable.model._meta.model_name} {row['pk']}")
    return True


def _resealed(value: Any) -> Any:
    """Return a value of a column under the first key; None when there is nothing to change."""
    if is_sealed(value):
        return resealed(value)
    if isinstance(value, str) and is_sealed_text(value):
        return resealed_text(value)
    return None
