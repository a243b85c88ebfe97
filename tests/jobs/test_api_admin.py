"""The staff's API: what it shows, what it does, and whom it refuses."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from jobs.models import Audit, BulkRetry, DeadLetter, Gate, Job, JobAttempt, JobLine, TaskSwitch

pytestmark = pytest.mark.django_db
JSON = "application/json"
WHY = {"reason": "Wrong catalog."}


@pytest.fixture
def office() -> Client:
    """A client in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


def bury(count: int = 1, **fields: Any) -> list[DeadLetter]:
    now = timezone.now()
    return [
        DeadLetter.objects.create(
            job=make_job(state="dead", attempt=3, **fields),
            task="act",
            reason="exhausted",
            error_code="shop.away",
            error_message="No answer.",
            traceback="File <stdin>",
            enqueued_at=now,
            last_attempt_at=now,
        )
        for _ in range(count)
    ]


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api/admin/{path}", body, JSON)


def test_a_job_is_shown_in_the_specifications_words_and_in_ours(office: Client) -> None:
    now = timezone.now()
    job = make_job(state="failed", attempt=2, payload={"businessId": 42, "email": "x@example.com"}, started_at=now)
    Job.objects.filter(pk=job.pk).update(error_code="test.broken", error_message="It broke.", finished_at=now)
    JobAttempt.objects.create(
        job=job,
        attempt=1,
        started_at=now,
        ended_at=now,
        family="bug",
        error_code="test.broken",
        error_message="It broke.",
    )
    JobLine.objects.create(job=job, message="half way", progress_pct=50)
    answer = office.get(f"/api/admin/jobs/{job.pk}").json()
    said = {name: answer[name] for name in ("jobId", "businessId", "state", "progress", "attemptsMade", "failedReason")}
    assert said == {
        "jobId": job.pk,
        "businessId": 42,
        "state": "failed",
        "progress": 50.0,
        "attemptsMade": 2,
        "failedReason": "It broke.",
    }
    assert answer["processedOn"] == answer["finishedOn"] == answer["job"]["finished_at"]
    assert answer["job"]["failure"] == {"code": "test.broken", "message": "It broke."}
    assert answer["job"]["payload"] == {"businessId": 42, "email": "[redacted]"}
    assert [line["message"] for line in answer["job"]["lines"]] == ["half way"]
    assert len(answer["job"]["attempts"]) == 1


def test_an_unknown_job_is_a_404_problem(office: Client) -> None:
    for answer in (
        office.get("/api/admin/jobs/9"),
        post(office, "jobs/9/cancel", **WHY),
        post(office, "jobs/9/retry/", **WHY),
        post(office, "dlq/retry/9", **WHY),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["jobs", "jobs/", "dlq", "queues/", "tasks", "gates", "dlq/retry"])
def test_nobody_but_staff_gets_in(path: str) -> None:
    assert Client().get(f"/api/admin/{path}").status_code == 401
    seller = Client()
    seller.force_login(User.objects.create_user("sam"))
    assert seller.get(f"/api/admin/{path}").status_code == 403


def test_those_who_may_only_look_cannot_act() -> None:
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)
    job = make_job()
    assert client.get(f"/api/admin/jobs/{job.pk}").status_code == 200
    for path in (f"jobs/{job.pk}/cancel", "queues/workload/pause", "tasks/act/switch", "dlq/retry", "jobs"):
        assert post(client, path, **WHY).status_code == 403
    assert not Audit.objects.exists()


def test_a_session_needs_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ada"))
    job = make_job()
    assert post(client, f"jobs/{job.pk}/cancel", **WHY).status_code == 403
    job.refresh_from_db()
    assert job.state == "pending"


def test_jobs_are_listed_newest_first_filtered_and_in_pages(office: Client) -> None:
    mine = [make_job(tenant="7", priority=1) for _ in range(3)]
    make_job(tenant="8", state="completed")
    page = office.get("/api/admin/jobs/?tenant=7&state=pending&priority=high&limit=2").json()
    assert [job["id"] for job in page["results"]] == [mine[2].pk, mine[1].pk]
    rest = office.get(page["next"]).json()
    assert ([job["id"] for job in rest["results"]], rest["next"]) == ([mine[0].pk], None)
    refused = office.get("/api/admin/jobs/?state=lost")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "state")


