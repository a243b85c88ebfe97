"""What staff do in the admin: it asks why, acts, says what it did, and refuses those who may only look."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from jobs.models import Audit, BulkRetry, DeadLetter, Gate, Job, JobLine, TaskSwitch, Tenant, Worker
from jobs.pages import jobs as job_pages

pytestmark = pytest.mark.django_db
JOBS = "/admin/jobs/job/"
WHY = {"reason": "Wrong catalog."}


@pytest.fixture
def office() -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def viewer() -> Client:
    """A browser in which somebody is logged in who may look at everything."""
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(vera)
    return client


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


def bury(count: int = 1, error_code: str = "shop.away") -> None:
    now = timezone.now()
    for _ in range(count):
        DeadLetter.objects.create(
            job=make_job(state="dead"),
            task="act",
            reason="exhausted",
            error_code=error_code,
            error_message="No answer.",
            enqueued_at=now,
            last_attempt_at=now,
        )


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_selected_jobs_are_cancelled_with_a_reason(office: Client) -> None:
    chosen, running, other = make_job(), make_job(state="running"), make_job()
    form = {"action": "cancel_selected", "_selected_action": [chosen.pk, running.pk]}
    assert "Cancel jobs" in text_of(office.post(JOBS, form))
    assert Job.objects.filter(state="pending").count() == 2
    answer = office.post(JOBS, form | WHY, follow=True)
    assert "1 cancelled, 1 more will end as cancelled." in text_of(answer)
    other.refresh_from_db()
    assert other.state == "pending"
    assert Audit.objects.get().filter == {"ids": [running.pk, chosen.pk]}


def test_all_that_match_the_filter_are_cancelled_and_the_question_counts_them(office: Client) -> None:
    for _ in range(60):
        make_job(state="scheduled")
    other = make_job()
    address = f"{JOBS}?state__exact=scheduled"
    form = {"action": "cancel_selected", "_selected_action": [Job.objects.first().pk], "select_across": "1"}
    question = text_of(office.post(address, form))
    assert "All jobs that match state scheduled: 60." in question
    assert 'name="select_across" value="1"' in question
    office.post(address, {"action": "cancel_selected", "select_across": "1", "_selected_action": ["0"]} | WHY)
    other.refresh_from_db()
    assert other.state == "pending"
    assert Job.objects.filter(state="cancelled").count() == 60
    assert Audit.objects.get().filter == {"state__exact": "scheduled"}


def test_selected_jobs_are_retried_up_to_a_limit(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_pages, "MAX_RETRIED_AT_ONCE", 2)
    jobs = [make_job(state="cancelled") for _ in range(3)] + [make_job(state="completed")]
    form = {"action": "retry_selected", "_selected_action": [job.pk for job in jobs]}
    answer = text_of(office.post(JOBS, form | WHY, follow=True))
    assert "2 retried." in answer
    assert "There are more" in answer
    assert Job.objects.filter(origin__isnull=False).count() == 2


def test_selected_jobs_get_another_priority(office: Client) -> None:
    job = make_job()
    form = {"action": "prioritise_selected", "_selected_action": [job.pk]}
    assert "Priority" in text_of(office.post(JOBS, form))
    assert "field is required" in text_of(office.post(JOBS, form | WHY))
    office.post(JOBS, form | WHY | {"priority": "0"})
    job.refresh_from_db()
    assert job.priority == 0


def test_a_jobs_page_offers_what_can_be_done_to_it(office: Client) -> None:
    live, dead = make_job(), make_job(state="dead")
    page = text_of(office.get(f"{JOBS}{live.pk}/change/"))
    assert f"{JOBS}{live.pk}/cancel/" in page
    assert f"{JOBS}{live.pk}/retry/" not in page
    page = text_of(office.get(f"{JOBS}{dead.pk}/change/"))
    assert f"{JOBS}{dead.pk}/cancel/" not in page
    assert f"{JOBS}{dead.pk}/retry/" in page


def test_one_job_is_cancelled_retried_and_prioritised_from_its_page(office: Client) -> None:
    job = make_job()
    assert "Cancel this job" in text_of(office.get(f"{JOBS}{job.pk}/cancel/"))
    assert office.post(f"{JOBS}{job.pk}/prioritise/", WHY | {"priority": "1"}).status_code == 302
    assert office.post(f"{JOBS}{job.pk}/cancel/", WHY).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.priority) == ("cancelled", 1)
    assert "Too late" in text_of(office.post(f"{JOBS}{job.pk}/cancel/", WHY, follow=True))
    office.post(f"{JOBS}{job.pk}/retry/", WHY)
    assert Job.objects.filter(origin=job).count() == 1


def test_a_job_shows_its_tree_its_log_and_its_progress(office: Client) -> None:
    root = make_job(state="completed")
    job = make_job(parent=root, state="running")
    child = make_job(parent=job, is_cancelling=True, state="running")
    JobLine.objects.create(job=job, message="half of the pages", progress_pct=50)
    JobLine.objects.create(job=job, level="WARNING", message="<slow>")
    page = text_of(office.get(f"{JOBS}{job.pk}/change/"))
    tree = page[page.index("souk-tree") :]
    assert tree.index(f"act {root.pk}") < tree.index(f"act {job.pk}") < tree.index(f"act {child.pk}")
    assert '<li style="--depth: 1" aria-current="true">' in tree
    assert "cancelling" in tree
    assert "half of the pages" in page
    assert "&lt;slow&gt;" in page
    assert "50 %" in page
    assert f"{JOBS}{root.pk}/cancel-tree/" in text_of(office.get(f"{JOBS}{root.pk}/change/"))
    office.post(f"{JOBS}{root.pk}/cancel-tree/", WHY)
    assert Job.objects.filter(is_cancelling=True).count() == 2


def test_a_large_tree_is_cut(office: Client) -> None:
    root = make_job()
    Job.objects.bulk_create([Job(task="act", queue="workload", parent=root) for _ in range(250)])
    page = text_of(office.get(f"{JOBS}{root.pk}/change/"))
    assert page.count("--depth: 1") == 199
    assert "There are more" in page


def test_queues_are_paused_and_resumed_on_their_page(office: Client) -> None:
    make_job(), make_job(state="gated")
    Worker.objects.create(name="w", hostname="here", pid=1, queues=["workload"], beat_at=timezone.now())
    page = text_of(office.get("/admin/jobs/queues/"))
    assert "/admin/jobs/queues/workload/pause/" in page
    assert "?queue=workload&amp;state__exact=gated" in page
    assert "Pause queue workload" in text_of(office.get("/admin/jobs/queues/workload/pause/"))
    assert not Gate.objects.exists()
    answer = text_of(office.post("/admin/jobs/queues/workload/pause/", WHY, follow=True))
    assert "workload is paused." in answer
    assert "/admin/jobs/queues/workload/resume/" in answer
    assert "paused" in text_of(office.get("/admin/"))
    office.post("/admin/jobs/queues/workload/resume/", WHY)
    assert not Gate.objects.filter(is_paused=True).exists()
    assert office.get("/admin/jobs/queues/nowhere/pause/").status_code == 404


def test_tasks_are_paused_and_switched_on_their_page(office: Client) -> None:
    assert "/admin/jobs/tasks/act/switch/" in text_of(office.get("/admin/jobs/tasks/"))
    office.post("/admin/jobs/tasks/act/pause/", WHY)
    assert "/admin/jobs/tasks/act/resume/" in text_of(office.get("/admin/jobs/tasks/"))
    office.post("/admin/jobs/tasks/act/switch/", WHY | {"mode": "inline"})
    assert TaskSwitch.objects.get().mode == "inline"
    assert office.get("/admin/jobs/tasks/nothing/switch/").status_code == 404


def test_failures_are_grouped_and_retried_in_bulk(office: Client) -> None:
    bury(3)
    bury(1, error_code="shop.closed")
    page = text_of(office.get("/admin/jobs/failures/"))
    assert page.index("shop.away") < page.index("shop.closed")
    address = "/admin/jobs/failures/retry/?task=act&error_code=shop.away"
    assert "Retry dead letters: shop.away of act" in text_of(office.get(address))
    answer = office.post(address, WHY | {"canary": "2", "rate_per_s": "5"})
    started = BulkRetry.objects.get()
    assert answer.url == f"/admin/jobs/bulkretry/{started.pk}/change/"
    assert (started.total, started.canary, started.rate_per_s) == (3, 2, 5)
    assert "0 of 3" in text_of(office.get(answer.url))
    BulkRetry.objects.update(state="held")
    assert "go-on" in text_of(office.get(answer.url))
    office.post(f"/admin/jobs/bulkretry/{started.pk}/go-on/", WHY)
    office.post(f"/admin/jobs/bulkretry/{started.pk}/stop/", WHY)
    started.refresh_from_db()
    assert started.state == "stopped"
    assert [row.action for row in Audit.objects.order_by("pk")] == [
        "bulk retry",
        "continue bulk retry",
        "stop bulk retry",
    ]


def test_an_alert_stands_above_more_than_fifty_dead_letters(office: Client) -> None:
    bury(51)
    assert "51 dead letters are open" in text_of(office.get("/admin/jobs/failures/"))


def test_gates_are_paced_paused_and_given_back(office: Client) -> None:
    form = WHY | {"key": "domain:shop.example", "rate_per_s": "0.5", "burst": "2"}
    page = office.post("/admin/jobs/gate/set-pace/", form).url
    assert "one every 2 s, burst 2" in text_of(office.get(page))
    base = page.removesuffix("change/")
    office.post(f"{base}override/", WHY | {"rate_per_s": "3"})
    assert Gate.objects.get().staff_rate_per_s == 3
    office.post(f"{base}remove-override/", WHY)
    office.post(f"{base}pause/", WHY)
    gate = Gate.objects.get()
    assert (gate.key, gate.staff_rate_per_s, gate.is_paused) == ("domain:shop.example", None, True)
    assert "resume" in text_of(office.get(page))
    office.post(f"{base}resume/", WHY)
    assert not Gate.objects.get().is_paused
    assert len(office.get("/admin/jobs/gate/?is=paused").context["cl"].result_list) == 0


def test_a_tenant_gets_a_share_and_is_paused(office: Client) -> None:
    fields = {"name": "7", "weight": "3", "max_in_flight": "", "max_waiting": "100", "submissions_per_min": ""}
    assert "required" in text_of(office.post("/admin/jobs/tenant/add/", fields))
    office.post("/admin/jobs/tenant/add/", fields | WHY)
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.weight, tenant.max_waiting) == ("7", 3, 100)
    office.post("/admin/jobs/tenant/7/change/", fields | WHY | {"weight": "2"})
    assert Tenant.objects.get().weight == 2
    office.post("/admin/jobs/tenant/7/pause/", WHY)
    assert Gate.objects.get(key="tenant:7").is_paused
    page = text_of(office.get("/admin/jobs/tenant/7/change/"))
    assert "/admin/jobs/tenant/7/resume/" in page
    assert Audit.objects.filter(reason="Wrong catalog.").count() == 3


def test_those_who_may_only_look_see_no_buttons_and_cannot_act(viewer: Client) -> None:
    job = make_job()
    bury()
    Gate.objects.create(key="gemini")
    Tenant.objects.create(name="7")
    for page in ("queues/", "tasks/", "failures/", f"job/{job.pk}/change/", "gate/gemini/change/", "tenant/7/change/"):
        shown = text_of(viewer.get(f"/admin/jobs/{page}"))
        for verb in ("pause/", "switch/", "/retry", "/cancel", "/override"):
            assert verb not in shown, (page, verb)
    for path in (
        "queues/workload/pause/",
        "tasks/act/switch/",
        "failures/retry/",
        f"job/{job.pk}/cancel/",
        "gate/gemini/pause/",
        "tenant/7/pause/",
        "gate/set-pace/",
    ):
        assert viewer.post(f"/admin/jobs/{path}", WHY | {"mode": "off"}).status_code == 403, path
    viewer.post(JOBS, {"action": "cancel_selected", "_selected_action": [job.pk]} | WHY)
    job.refresh_from_db()
    assert job.state == "pending"
    assert not Audit.objects.exists()
    assert not Gate.objects.filter(is_paused=True).exists()


def test_strangers_are_asked_to_log_in() -> None:
    for path in ("queues/", "tasks/", "failures/", "queues/workload/pause/"):
        assert Client().get(f"/admin/jobs/{path}").url.startswith("/admin/login/")
