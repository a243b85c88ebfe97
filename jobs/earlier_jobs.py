"""Records of jobs of an earlier system, read and checked: under our own field names, or Bull's and BullMQ's."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from jobs.earlier_fields import MAX_TEXT_LENGTH, Fields, RecordRefused
from jobs.models import Priority, State
from jobs.storable import storable_text


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """An execution that did not succeed."""

    number: int
    started_at: datetime
    ended_at: datetime
    error_code: str
    error_message: str
    traceback: str
    worker: str
    has_own_times: bool


@dataclass(frozen=True, slots=True)
class EarlierJob:
    """A job of an earlier system. `state` is what it was there: pending, scheduled, running or a final one."""

    external_id: str
    task: str
    queue: str
    state: State
    priority: Priority
    tenant: str
    payload: dict[str, Any]
    result: Any
    error_code: str
    error_message: str
    attempts: int
    max_attempts: int
    created_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    meta: dict[str, Any]
    history: Sequence[EarlierAttempt]

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to do."""
        return self.finished_at is not None


MAX_DEPTH = 100
STATES = {
    "pending": State.PENDING, "queued": State.PENDING, "waiting": State.PENDING, "wait": State.PENDING,
    "paused": State.PENDING, "prioritized": State.PENDING,
    "retrying": State.SCHEDULED, "delayed": State.SCHEDULED, "scheduled": State.SCHEDULED,
    "processing": State.RUNNING, "running": State.RUNNING, "active": State.RUNNING,
    "completed": State.COMPLETED, "failed": State.FAILED, "dead": State.DEAD,
    "cancelled": State.CANCELLED, "canceled": State.CANCELLED,
}  # fmt: skip
FINAL = frozenset({State.COMPLETED, State.FAILED, State.DEAD, State.CANCELLED})
PRIORITIES = {"critical": Priority.CRITICAL, "urgent": Priority.CRITICAL, "high": Priority.HIGH,
              "normal": Priority.NORMAL, "medium": Priority.NORMAL, "low": Priority.LOW}  # fmt: skip
# The names of each field, ours first; after them those of Bull, BullMQ and of exports in camel case.
NAMES: Mapping[str, Sequence[str]] = {
    "id": ("id", "job_id", "jobId"),
    "type": ("type", "task", "name", "job_type", "jobType"),
    "queue": ("queue", "queue_name", "queueName"),
    "status": ("status", "state"),
    "priority": ("priority",),
    "tenant": ("tenant", "tenant_id", "tenantId"),
    "payload": ("payload", "data"),
    "result": ("result", "returnvalue"),
    "error": ("error", "error_message", "failedReason"),
    "error_code": ("error_code", "errorCode"),
    "attempts": ("attempts", "attempts_made", "attemptsMade"),
    "max_attempts": ("max_attempts", "maxAttempts"),
    "created_at": ("created_at", "createdAt", "timestamp"),
    "run_at": ("run_at", "next_attempt_at", "scheduled_at", "runAt"),
    "processed_at": ("processed_at", "started_at", "processedAt", "startedAt", "processedOn"),
    "completed_at": ("completed_at", "finished_at", "completedAt", "finishedAt", "finishedOn"),
    "processing_time_ms": ("processing_time_ms", "processing_time", "processingTimeMs", "processingTime"),
    "worker": ("worker", "worker_id", "workerId", "processedBy"),
    "metadata": ("metadata", "meta"),
    "history": ("history",),
    "stacktrace": ("stacktrace", "traceback"),
    "opts": ("opts",),
    "delay": ("delay",),
}  # fmt: skip
HISTORY_NAMES: Mapping[str, Sequence[str]] = {
    "attempt": ("attempt", "number"),
    "status": ("status", "state"),
    "started_at": ("started_at", "startedAt", "processedOn", "at", "timestamp"),
    "ended_at": ("ended_at", "endedAt", "finished_at", "finishedAt", "finishedOn", "failed_at", "failedAt"),
    "error": ("error", "error_message", "message", "failedReason"),
    "error_code": ("error_code", "errorCode"),
    "traceback": ("traceback", "stacktrace", "stack"),
    "worker": ("worker", "worker_id", "workerId"),
}