def test_jobs_are_added_all_or_none(office: Client) -> None:
    answer = post(
        office,
        "jobs/",
        jobs=[
            {"task": "act", "payload": {"subject": "x"}, "priority": "high", "key": "k"},
            {"task": "act", "key": "k"},
        ],
        **WHY,
    )
    job = Job.objects.get()
    assert answer.status_code == 202
    assert [(found["id"], found["status"]) for found in answer.json()["jobs"]] == [
        (job.pk, "queued"),
        (job.pk, "duplicate"),
    ]
    assert (job.priority, job.meta["source"], job.meta["by"]) == (1, "admin-api", "ada")
    assert post(office, "jobs/", jobs=[{"task": "act"}, {"task": "nothing"}], **WHY).status_code == 400
    assert post(office, "jobs/", jobs=[{"task": "act"}] * 1_001, **WHY).status_code == 400
    assert Job.objects.count() == 1


def test_a_job_is_cancelled_and_retried(office: Client) -> None:
    job = make_job()
    answer = post(office, f"jobs/{job.pk}/cancel", **WHY)
    assert (answer.status_code, answer.json()) == (200, {"cancelled": 1, "cancelling": 0, "is_more_left": False})
    assert post(office, f"jobs/{job.pk}/cancel", **WHY).status_code == 409
    answer = post(office, f"jobs/{job.pk}/retry", **WHY)
    new = Job.objects.get(origin=job)
    assert (answer.status_code, answer.json()["jobId"]) == (202, new.pk)
    assert office.get(answer["Location"]).json()["jobId"] == new.pk
    assert post(office, f"jobs/{new.pk}/retry", **WHY).status_code == 409


def test_a_tree_is_cancelled(office: Client) -> None:
    root = make_job(state="completed")
    make_job(parent=root)
    assert post(office, f"jobs/{root.pk}/cancel", tree=True, **WHY).json()["cancelled"] == 1


@pytest.mark.parametrize("path", ["jobs/{job}/cancel", "jobs/{job}/prioritise", "queues/workload/pause", "jobs/cancel"])
def test_nothing_is_done_without_a_reason(office: Client, path: str) -> None:
    job = make_job()
    answer = post(office, path.format(job=job.pk), priority="high", filter={"task": "act"})
    assert answer.status_code == 400
    assert "reason" in {error["field"] for error in answer.json()["errors"]}
    job.refresh_from_db()
    assert (job.state, job.priority) == ("pending", 2)
    assert not Audit.objects.exists()


def test_all_that_match_are_prioritised_and_cancelled(office: Client) -> None:
    for _ in range(3):
        make_job(tenant="7")
    other = make_job()
    assert post(office, "jobs/prioritise", filter={"tenant": "7"}, priority="critical", **WHY).json() == {"count": 3}
    assert post(office, "jobs/cancel", filter={"priority": "critical"}, **WHY).json()["cancelled"] == 3
    assert post(office, "jobs/cancel", filter={}, **WHY).status_code == 400
    other.refresh_from_db()
    assert other.state == "pending"
    assert Audit.objects.get(action="cancel").filter == {"priority": 0}


def test_one_job_is_prioritised(office: Client) -> None:
    job = make_job()
    assert post(office, f"jobs/{job.pk}/prioritise/", priority="low", **WHY).status_code == 200
    job.refresh_from_db()
    assert job.priority == 3
    assert post(office, f"jobs/{job.pk}/prioritise/", priority="soon", **WHY).status_code == 400


def test_the_dead_letter_queue_shows_the_recent_ones_and_alerts_above_fifty(office: Client) -> None:
    letters = bury(50)
    quiet = office.get("/api/admin/dlq").json()
    assert (quiet["count"], len(quiet["recent"]), quiet["alert"]) == (50, 10, None)
    assert quiet["oldest"]["jobId"] == letters[0].job_id
    assert quiet["recent"][0]["jobId"] == letters[-1].job_id
    assert quiet["recent"][0]["stackTrace"] == "File <stdin>"
    bury()
    alert = office.get("/api/admin/dlq/").json()["alert"]
    assert alert["severity"] == "warning"
    assert set(alert) == {"severity", "message", "action"}


