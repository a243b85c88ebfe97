"""What operators are told of the queues."""

import json
from collections.abc import Callable

import pytest
from django.core.management import call_command

from jobs.batch import NewJob
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Priority
from jobs.stats import group_counts, group_retries, queue_stats

pytestmark = pytest.mark.django_db


def _queue(name: str) -> dict[str, object]:
    return next(queue for queue in queue_stats()["queues"] if queue["name"] == name)


def test_depths_are_told_by_state() -> None:
    enqueue_many([NewJob("act", {}), NewJob("act", {}), NewJob("act", {}, delay_s=60), NewJob("act", {}, gates=["g"])])
    queue = _queue("workload")
    assert (queue["pending"], queue["scheduled"], queue["gated"], queue["running"]) == (2, 1, 1, 0)
    assert queue["oldest_pending_s"] >= 0
    assert _queue("noop-16")["oldest_pending_s"] is None


def test_a_count_stops_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.stats.MAX_COUNT", 3)
    enqueue_many([NewJob("act", {}) for _ in range(5)])
    assert _queue("workload")["pending"] == 3


def test_rates_and_failures_are_told_by_task(drain: Callable[[], None]) -> None:
    enqueue_many([NewJob("act", {"subject": n}) for n in range(3)])
    enqueue(NewJob("act", {"subject": "bad", "do": "fail"}))
    drain()
    (task,) = queue_stats()["tasks"]
    assert (task["task"], task["completed"], task["failed"], task["failure_rate"]) == ("act", 3, 1, 0.25)
    assert queue_stats()["dead_letters"] == 1


def test_a_group_is_counted_by_task_and_state(drain: Callable[[], None]) -> None:
    enqueue_many([NewJob("act", {"subject": n, "do": do}, group="g") for n, do in enumerate(("ok", "fail", "retry"))])
    drain()
    enqueue(NewJob("noop-16", {}, group="g", priority=Priority.LOW))
    assert group_counts("g") == {"act": {"completed": 1, "failed": 1, "dead": 1}, "noop-16": {"pending": 1}}
    assert group_retries("g") == 2


def test_the_command_answers_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    enqueue(NewJob("act", {}))
    call_command("queue_stats", "--json")
    assert {queue["name"] for queue in json.loads(capsys.readouterr().out)["queues"]} >= {"workload", "sync-seller"}
    call_command("queue_stats")
    told = capsys.readouterr().out
    assert "workload" in told
    assert "0 open dead letters" in told
