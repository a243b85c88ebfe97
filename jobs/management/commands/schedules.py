"""`manage.py schedules`."""

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from jobs.audit import ReasonMissing
from jobs.models import Priority, Schedule
from jobs.registry import UnknownTask
from jobs.schedules import (
    InvalidSchedule,
    coming_runs,
    create_declared_schedules,
    disable_schedule,
    enable_schedule,
    reason_for_disabling,
    run_schedule_now,
    save_schedule,
)

SHOWN_RUNS = 5
SETTINGS = ("task", "payload", "tenant", "priority", "crontab", "every_s", "time_zone", "catch_up")


class Command(BaseCommand):
    """List, run, enable, disable and set schedules."""

    help = (
        "For operators: lists the schedules (jobs that are enqueued at set times), runs one now, enables or disables "
        "it, or creates and changes it. What you do is kept in the audit log, with your reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="all schedules, with their next times")
        listing.add_argument("--json", action="store_true", help="a JSON array")
        for verb, text in (
            ("run", "enqueue one run now"),
            ("enable", "run from the next time on"),
            ("disable", "enqueue no more"),
        ):
            self._add_verb(verbs.add_parser(verb, help=text))
        setting = verbs.add_parser("set", help="create a schedule, or change what is given")
        self._add_verb(setting)
        setting.add_argument("--task", help="what to enqueue")
        setting.add_argument("--payload", type=json.loads, help="a JSON object")
        setting.add_argument("--tenant", help="whom the jobs are for")
        setting.add_argument("--priority", choices=[priority.name.lower() for priority in Priority])
        setting.add_argument("--crontab", help="like '30 3 * * 1'; replaces an interval")
        setting.add_argument("--every", dest="every_s", type=int, metavar="S", help="seconds; replaces a crontab")
        setting.add_argument("--time-zone", help="of the crontab, like Europe/Berlin")
        setting.add_argument("--catch-up", choices=Schedule.CatchUp.values, help="what to do about missed times")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        create_declared_schedules()
        if options["verb"] == "list":
            self._list(as_json=options["json"])
            return
        try:
            done = self._act(options)
        except InvalidSchedule as error:
            raise CommandError("\n".join(error.problems.values())) from error
        except (UnknownTask, ReasonMissing, Schedule.DoesNotExist) as error:
            raise CommandError(str(error)) from error
        schedule = Schedule.objects.get(name=options["name"])
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(schedule)))
        else:
            self.stdout.write(f"{schedule.name} {done}; next run {_next_text(schedule)}")

    def _add_verb(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the schedule's name")
        parser.add_argument("--reason", required=True, help="kept in the audit log")
        parser.add_argument("--actor", default=getpass.getuser(), help="who, for the audit log (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="the schedule afterwards, as a JSON object")

    def _act(self, options: dict[str, Any]) -> str:
        name, note = options["name"], {"actor": options["actor"], "reason": options["reason"]}
        schedule = Schedule.objects.filter(name=name).first()
        if options["verb"] == "set":
            save_schedule(_changed(schedule or Schedule(name=name), options), **note)
            return "changed" if schedule else "created"
        if schedule is None:
            raise Schedule.DoesNotExist(f"no schedule is named {name!r}")
        if options["verb"] == "run":
            return f"started as job {run_schedule_now(schedule, **note).job_id}"
        if options["verb"] == "enable":
            return "enabled" if enable_schedule(schedule, **note) else "was enabled already"
        return "disabled" if disable_schedule(schedule, **note) else "was disabled already"

    def _list(self, *, as_json: bool) -> None:
        schedules = list(Schedule.objects.all())
        if as_json:
            self.stdout.write(json.dumps([_as_json(schedule) for schedule in schedules]))
            return
        table = Table(title="Schedules")
        for column in ("name", "task", "runs", "next run", "last run", "state"):
            table.add_column(column)
        for schedule in schedules:
            runs = f"{schedule.crontab} {schedule.time_zone}" if schedule.crontab else f"every {schedule.every_s} s"
            last = f"{schedule.last_run_at:%Y-%m-%d %H:%M:%S}" if schedule.last_run_at else "–"
            state = "enabled" if schedule.is_enabled else "disabled"
            table.add_row(schedule.name, schedule.task, runs, _next_text(schedule), last, state)
        console = Console()
        console.print(table)
        for schedule in schedules:
            if reason := reason_for_disabling(schedule):
                console.print(f"{schedule.name} was disabled {reason}", markup=False)


def _changed(schedule: Schedule, options: dict[str, Any]) -> Schedule:
    given = {field: options[field] for field in SETTINGS if options[field] is not None}
    if "priority" in given:
        given["priority"] = Priority[given["priority"].upper()]
    if "crontab" in given:
        given.setdefault("every_s", None)
    elif "every_s" in given:
        given["crontab"] = ""
    for field, value in given.items():
        setattr(schedule, field, value)
    return schedule


def _next_text(schedule: Schedule) -> str:
    return f"{schedule.next_run_at:%Y-%m-%d %H:%M:%S %Z}" if schedule.next_run_at else "–"


def _as_json(schedule: Schedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "task": schedule.task,
        "payload": schedule.payload,
        "tenant": schedule.tenant,
        "priority": Priority(schedule.priority).name.lower(),
        "crontab": schedule.crontab,
        "every_s": schedule.every_s,
        "time_zone": schedule.time_zone,
        "catch_up": schedule.catch_up,
        "is_enabled": schedule.is_enabled,
        "is_declared": schedule.is_declared,
        "disabled_because": reason_for_disabling(schedule),
        "next_run_at": schedule.next_run_at and schedule.next_run_at.isoformat(),
        "next_runs": [run.isoformat() for run in coming_runs(schedule, count=SHOWN_RUNS)]
        if schedule.is_enabled
        else [],
        "last_run_at": schedule.last_run_at and schedule.last_run_at.isoformat(),
        "last_job_id": schedule.last_job_id,
    }