def test_a_dead_letter_is_requeued_even_without_a_reason(office: Client) -> None:
    (letter,) = bury()
    answer = office.post(f"/api/admin/dlq/retry/{letter.job_id}")
    new = Job.objects.get(origin=letter.job_id)
    assert answer.json() == {"status": "requeued", "jobId": new.pk, "retryOf": letter.job_id}
    assert (new.attempt, new.meta["source"]) == (0, "dlq-retry")
    assert office.post(f"/api/admin/dlq/retry/{letter.job_id}").status_code == 409


def test_dead_letters_are_retried_in_bulk(office: Client) -> None:
    bury(3)
    answer = post(office, "dlq/retry/", filter={"error_code": "shop.away"}, rate_per_s=5, canary=2, **WHY)
    started = BulkRetry.objects.get()
    assert (answer.status_code, answer.json()["total"], answer.json()["state"]) == (202, 3, "canary")
    assert office.get(answer["Location"]).json()["id"] == started.pk
    assert post(office, f"dlq/bulk/{started.pk}/continue", **WHY).status_code == 409
    assert post(office, f"dlq/bulk/{started.pk}/stop", **WHY).json()["state"] == "stopped"
    assert [bulk["id"] for bulk in office.get("/api/admin/dlq/retry").json()] == [started.pk]
    assert post(office, "dlq/retry", filter={"task": "nothing"}, **WHY).status_code == 404


@pytest.mark.parametrize("thing", ["queues/workload", "tasks/act", "tenants/7"])
def test_queues_tasks_and_tenants_are_paused_and_resumed(office: Client, thing: str) -> None:
    name = thing.partition("/")[2]
    assert post(office, f"{thing}/pause", **WHY).json() == {"name": name, "is_paused": True}
    assert Gate.objects.filter(is_paused=True).count() == 1
    assert post(office, f"{thing}/resume/", **WHY).json() == {"name": name, "is_paused": False}
    assert Gate.objects.filter(is_paused=True).count() == 0


def test_pauses_are_listed_and_unknown_names_are_not_found(office: Client) -> None:
    post(office, "queues/workload/pause", **WHY)
    queues = {queue["name"]: queue["is_paused"] for queue in office.get("/api/admin/queues").json()["queues"]}
    assert (queues["workload"], queues["noop-16"]) == (True, False)
    assert post(office, "queues/nowhere/pause", **WHY).status_code == 404
    assert post(office, "tasks/nothing/pause", **WHY).status_code == 404
    assert post(office, "tasks/nothing/switch", mode="off", **WHY).status_code == 404


def test_a_task_is_switched(office: Client) -> None:
    answer = post(office, "tasks/act/switch", mode="off", **WHY).json()
    assert (answer["name"], answer["mode"], answer["is_paused"]) == ("act", "off", True)
    assert TaskSwitch.objects.get().changed_by == "ada"
    modes = {task["name"]: task["mode"] for task in office.get("/api/admin/tasks/").json()}
    assert (modes["act"], modes["act-each"]) == ("off", "on")


def test_a_gate_is_paced_by_staff_and_given_back(office: Client) -> None:
    path = "/api/admin/gates/domain:shop.example"
    assert office.get(path).status_code == 404
    put = office.put(path, {"rate_per_s": 0.5, "burst": 3, **WHY}, JSON)
    assert (put.status_code, put.json()["staff_rate_per_s"], put.json()["staff_burst"]) == (200, 0.5, 3)
    assert office.put(path, {"rate_per_s": 0, **WHY}, JSON).status_code == 400
    assert office.delete(path).status_code == 400
    assert office.delete(f"{path}/?reason=Back").status_code == 204
    assert office.get(f"{path}/").json()["staff_rate_per_s"] is None
    assert [gate["key"] for gate in office.get("/api/admin/gates/").json()] == ["domain:shop.example"]


def test_a_tenant_is_given_a_share(office: Client) -> None:
    assert office.get("/api/admin/tenants/7").json()["weight"] == 1
    answer = office.patch("/api/admin/tenants/7", {"weight": 3, **WHY}, JSON)
    assert (answer.json()["weight"], answer.json()["max_in_flight"]) == (3, None)
