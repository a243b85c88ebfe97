"""`manage.py schedules`: the same acts, from a terminal."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs.models import Audit, Job, Schedule
from jobs.schedules import fire_due_schedules

pytestmark = pytest.mark.django_db


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("schedules", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_command_sets_lists_runs_disables_and_enables(capsys: pytest.CaptureFixture[str]) -> None:
    why = ("--reason", "To see.")
    made = command(capsys, "set", "nightly", "--task", "act", "--crontab", "30 3 * * *", "--time-zone", "Europe/Berlin",
                   "--payload", '{"subject": "n"}', "--priority", "low", "--catch-up", "skip", *why)  # fmt: skip
    assert made["next_runs"][0] == made["next_run_at"]
    assert len(made["next_runs"]) == 5
    assert (made["payload"], made["priority"], made["catch_up"]) == ({"subject": "n"}, "low", "skip")
    assert command(capsys, "list") == [made]
    ran = command(capsys, "run", "nightly", *why)
    assert Job.objects.get().pk == ran["last_job_id"]
    stopped = command(capsys, "disable", "nightly", *why)
    assert (stopped["is_enabled"], stopped["next_runs"]) == (False, [])
    assert stopped["disabled_because"].endswith(": To see.")
    assert command(capsys, "enable", "nightly", *why)["is_enabled"]
    changed = command(capsys, "set", "nightly", "--every", "600", *why)
    assert (changed["crontab"], changed["every_s"], changed["priority"]) == ("", 600, "low")
    assert sorted(Audit.objects.values_list("action", flat=True)) == [
        "change schedule",
        "create schedule",
        "disable schedule",
        "enable schedule",
        "run schedule",
    ]


def test_the_command_speaks_to_people_too(capsys: pytest.CaptureFixture[str]) -> None:
    due_at = timezone.now() - timedelta(seconds=30)
    Schedule.objects.create(name="hourly", task="gone", every_s=3600, created_at=due_at, next_run_at=due_at)
    fire_due_schedules()
    call_command("schedules", "list")
    assert "hourly was disabled by dispatcher: It could not be run" in capsys.readouterr().out
    call_command("schedules", "set", "hourly", "--task", "act", "--reason", "Mended.")
    assert capsys.readouterr().out == "hourly changed; next run –\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "nothing"), "no schedule is named 'nothing'"),
        (("set", "x", "--task", "act", "--crontab", "61 * * * *"), "out of range"),
        (("set", "x", "--task", "gone", "--every", "60"), "No task is named 'gone'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("schedules", *arguments, "--reason", "To see.")
