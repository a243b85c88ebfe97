"""rq-dashboard behind the admin's login, on a real Redis."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from rq import Queue
from rq.serializers import JSONSerializer

from jobs.models import Audit


@pytest.fixture
def queue() -> Iterator[Queue]:
    """A queue with one job, as RQ keeps it."""
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.flushdb()  # workers that other tests have killed leave records that no page bears
        made = Queue("dashboard-test", connection=connection, serializer=JSONSerializer)
        made.enqueue("jobs.permits.work", "dashboard-test")
        yield made
        made.delete(delete_jobs=True)


def test_strangers_are_sent_to_the_login(db: None) -> None:
    for path in ("", "0/data/queues.json", "requeue/x"):
        answer = Client().get(f"/admin/rq/{path}")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_users_who_are_no_staff_are_sent_to_the_login(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("sam", password="a long password"))
    assert client.get("/admin/rq/").status_code == 302


def test_staff_see_the_queues(back_office: Client, queue: Queue) -> None:
    page = back_office.get("/admin/rq/")
    assert page.status_code == 200
    assert "/admin/rq/0/view/workers" in page.content.decode()
    assert "Souk admin" in page.content.decode()
    queues = {
        found["name"]: found["count"] for found in back_office.get("/admin/rq/0/data/queues.json").json()["queues"]
    }
    assert queues["dashboard-test"] == 1


def test_its_pages_and_its_own_files_are_found(back_office: Client, queue: Queue) -> None:
    job_id = queue.job_ids[0]
    for path in (
        "0/view/jobs",
        "0/view/workers",
        f"0/view/job/{job_id}",
        f"0/data/job/{job_id}.json",
        "0/data/workers.json",
        "0/data/jobs/dashboard-test/queued/8/asc/1.json",
        "static/css/main.css",
    ):
        answer = back_office.get(f"/admin/rq/{path}")
        assert (path, answer.status_code) == (path, 200)


def test_it_works_under_asgi(staff: User, queue: Queue) -> None:
    client = AsyncClient()
    async_to_sync(client.aforce_login)(staff)
    answer = async_to_sync(client.get)("/admin/rq/0/data/queues.json")
    assert answer.status_code == 200
    assert "dashboard-test" in {found["name"] for found in answer.json()["queues"]}


def test_a_job_that_is_gone_and_a_redis_that_is_not_there_are_404(back_office: Client) -> None:
    assert back_office.get("/admin/rq/0/view/job/nothing").status_code == 404
    assert back_office.get("/admin/rq/1/view/queues").status_code == 404


def test_requeueing_on_get_is_refused(back_office: Client, queue: Queue) -> None:
    assert back_office.get("/admin/rq/requeue/dashboard-test").status_code == 405
    assert not Audit.objects.exists()


def test_a_change_needs_the_token_that_the_page_sets(staff: User, queue: Queue) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert client.post("/admin/rq/requeue/dashboard-test").status_code == 403
    cookie = client.get("/admin/rq/").cookies["_csrf_token"]
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == ("/admin/rq/", "Strict", "")
    answer = client.post("/admin/rq/requeue/dashboard-test", headers={"x-csrftoken": cookie.value})
    assert answer.json() == {"status": "OK", "count": 0}
    entry = Audit.objects.get()
    assert (entry.actor, entry.action, entry.subject) == ("ada", "rq-dashboard POST", "/requeue/dashboard-test")


def test_deleting_is_disabled_and_audited(back_office: Client, queue: Queue) -> None:
    answer = back_office.post(f"/admin/rq/job/{queue.job_ids[0]}/delete")
    assert answer.json() == {"status": "DISABLED"}
    assert len(queue.job_ids) == 1
    assert Audit.objects.count() == 1


def test_staff_who_may_not_change_jobs_only_look(db: None, queue: Queue, settings: Any) -> None:
    client = Client()
    client.force_login(User.objects.create_user("vera", password="a long password", is_staff=True))
    assert client.get("/admin/rq/").status_code == 200
    assert client.post("/admin/rq/requeue/dashboard-test").status_code == 403
    assert not Audit.objects.exists()
