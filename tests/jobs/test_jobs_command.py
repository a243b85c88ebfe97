"""`manage.py jobs`: the same acts, from a terminal."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs.models import Audit, BulkRetry, DeadLetter, Gate, Job, TaskSwitch

pytestmark = pytest.mark.django_db


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


def run(*arguments: str) -> Any:
    """Run the command as a script would; return its JSON."""
    out = StringIO()
    call_command("jobs", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def act(*arguments: str) -> Any:
    return run(*arguments, "--reason", "Moved.", "--actor", "ada")


def test_a_queue_is_paused_and_resumed_and_the_stats_show_it() -> None:
    assert act("pause", "queue", "workload")["is_paused"]
    out = StringIO()
    call_command("queue_stats", "--json", stdout=out)
    paused = {queue["name"]: queue["is_paused"] for queue in json.loads(out.getvalue())["queues"]}
    assert (paused["workload"], paused["noop-16"]) == (True, False)
    assert not act("resume", "queue", "workload")["is_paused"]
    assert not Gate.objects.filter(is_paused=True).exists()
    assert [row.action for row in Audit.objects.order_by("pk")] == ["pause queue", "resume queue"]


def test_jobs_are_cancelled_by_id_tree_and_filter() -> None:
    first, root = make_job(), make_job(state="completed")
    make_job(parent=root)
    make_job(tenant="7", state="running")
    assert act("cancel", str(first.pk))["cancelled"] == 1
    assert act("cancel", str(root.pk), "--tree")["cancelled"] == 1
    assert act("cancel", "--tenant", "7")["cancelling"] == 1
    with pytest.raises(CommandError, match="name a job"):
        act("cancel")


def test_a_job_is_retried_and_prioritised() -> None:
    job = make_job(state="cancelled")
    answer = act("retry", str(job.pk))
    assert Job.objects.get(pk=answer["job"]).origin_id == job.pk
    assert act("prioritise", str(answer["job"]), "--to", "critical")["count"] == 1
    assert act("prioritise", "--state", "pending", "--to", "low")["count"] == 1
    assert Job.objects.get(pk=answer["job"]).priority == 3
    with pytest.raises(CommandError, match="pending"):
        act("retry", str(answer["job"]))


def test_dead_letters_are_retried_in_bulk() -> None:
    now = timezone.now()
    DeadLetter.objects.create(
        job=make_job(state="dead"), task="act", reason="exhausted", error_code="x", enqueued_at=now, last_attempt_at=now
    )
    answer = act("retry", "--letters", "--error-code", "x", "--canary", "1")
    assert (answer["total"], BulkRetry.objects.get().pk) == (1, answer["bulk_retry"])
    with pytest.raises(CommandError, match="No open dead letter"):
        act("retry", "--letters", "--error-code", "y")


def test_old_jobs_are_cleaned_and_tasks_and_gates_set() -> None:
    make_job(state="completed", finished_at=timezone.now() - timedelta(days=3))
    assert act("clean", "--older-than-days", "2")["count"] == 1
    assert act("switch", "act", "inline")["mode"] == "inline"
    assert TaskSwitch.objects.get().changed_by == "ada"
    act("gate", "gemini", "--rate-per-s", "2")
    assert Gate.objects.get(key="gemini").staff_rate_per_s == 2
    act("gate", "gemini")
    assert Gate.objects.get(key="gemini").staff_rate_per_s is None
    with pytest.raises(CommandError, match="above 0"):
        act("gate", "gemini", "--rate-per-s", "0")


def test_jobs_are_listed_and_shown() -> None:
    job = make_job(state="dead", tenant="7")
    make_job()
    assert [found["id"] for found in run("list", "--state", "dead")["jobs"]] == [job.pk]
    assert len(run("list", "--limit", "1")["jobs"]) == 1
    assert run("show", str(job.pk))["jobId"] == job.pk
    with pytest.raises(CommandError):
        run("show", "999999")


def test_people_get_a_table_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    make_job(tenant="7")
    call_command("jobs", "list")
    assert "act" in capsys.readouterr().out
    out = StringIO()
    call_command("jobs", "pause", "task", "act", "--reason", "Moved.", stdout=out)
    assert out.getvalue() == "task act is paused\n"


def test_nothing_is_changed_without_a_reason() -> None:
    with pytest.raises(CommandError, match="--reason"):
        run("pause", "queue", "workload")
    with pytest.raises(CommandError, match="Say why"):
        run("pause", "queue", "workload", "--reason", " ")
    assert not Gate.objects.exists()