def read_line(line: bytes, *, source: str) -> EarlierJob:
    """Return the job that a line of JSON tells of.

    Raises:
        RecordRefused: a field is missing or wrong; it says which, and why.
    """
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RecordRefused("record", f"is not JSON in UTF-8: {error}") from error
    if not isinstance(record, dict):
        raise RecordRefused("record", "is not a JSON object")
    _refuse_unstorable(record, "record", 0)
    return _read(Fields(record, NAMES), source=source)


def _read(fields: Fields, *, source: str) -> EarlierJob:
    opts = fields.mapping("opts")
    created_at = fields.instant("created_at")
    if created_at is None:
        fields.refuse("created_at", "is missing")
    attempts = fields.number("attempts", default=0)
    max_attempts = _max_attempts(fields, opts, attempts)
    state = _state(fields, opts, attempts=attempts, max_attempts=max_attempts)
    started_at, finished_at = _times(fields, state, created_at)
    external_id = fields.text("id", most=200)
    return EarlierJob(
        external_id=external_id,
        task=fields.text("type", most=100),
        queue=fields.text("queue", most=100, default=""),
        state=state,
        priority=_priority(fields, opts),
        tenant=fields.text("tenant", most=100, default=""),
        payload=fields.mapping("payload"),
        result=fields["result"] if state is State.COMPLETED else None,
        error_code=fields.text("error_code", most=100, default="imported.failed") if fields["error"] else "",
        error_message=fields.long_text("error"),
        attempts=attempts,
        max_attempts=max_attempts,
        created_at=created_at,
        run_at=_run_at(fields, opts, created_at),
        started_at=started_at,
        finished_at=finished_at,
        meta=_meta(fields, source=source, external_id=external_id, opts=opts),
        history=tuple(_history(fields, started_at or created_at, finished_at or started_at or created_at)),
    )


def _max_attempts(fields: Fields, opts: Mapping[str, Any], attempts: int) -> int:
    if fields["max_attempts"] is None and opts.get("attempts") is not None:
        return Fields(opts, {"max_attempts": ("attempts",)}, "opts.").number("max_attempts", default=1, least=1)
    return fields.number("max_attempts", default=max(3, attempts), least=1)


def _state(fields: Fields, opts: Mapping[str, Any], *, attempts: int, max_attempts: int) -> State:
    """Return the state as it was there. Bull's own records do not tell it: it follows from their times."""
    status = fields["status"]
    if status is None:
        if fields["completed_at"] is not None:
            is_dead = fields["error"] is not None and attempts >= max_attempts
            return State.DEAD if is_dead else State.FAILED if fields["error"] is not None else State.COMPLETED
        if fields["error"] is not None or opts.get("delay") or fields["delay"]:
            return State.SCHEDULED
        return State.RUNNING if fields["processed_at"] is not None else State.PENDING
    if not isinstance(status, str) or status.lower() not in STATES:
        fields.refuse("status", f"is none of {', '.join(STATES)}")
    return STATES[status.lower()]


def _times(fields: Fields, state: State, created_at: datetime) -> tuple[datetime | None, datetime | None]:
    """Return when the job was begun and, if it is final, ended; one may follow from the other and what it took."""
    started_at, finished_at = fields.instant("processed_at"), fields.instant("completed_at")
    took_ms = fields.milliseconds("processing_time_ms")
    if took_ms is not None:
        took = timedelta(milliseconds=took_ms)
        if finished_at is None and started_at is not None:
            finished_at = started_at + took
        elif started_at is None and finished_at is not None:
            started_at = max(created_at, finished_at - took)
    if state not in FINAL:
        return started_at, None
    if finished_at is None:
        fields.refuse("completed_at", f"is missing, yet the job is {state}")
    if finished_at < created_at:
        fields.refuse("completed_at", "is before the job was created")
    return started_at, finished_at


def _run_at(fields: Fields, opts: Mapping[str, Any], created_at: datetime) -> datetime | None:
    run_at = fields.instant("run_at")
    delay = opts.get("delay") or fields["delay"]
    if run_at is None and delay:
        delay_ms = Fields({"delay": delay}, {"delay": ("delay",)}).milliseconds("delay") or 0
        return created_at + timedelta(milliseconds=delay_ms)
    return run_at


