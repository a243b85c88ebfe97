"""What an earlier system's record means, and why one is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.earlier_fields import RecordRefused
from jobs.earlier_jobs import EarlierJob, read_line
from jobs.models import Priority, State

RECORD = {
    "id": "a-1",
    "type": "act",
    "status": "completed",
    "priority": "high",
    "tenant": "7",
    "payload": {"subject": "x"},
    "result": {"n": 1},
    "attempts": 1,
    "max_attempts": 5,
    "created_at": "2024-05-01T12:00:00Z",
    "processed_at": "2024-05-01T12:00:10+00:00",
    "completed_at": "2024-05-01T14:00:11+02:00",
}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def read(**fields: Any) -> EarlierJob:
    record = {name: value for name, value in {**RECORD, **fields}.items() if value is not ...}
    return read_line(json.dumps(record).encode(), source="old")


def read_alone(**fields: Any) -> EarlierJob:
    return read_line(json.dumps(fields).encode(), source="old")


def test_our_own_record_is_read_field_by_field() -> None:
    job = read(queue="q", worker="w-1", metadata={"user": "ada", "parent": 5}, processing_time=1000, region="eu")
    assert (job.external_id, job.task, job.queue, job.tenant) == ("a-1", "act", "q", "7")
    assert (job.state, job.priority, job.attempts, job.max_attempts) == (State.COMPLETED, Priority.HIGH, 1, 5)
    assert (job.payload, job.result, job.error_message) == ({"subject": "x"}, {"n": 1}, "")
    assert job.created_at == NOON
    assert (job.started_at, job.finished_at) == (NOON + timedelta(seconds=10), NOON + timedelta(seconds=11))
    assert job.is_final
    assert job.meta == {
        "user": "ada",
        "imported": {
            "source": "old", "id": "a-1", "worker": "w-1", "processing_time_ms": 1000,
            "fields": {"region": "eu"}, "parent": 5,
        },
    }  # fmt: skip


def test_a_failed_bullmq_job_is_read_under_its_own_names() -> None:
    at_ms = int(NOON.timestamp() * 1000)
    job = read_alone(
        id=42, name="act", data={"subject": "x"}, opts={"attempts": 3, "priority": 1}, timestamp=at_ms,
        processedOn=at_ms + 1000, finishedOn=at_ms + 2500, failedReason="boom", attemptsMade=3, returnvalue=None,
        stacktrace=["Error: first\n at a", "Error: boom\n at b"],
    )  # fmt: skip
    assert (job.external_id, job.task, job.state, job.priority) == ("42", "act", State.DEAD, Priority.CRITICAL)
    assert (job.attempts, job.max_attempts, job.error_code, job.error_message) == (3, 3, "imported.failed", "boom")
    assert (job.created_at, job.started_at) == (NOON, NOON + timedelta(seconds=1))
    assert job.finished_at == NOON + timedelta(seconds=2, milliseconds=500)
    assert [(one.number, one.error_message, one.traceback, one.has_own_times) for one in job.history] == [
        (2, "Error: first", "Error: first\n at a", False),
        (3, "boom", "Error: boom\n at b", True),
    ]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.PENDING),
        ({"processedOn": 1714564801000}, State.RUNNING),
        ({"opts": {"delay": 60_000}}, State.SCHEDULED),
        ({"failedReason": "boom", "attemptsMade": 1, "processedOn": 1714564801000}, State.SCHEDULED),
        ({"finishedOn": 1714564802000}, State.COMPLETED),
        ({"finishedOn": 1714564802000, "failedReason": "x", "attemptsMade": 1, "opts": {"attempts": 3}}, State.FAILED),
        ({"finishedOn": 1714564802000, "failedReason": "x", "attemptsMade": 3, "opts": {"attempts": 3}}, State.DEAD),
    ],
)
def test_the_state_of_a_bull_job_follows_from_its_times(fields: dict[str, Any], state: State) -> None:
    assert read_alone(id=1, name="act", timestamp=1714564800000, **fields).state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", State.PENDING), ("processing", State.RUNNING), ("retrying", State.SCHEDULED),
        ("completed", State.COMPLETED), ("failed", State.FAILED), ("dead", State.DEAD), ("Delayed", State.SCHEDULED),
        ("active", State.RUNNING), ("wait", State.PENDING), ("cancelled", State.CANCELLED),
    ],
)  # fmt: skip
def test_each_status_has_its_state(status: str, state: State) -> None:
    assert read(status=status).state is state


@pytest.mark.parametrize(
    ("priority", "meant"),
    [
        ("critical", 0), ("Urgent", 0), ("high", 1), ("normal", 2), ("low", 3),
        (1, 0), (2, 1), (4, 1), (0, 2), (5, 2), (9, 2), (10, 3), (1000, 3), (None, 2),
    ],
)  # fmt: skip
def test_each_priority_has_its_own(priority: Any, meant: int) -> None:
    assert read(priority=priority).priority == meant


def test_a_delay_counts_from_the_creation() -> None:
    job = read_alone(id=1, name="act", timestamp=1714564800000, opts={"delay": 60_000})
    assert job.run_at == NOON + timedelta(minutes=1)


def test_times_that_are_missing_follow_from_the_processing_time() -> None:
    assert read(completed_at=..., processing_time_ms=1500).finished_at == NOON + timedelta(seconds=11.5)
    assert read(processed_at=..., processing_time_ms=1500).started_at == NOON + timedelta(seconds=9.5)


def test_history_leaves_out_what_succeeded_and_tells_whose_times_are_its_own() -> None:
    job = read(
        history=[
            {"attempt": 1, "started_at": "2024-05-01T12:00:01Z", "ended_at": "2024-05-01T12:00:02Z", "error": "first"},
            {"error": {"message": "second"}, "traceback": "Trace", "worker": "w"},
            {"attempt": 3, "status": "completed"},
        ]
    )
    assert [(one.number, one.error_message, one.worker, one.has_own_times) for one in job.history] == [
        (1, "first", "", True),
        (2, '{"message": "second"}', "w", False),
    ]
    first, second = job.history
    assert (first.started_at, first.ended_at) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=2))
    assert (second.started_at, second.ended_at) == (job.started_at, job.finished_at)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"id": ...}, "id", "is missing"),
        ({"id": ""}, "id", "is missing"),
        ({"id": "x" * 201}, "id", "is longer than 200 characters"),
        ({"id": ["x"]}, "id", "is not a text"),
        ({"type": ...}, "type", "is missing"),
        ({"type": ..., "name": "x" * 101}, "name", "is longer than 100 characters"),
        ({"status": "lost"}, "status", "is none of pending, queued"),
        ({"status": 3}, "status", "is none of"),
        ({"priority": "top"}, "priority", "is none of critical"),
        ({"priority": True}, "priority", "is none of"),
        ({"payload": [1]}, "payload", "is not an object"),
        ({"payload": ..., "data": 1}, "data", "is not an object"),
        ({"attempts": -1}, "attempts", "is not a whole number from 0"),
        ({"attempts": 1.5}, "attempts", "is not a whole number"),
        ({"attempts": True}, "attempts", "is not a whole number"),
        ({"max_attempts": 0}, "max_attempts", "is not a whole number from 1"),
        ({"max_attempts": ..., "opts": {"attempts": "3"}}, "opts.attempts", "is not a whole number"),
        ({"created_at": ...}, "created_at", "is missing"),
        ({"created_at": "2024-05-01T12:00:00"}, "created_at", "names no time zone"),
        ({"created_at": "yesterday"}, "created_at", "is no time in ISO 8601"),
        ({"created_at": "2024-13-01T12:00:00Z"}, "created_at", "is no time: "),
        ({"created_at": 1e300}, "created_at", "is out of range"),
        ({"created_at": "0001-01-01T00:00:00Z"}, "created_at", "is not between 1970 and 3000"),
        ({"created_at": [1]}, "created_at", "is neither a time"),
        ({"completed_at": ..., "processed_at": ...}, "completed_at", "is missing, yet the job is completed"),
        ({"completed_at": "2024-05-01T11:00:00Z"}, "completed_at", "is before the job was created"),
        ({"processing_time": -5}, "processing_time", "is not a number of milliseconds"),
        ({"history": {}}, "history", "is not a list of objects"),
        ({"history": [{}, {"attempt": "x"}]}, "history[1].attempt", "is not a whole number"),
        ({"history": [{"failedAt": "x"}]}, "history[0].failedAt", "is no time"),
        ({"payload": {"a": ["b\x00"]}}, "payload.a[0]", "holds a character that PostgreSQL cannot store"),
        ({"result": "\ud800"}, "result", "holds a character"),
        ({"metadata": {"\x00": 1}}, "metadata", "holds a character"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(fields: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(RecordRefused) as raised:
        read(**fields)
    assert (raised.value.field, raised.value.reason[: len(reason)]) == (field, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON in UTF-8"),
        (b"[1]", "is not a JSON object"),
        (b'{"payload": NaN}', "is not JSON in UTF-8: NaN is not JSON"),
        (b'{"payload": 1e999}', "is a number beyond all bounds"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "is n"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "is nested more than 100 deep"),
    ],
)
def test_what_is_no_record_is_refused(line: bytes, reason: str) -> None:
    with pytest.raises(RecordRefused) as raised:
        read_line(line, source="old")
    assert raised.value.reason.startswith(reason)


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


@given(name=st.sampled_from([*RECORD, "opts", "delay", "history", "stacktrace", "run_at", "metadata"]), value=ANYTHING)
def test_whatever_a_field_holds_it_is_read_or_refused(name: str, value: Any) -> None:
    try:
        assert read(**{name: value}).external_id
    except RecordRefused as refused:
        assert refused.reason
