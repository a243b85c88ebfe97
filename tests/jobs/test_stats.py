"""What operators are told of the queues."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from jobs.batch import NewJob
from jobs.depths import busiest_tenants
from jobs.gates import close_gate, pause, set_gate
from jobs.ledger import enqueue, enqueue_many
from jobs.models import Job, Priority, Worker
from jobs.stats import group_counts, group_retries, queue_stats

pytestmark = pytest.mark.django_db


def _queue(name: str) -> dict[str, Any]:
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


def test_the_due_are_told_by_priority_and_the_running_by_queue() -> None:
    for priority in (Priority.CRITICAL, Priority.LOW, Priority.LOW):
        enqueue(NewJob("act", {}, priority=priority))
    running = enqueue(NewJob("noop-16", {})).job_id
    Job.objects.filter(pk=running).update(state="running")
    assert _queue("workload")["depth_by_priority"] == {"critical": 1, "high": 0, "normal": 0, "low": 2}
    assert (_queue("noop-16")["running"], _queue("noop-16")["pending"]) == (1, 0)


def test_jobs_that_wait_for_others_are_counted() -> None:
    first = enqueue(NewJob("act", {})).job_id
    enqueue_many([NewJob("act", {}, after=[first]) for _ in range(2)])
    assert (_queue("workload")["waiting"], _queue("workload")["pending"]) == (2, 1)


def test_a_full_count_has_an_estimate_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.stats.MAX_COUNT", 3)
    enqueue_many([NewJob("act", {}) for _ in range(3)])
    assert _queue("workload")["estimates"]["pending"] >= 3
    assert set(_queue("workload")["estimates"]) == {"pending"}
    assert _queue("noop-16")["estimates"] == {}


def test_pauses_are_told_by_queue_and_gates_by_number() -> None:
    pause("queue:workload")
    pause("tenant:7")
    close_gate("domain:a", for_s=60)
    close_gate("domain:b", for_s=-60)
    assert (_queue("workload")["is_paused"], _queue("noop-16")["is_paused"]) == (True, False)
    assert queue_stats()["gates"] == {"total": 4, "paused": 2, "closed": 1}


def test_a_host_whose_clock_is_wrong_hides_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    Worker.objects.create(name="w", hostname="h", pid=1, queues=["workload"], beat_at=timezone.now())
    Worker.objects.create(
        name="late", hostname="h", pid=2, queues=["workload"], beat_at=timezone.now() - timedelta(seconds=60)
    )
    enqueue(NewJob("act", {}))
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(tz=UTC) + timedelta(hours=1))
    assert queue_stats()["workers"] == 1
    assert _queue("workload")["oldest_pending_s"] < 3600


def test_the_busiest_tenants_come_first_with_what_is_gated() -> None:
    enqueue_many([NewJob("act", {}, tenant=tenant) for tenant in "abbccc"])
    enqueue_many([NewJob("noop-16", {}, tenant="a", priority=Priority.LOW) for _ in range(3)])
    set_gate("domain:a", rate_per_s=1)
    enqueue_many([NewJob("act", {}, tenant="d", gates=["domain:a"]), NewJob("act", {})])
    Job.objects.filter(tenant="c").update(state="completed")
    assert busiest_tenants() == {"a": 4, "b": 2, "": 1, "d": 1}
    assert busiest_tenants(most=1, limit=2) == {"a": 3}
