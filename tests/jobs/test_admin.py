"""The engine's pages in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Audit, DeadLetter, Job, JobAttempt, Worker
from jobs.pages import paginator
from jobs.pages.presentation import seconds_text, subject_links

JOBS = "/admin/jobs/job/"
LETTERS = "/admin/jobs/deadletter/"


@pytest.fixture
def office(db: None) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))
    return client


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**({"task": "act", "queue": "workload", "payload": {"subject": "a"}} | fields))


@pytest.fixture
def letter(db: None) -> DeadLetter:
    """A dead letter whose job failed once."""
    now = timezone.now()
    job = make_job(state="failed", attempt=1, tenant="7", grp="sync:9", error_code="test.broken", key="9:a")
    JobAttempt.objects.create(
        job=job,
        attempt=1,
        started_at=now,
        ended_at=now + timedelta(milliseconds=20),
        family="bug",
        error_code="test.broken",
        error_message="<script>",
        traceback="File <stdin>",
        decision="failed",
    )
    return DeadLetter.objects.create(
        job=job,
        task="act",
        tenant="7",
        reason="permanent",
        error_code="test.broken",
        error_message="It broke.",
        traceback="File <stdin>",
        enqueued_at=now,
        last_attempt_at=now,
    )


def found(office: Client, address: str) -> list[int]:
    return [thing.pk for thing in office.get(address).context["cl"].result_list]


def test_jobs_are_found_by_id_tenant_and_group(office: Client, letter: DeadLetter) -> None:
    other = make_job(tenant="8")
    assert found(office, f"{JOBS}?q={other.pk}") == [other.pk]
    assert found(office, f"{JOBS}?q=8") in ([other.pk], [other.pk, letter.job_id])
    assert found(office, f"{JOBS}?q=sync:9") == [letter.job_id]
    assert found(office, f"{JOBS}?q=nothing") == []


def test_jobs_are_filtered(office: Client, letter: DeadLetter) -> None:
    pending = make_job(priority=1)
    assert found(office, f"{JOBS}?state__exact=pending") == [pending.pk]
    assert found(office, f"{JOBS}?priority__exact=1") == [pending.pk]
    assert found(office, f"{JOBS}?task=act&queue=workload") == [pending.pk, letter.job_id]
    assert found(office, f"{JOBS}?task=noop-16") == []


def test_no_page_counts_all_jobs(office: Client, monkeypatch: pytest.MonkeyPatch, letter: DeadLetter) -> None:
    for _ in range(4):
        make_job()
    monkeypatch.setattr(paginator, "MAX_COUNT", 3)
    changelist = office.get(f"{JOBS}?_facets=True").context["cl"]
    assert not changelist.add_facets
    assert (changelist.result_count, changelist.can_show_all) == (3, False)


def test_a_job_page_shows_attempts_data_and_its_dead_letter(office: Client, letter: DeadLetter) -> None:
    page = office.get(f"{JOBS}{letter.job_id}/change/").content.decode()
    assert "<details><summary>Traceback</summary>" in page
    assert "File &lt;stdin&gt;" in page
    assert "&lt;script&gt;" in page
    assert "&quot;subject&quot;: &quot;a&quot;" in page
    assert f"{LETTERS}{letter.pk}/change/" in page
    assert "20\N{NO-BREAK SPACE}ms" in page


def test_a_job_that_failed_before_is_shown_as_retrying(office: Client, db: None) -> None:
    make_job(state="scheduled", attempt=1)
    assert "retrying" in office.get(JOBS).content.decode()


def test_a_job_links_to_its_worker_and_to_what_it_retries(office: Client, letter: DeadLetter) -> None:
    worker = Worker.objects.create(name="w-1", hostname="here", pid=1, queues=["workload"])
    retry = make_job(worker=worker, origin=letter.job, state="running", started_at=timezone.now())
    page = office.get(f"{JOBS}{retry.pk}/change/").content.decode()
    assert f"{JOBS}{letter.job_id}/change/" in page
    assert f"/admin/jobs/worker/{worker.pk}/change/" in page
    assert f"act {retry.pk}" in office.get(f"/admin/jobs/worker/{worker.pk}/change/").content.decode()
    assert f"{JOBS}{retry.pk}/change/" in office.get(f"{LETTERS}{letter.pk}/change/").content.decode()


@pytest.mark.parametrize("resolution", DeadLetter.Resolution.values)
def test_dead_letters_are_shown_however_they_were_resolved(office: Client, letter: DeadLetter, resolution: str) -> None:
    DeadLetter.objects.update(resolution=resolution)

    listed = office.get(f"{LETTERS}?resolution={resolution or 'open'}").content.decode()

    assert f"{LETTERS}{letter.pk}/change/" in listed
    assert (resolution or "open") in office.get(f"{LETTERS}{letter.pk}/change/").content.decode()


def test_selected_letters_are_retried_with_a_reason(office: Client, letter: DeadLetter) -> None:
    form = {"action": "retry_selected", "_selected_action": [letter.pk]}
    question = office.post(LETTERS, form)
    assert "Retry dead letters" in question.content.decode()
    assert Job.objects.count() == 1
    answer = office.post(LETTERS, form | {"reason": "The shop is back."}, follow=True)
    assert "1 retried." in answer.content.decode()
    retry = Job.objects.get(origin=letter.job)
    assert (retry.state, retry.attempt) == ("pending", 0)
    letter.refresh_from_db()
    assert (letter.resolution, letter.resolved_by, letter.resolution_note) == ("retried", "ada", "The shop is back.")
    assert Audit.objects.get().reason == "The shop is back."


def test_selected_letters_are_discarded_with_a_reason(office: Client, letter: DeadLetter) -> None:
    form = {"action": "discard_selected", "_selected_action": [letter.pk], "reason": "Test data."}
    office.post(LETTERS, form)
    letter.refresh_from_db()
    assert (letter.resolution, letter.resolution_note) == ("discarded", "Test data.")
    assert Job.objects.count() == 1


def test_one_letter_is_resolved_from_its_page(office: Client, letter: DeadLetter) -> None:
    page = f"{LETTERS}{letter.pk}/change/"
    assert f"{LETTERS}{letter.pk}/retry/" in office.get(page).content.decode()
    question = office.get(f"{LETTERS}{letter.pk}/retry/")
    assert page in question.content.decode()  # Cancel leads back
    answer = office.post(f"{LETTERS}{letter.pk}/retry/", {"reason": "Again."})
    assert (answer.status_code, answer.url) == (302, page)
    assert Job.objects.filter(origin=letter.job).count() == 1


def test_a_resolved_letter_is_left_alone_and_says_who_did_it(office: Client, letter: DeadLetter) -> None:
    office.post(f"{LETTERS}{letter.pk}/discard/", {"reason": "Test data."})
    again = office.post(f"{LETTERS}{letter.pk}/retry/", {"reason": "No."}, follow=True)
    assert "was already discarded by ada" in again.content.decode()
    assert Job.objects.count() == 1


def test_letters_are_filtered_and_found(office: Client, letter: DeadLetter) -> None:
    assert found(office, f"{LETTERS}?resolution=open") == [letter.pk]
    assert found(office, f"{LETTERS}?resolution=discarded") == []
    for term in (letter.job_id, "7", "test.broken"):
        assert found(office, f"{LETTERS}?q={term}") == [letter.pk]


def test_workers_show_their_heartbeat_and_how_they_ended(office: Client, db: None, settings: Any) -> None:
    now = timezone.now()
    beat = {"hostname": "here", "pid": 1, "queues": ["workload"]}
    alive = Worker.objects.create(name="alive", status="busy", memory_bytes=2**20 * 64, **beat)
    Worker.objects.create(name="silent", beat_at=now - timedelta(seconds=settings.JOB_SILENCE_S + 5), **beat)
    Worker.objects.create(name="gone", ended_at=now, end_reason="crashed", status="offline", **beat)
    page = office.get("/admin/jobs/worker/").content.decode()
    for text in ("busy", "silent", "crashed", "64 MiB", "ago"):
        assert text in page
    assert found(office, "/admin/jobs/worker/?process=ended&status__exact=offline") != []
    assert len(found(office, "/admin/jobs/worker/?process=running")) == 2
    assert alive.pk in found(office, "/admin/jobs/worker/?q=alive")


def test_only_known_subjects_are_linked(settings: Any) -> None:
    settings.JOB_SUBJECT_PAGES = {"product": "admin:marketplace_product_change"}
    links = subject_links({"product": 3, "other": 4})
    assert reverse("admin:marketplace_product_change", args=[3]) in links
    assert "4" not in links
    assert subject_links({"product": "../3"}) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 ms"), (0.0204, "20 ms"), (1.25, "1.2 s"), (119, "119.0 s"), (3725, "1:02:05")]
)
def test_durations_are_written_in_a_fitting_unit(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text.replace(" ", "\N{NO-BREAK SPACE}")