def _priority(fields: Fields, opts: Mapping[str, Any]) -> Priority:
    """Return the priority: a word, or a number that is less for who goes first (1, 5 and 10 in Bull's exports)."""
    value = fields["priority"] if fields["priority"] is not None else opts.get("priority")
    if value is None:
        return Priority.NORMAL
    if isinstance(value, str) and value.lower() in PRIORITIES:
        return PRIORITIES[value.lower()]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        fields.refuse("priority", f"is none of {', '.join(PRIORITIES)}, and no number from 0")
    if value == 0 or 5 <= value < 10:
        return Priority.NORMAL
    return Priority.CRITICAL if value == 1 else Priority.HIGH if value < 5 else Priority.LOW


def _meta(fields: Fields, *, source: str, external_id: str, opts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata, and under `imported` what has no column here: nothing of a record is lost."""
    imported = {
        "source": source,
        "id": external_id,
        "worker": fields["worker"],
        "processing_time_ms": fields["processing_time_ms"],
        "opts": opts or None,
        "fields": fields.rest() or None,
    }
    meta = fields.mapping("metadata")
    if "parent" in meta:  # here it would be the id of a job of ours
        imported["parent"] = meta["parent"]
    kept = {name: value for name, value in meta.items() if name not in ("parent", "imported")}
    return {**kept, "imported": {name: value for name, value in imported.items() if value is not None}}


def _history(fields: Fields, started_at: datetime, ended_at: datetime) -> Iterator[EarlierAttempt]:
    """Yield the attempts that did not succeed, in order; Bull keeps only what each of them printed."""
    entries, stacks = fields["history"], fields["stacktrace"]
    if entries is not None:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            fields.refuse("history", "is not a list of objects")
        for number, entry in enumerate(entries, start=1):
            attempt = Fields(entry, HISTORY_NAMES, f"history[{number - 1}].")
            if str(attempt["status"]).lower() in ("completed", "success", "succeeded"):
                continue
            began, ended = attempt.instant("started_at"), attempt.instant("ended_at")
            yield EarlierAttempt(
                number=attempt.number("attempt", default=number),
                started_at=began or ended or started_at,
                ended_at=max(ended or began or ended_at, began or ended or started_at),
                error_code=attempt.text("error_code", most=100, default="imported.failed"),
                error_message=attempt.long_text("error"),
                traceback=attempt.long_text("traceback"),
                worker=attempt.text("worker", most=200, default=""),
                has_own_times=bool(began or ended),
            )
        return
    if fields["error"] is None and not stacks:
        return
    traces = [trace for trace in (stacks if isinstance(stacks, list) else [stacks]) if isinstance(trace, str)] or [""]
    first_number = max(1, fields.number("attempts", default=0) - len(traces) + 1)  # Bull keeps the last few
    for number, trace in enumerate(traces, start=first_number):
        is_last = number == first_number + len(traces) - 1
        message = fields.long_text("error") if is_last else trace.partition("\n")[0]
        yield EarlierAttempt(
            number=number,
            started_at=started_at,
            ended_at=ended_at,
            error_code="imported.failed",
            error_message=storable_text(message[:MAX_TEXT_LENGTH]),
            traceback=storable_text(trace[:MAX_TEXT_LENGTH]),
            worker="",
            has_own_times=is_last,
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_unstorable(value: Any, path: str, depth: int) -> None:
    """Refuse what PostgreSQL's jsonb cannot hold: NUL, halves of surrogate pairs, 1e999; and what nobody nests."""
    if depth > MAX_DEPTH:
        raise RecordRefused("record", f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_unstorable(name, path, depth)
            _refuse_unstorable(item, name if depth == 0 else f"{path}.{name}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, str) and storable_text(value) != value:
        raise RecordRefused(path, "holds a character that PostgreSQL cannot store")
    elif isinstance(value, float) and not math.isfinite(value):
        raise RecordRefused(path, "is a number beyond all bounds")
