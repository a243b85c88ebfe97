"""Schedules in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from jobs.models import Audit, Job, Schedule
from jobs.schedules import fire_due_schedules

SCHEDULES = "/admin/jobs/schedule/"
FORM = {
    "name": "nightly", "task": "act", "payload": "{}", "tenant": "", "priority": "2", "crontab": "30  3 * * *",
    "every_s": "", "time_zone": "Europe/Berlin", "catch_up": "one", "is_enabled": "on", "reason": "Asked for.",
}  # fmt: skip


@pytest.fixture
def office(db: None) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))
    return client


def make_schedule(**fields: Any) -> Schedule:
    defaults = {"name": "nightly", "task": "act", "crontab": "30 3 * * *", "time_zone": "Europe/Berlin"}
    return Schedule.objects.create(**(defaults | fields))


def test_a_schedule_is_created_with_its_next_time_and_an_audit_row(office: Client) -> None:
    answer = office.post(f"{SCHEDULES}add/", FORM, follow=True)
    assert "Runs next at" in answer.content.decode()
    schedule = Schedule.objects.get()
    assert (schedule.crontab, schedule.time_zone, schedule.payload) == ("30 3 * * *", "Europe/Berlin", {})
    assert schedule.next_run_at > timezone.now()
    entry = Audit.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("ada", "create schedule", "Asked for.")


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"crontab": "61 * * * *"}, "crontab", "This is no crontab: [61 * * * *] is not acceptable, out of range."),
        ({"crontab": "0 3 * *"}, "crontab", "this one has 4"),
        ({"crontab": ""}, "crontab", "Give a crontab or an interval: one of the two."),
        ({"every_s": "60"}, "crontab", "Give a crontab or an interval: one of the two."),
        ({"crontab": "", "every_s": "0"}, "every_s", "An interval is at least one second."),
        ({"time_zone": "Europe/Berln"}, "time_zone", "Did you mean Europe/Berlin?"),
        ({"task": "gone"}, "task", "gone is not one of the available choices"),
        ({"payload": "[1]"}, "payload", "A payload is a JSON object"),
        ({"reason": ""}, "reason", "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_only_there(
    office: Client, wrong: dict[str, str], field: str, says: str
) -> None:
    answer = office.post(f"{SCHEDULES}add/", FORM | wrong)
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert says in errors[field][0]
    assert not Schedule.objects.exists()


def test_a_name_is_taken_once(office: Client) -> None:
    make_schedule()
    answer = office.post(f"{SCHEDULES}add/", FORM)
    assert "already exists" in answer.context["adminform"].form.errors["name"][0]


def test_the_page_shows_the_next_five_times_in_the_schedules_zone(office: Client) -> None:
    page = office.get(f"{SCHEDULES}{make_schedule().pk}/change/").content.decode()
    assert page.count(" 03:30:00 CE") == 5
    assert '<option value="Asia/Kathmandu">' in page


def test_new_times_are_saved_and_count_from_now(office: Client) -> None:
    schedule = make_schedule(next_run_at=timezone.now() - timedelta(days=9))
    changed = {field: value for field, value in FORM.items() if field != "name"} | {"crontab": "0 0 1 1 *"}
    office.post(f"{SCHEDULES}{schedule.pk}/change/", changed)
    schedule.refresh_from_db()
    assert schedule.crontab == "0 0 1 1 *"
    assert schedule.next_run_at > timezone.now()
    assert Audit.objects.get().reason == "Asked for. (crontab: 30 3 * * * → 0 0 1 1 *)"


def test_a_schedule_is_run_from_its_page_with_a_reason(office: Client) -> None:
    schedule = make_schedule()
    address = f"{SCHEDULES}{schedule.pk}/run/"
    assert address in office.get(f"{SCHEDULES}{schedule.pk}/change/").content.decode()
    assert "One job is enqueued now" in office.get(address).content.decode()
    assert not Job.objects.exists()
    answer = office.post(address, {"reason": "Once more."})
    assert (answer.status_code, answer.url) == (302, f"{SCHEDULES}{schedule.pk}/change/")
    job = Job.objects.get()
    assert job.meta["by"] == "ada"
    assert Audit.objects.get().reason == "Once more."
    assert f"/admin/jobs/job/{job.pk}/change/" in office.get(SCHEDULES).content.decode()


def test_selected_schedules_are_disabled_and_enabled_with_a_reason(office: Client) -> None:
    schedules = [make_schedule(name=name) for name in ("a", "b")]
    form = {"_selected_action": [schedule.pk for schedule in schedules], "reason": "A pause."}
    office.post(SCHEDULES, form | {"action": "disable_selected"})
    assert not Schedule.objects.filter(is_enabled=True).exists()
    assert "by ada: A pause." in office.get(SCHEDULES).content.decode()
    again = office.post(SCHEDULES, form | {"action": "disable_selected"}, follow=True)
    assert "a was disabled already." in again.content.decode()
    office.post(SCHEDULES, form | {"action": "enable_selected"})
    assert Schedule.objects.filter(is_enabled=True, next_run_at__gt=timezone.now()).count() == 2
    assert Audit.objects.count() == 4


def test_one_that_the_dispatcher_disabled_says_why_and_cannot_be_enabled_as_it_is(office: Client) -> None:
    schedule = make_schedule(task="gone", next_run_at=timezone.now())
    fire_due_schedules()
    assert "no task is named &#x27;gone&#x27;" in office.get(SCHEDULES).content.decode()
    page = f"{SCHEDULES}{schedule.pk}/"
    assert office.get(f"{page}change/").status_code == 200
    for action in ("enable", "run"):
        answer = office.post(f"{page}{action}/", {"reason": "Try."}, follow=True)
        assert "is named &#x27;gone&#x27;" in answer.content.decode()
    schedule.refresh_from_db()
    assert not schedule.is_enabled
    assert not Job.objects.exists()


def test_what_comes_with_the_code_is_not_deleted(office: Client) -> None:
    declared, own = make_schedule(name="declared", is_declared=True), make_schedule(name="own")
    confirmed = {"post": "yes", "action": "delete_selected", "_selected_action": [declared.pk, own.pk]}
    assert office.post(f"{SCHEDULES}{declared.pk}/delete/", {"post": "yes"}).status_code == 403
    office.post(SCHEDULES, confirmed)
    assert Schedule.objects.count() == 2
    office.post(SCHEDULES, confirmed | {"_selected_action": [own.pk]})
    assert Schedule.objects.get() == declared
    assert Audit.objects.get().action == "delete schedule"


def test_who_may_only_look_sees_it_all_and_changes_nothing(db: None) -> None:
    schedule = make_schedule(is_enabled=False)
    reader = User.objects.create_user("bob", password="a long password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_schedule"))
    client = Client()
    client.force_login(reader)
    page = client.get(f"{SCHEDULES}{schedule.pk}/change/").content.decode()
    assert page.count(" 03:30:00 CE") == 5
    assert "Run now" not in page
    assert client.post(f"{SCHEDULES}{schedule.pk}/run/", {"reason": "No."}).status_code == 403
    client.post(f"{SCHEDULES}{schedule.pk}/change/", FORM)
    assert not Job.objects.exists()
    assert not Audit.objects.exists()
