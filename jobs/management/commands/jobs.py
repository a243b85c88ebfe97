"""`manage.py jobs`: what operators may do, from a terminal."""

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from jobs import bulk, control
from jobs.api.directory_serializers import JobReportSerializer
from jobs.api.staff_serializers import StaffJobSerializer
from jobs.audit import ReasonMissing
from jobs.cancellation import AlreadyFinal, Cancelled, cancel_job, cancel_matching, cancel_tree
from jobs.control import Held
from jobs.models import Gate, Job, Priority, State, TaskSwitch
from jobs.registry import UnknownTask
from jobs.selection import JobFilter, LetterFilter, jobs_matching

PRIORITIES = [priority.name.lower() for priority in Priority]
REFUSALS = (
    AlreadyFinal,
    Gate.DoesNotExist,
    Job.DoesNotExist,
    ReasonMissing,
    UnknownTask,
    bulk.NothingToRetry,
    control.NotLive,
    control.NotRetryable,
    control.UnknownQueue,
)
EPILOG = """
examples:
  manage.py jobs pause queue index-product --reason "Milvus is being moved"
  manage.py jobs list --state dead --task scrape-product
  manage.py jobs cancel --tenant 7 --reason "wrong catalog"
  manage.py jobs retry --letters --error-code catalog.fetch_timeout --reason "the shop is back"
"""

Answer = dict[str, Any]


class Command(BaseCommand):
    """Do to queues, tasks, tenants, gates and jobs what operators may do."""

    help = (
        "For operators: pause, resume, cancel, retry, prioritise, clean, switch, pace, list and show. "
        "Each change asks for a reason and leaves an audit row."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Add examples to --help."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.epilog = EPILOG
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare one subcommand for each thing that can be done."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, effect in (("pause", "let no job of it start any more"), ("resume", "let its jobs start again")):
            one = _changing(verbs.add_parser(verb, help=effect))
            one.add_argument("kind", choices=[str(kind) for kind in Held])
            one.add_argument("name")
        cancel = _changing(_choosing(verbs.add_parser("cancel", help="cancel one job, or all that match")))
        cancel.add_argument("--tree", action="store_true", help="with JOB: also all that came of it")
        retry = _changing(_choosing(verbs.add_parser("retry", help="try a job again, or all dead letters that match")))
        retry.add_argument("--letters", action="store_true", help="all open dead letters that match, in the background")
        retry.add_argument("--rate-per-s", type=float, default=bulk.RATE_PER_S, help="with --letters")
        retry.add_argument("--canary", type=int, default=bulk.CANARY, help="with --letters: how many go first")
        prioritise = _choosing(
            verbs.add_parser("prioritise", help="change the priority of one job, or of all that match")
        )
        _changing(prioritise).add_argument("--to", required=True, choices=PRIORITIES, help="the new priority")
        clean = _changing(verbs.add_parser("clean", help="delete jobs that were completed long ago"))
        clean.add_argument("--older-than-days", type=float, required=True)
        switch = _changing(verbs.add_parser("switch", help="switch a task on, off or to its inline path"))
        switch.add_argument("task")
        switch.add_argument("mode", choices=TaskSwitch.Mode.values)
        gate = _changing(verbs.add_parser("gate", help="set staff's pace of a gate, or remove it"))
        gate.add_argument("key")
        gate.add_argument("--rate-per-s", type=float, help="without it the declared pace holds again")
        gate.add_argument("--burst", type=float)
        listing = _choosing(verbs.add_parser("list", help="list jobs, newest first"))
        listing.add_argument("--limit", type=int, default=50)
        show = verbs.add_parser("show", help="show one job with its attempts and its log")
        show.add_argument("job", type=int)
        for one in verbs.choices.values():
            one.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked, and say in one line what was done."""
        act: Callable[[dict[str, Any]], Answer] = getattr(self, f"_{options['verb']}")
        try:
            answer = act(options)
        except REFUSALS as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(answer, default=str))
        else:
            self._print(answer)

    def _print(self, answer: Answer) -> None:
        if "jobs" in answer:
            Console().print(_table(answer["jobs"]))
        elif "said" in answer:
            self.stdout.write(answer["said"])
        else:
            Console().print_json(json.dumps(answer, default=str))

    def _pause(self, options: dict[str, Any]) -> Answer:
        return self._hold(options, control.pause, is_paused=True)

    def _resume(self, options: dict[str, Any]) -> Answer:
        return self._hold(options, control.resume, is_paused=False)

    def _hold(self, options: dict[str, Any], act: Any, *, is_paused: bool) -> Answer:
        kind, name = Held(options["kind"]), options["name"]
        act(kind, name, **_why(options))
        state = "paused" if is_paused else "served again"
        return {"kind": str(kind), "name": name, "is_paused": is_paused, "said": f"{kind} {name} is {state}"}

    def _cancel(self, options: dict[str, Any]) -> Answer:
        if options["job"] is not None:
            cancel = cancel_tree if options["tree"] else cancel_job
            return _cancelled(cancel(options["job"], **_why(options)))
        wanted = _wanted(options)
        return _cancelled(cancel_matching(jobs_matching(wanted), matching=wanted.as_json(), **_why(options)))

    def _retry(self, options: dict[str, Any]) -> Answer:
        if options["letters"]:
            wanted = LetterFilter(**{name: options[name] or "" for name in ("task", "tenant", "error_code")})
            started = bulk.start_bulk_retry(
                wanted, rate_per_s=options["rate_per_s"], canary=options["canary"], **_why(options)
            )
            said = f"bulk retry {started.pk} begins: {started.total} dead letters, {started.canary} of them first"
            return {"bulk_retry": started.pk, "total": started.total, "said": said}
        if options["job"] is None:
            raise CommandError("name a job, or give --letters with --task, --tenant or --error-code")
        job_id = control.retry_job(options["job"], **_why(options)).job_id
        return {
            "job": job_id,
            "retry_of": options["job"],
            "said": f"job {options['job']} is tried again as job {job_id}",
        }

    def _prioritise(self, options: dict[str, Any]) -> Answer:
        priority = Priority[options["to"].upper()]
        if options["job"] is not None:
            control.prioritise_job(options["job"], priority, **_why(options))
            count = 1
        else:
            wanted = _wanted(options)
            jobs = jobs_matching(wanted)
            count = control.prioritise_matching(jobs, priority, matching=wanted.as_json(), **_why(options))
        return {"count": count, "priority": options["to"], "said": f"{count} made {options['to']}"}

    def _clean(self, options: dict[str, Any]) -> Answer:
        before = timezone.now() - timedelta(days=options["older_than_days"])
        count = control.clean_completed(before=before, **_why(options))
        return {"count": count, "before": before, "said": f"{count} completed jobs deleted"}

    def _switch(self, options: dict[str, Any]) -> Answer:
        control.switch_task(options["task"], TaskSwitch.Mode(options["mode"]), **_why(options))
        return {
            "task": options["task"],
            "mode": options["mode"],
            "said": f"task {options['task']} is {options['mode']}",
        }

    def _gate(self, options: dict[str, Any]) -> Answer:
        key, rate_per_s = options["key"], options["rate_per_s"]
        if rate_per_s is None:
            control.remove_pace_override(key, **_why(options))
            return {"key": key, "rate_per_s": None, "said": f"gate {key}: the declared pace holds again"}
        if rate_per_s <= 0 or (options["burst"] is not None and options["burst"] < 1):
            raise CommandError("a pace is above 0 and a burst at least 1; to stop a gate, pause it")
        control.override_pace(key, rate_per_s=rate_per_s, burst=options["burst"], **_why(options))
        return {"key": key, "rate_per_s": rate_per_s, "said": f"gate {key}: {rate_per_s:g} a second"}

    def _list(self, options: dict[str, Any]) -> Answer:
        jobs = jobs_matching(_filter(options))
        if options["job"] is not None:
            jobs = jobs.filter(pk=options["job"])
        return {"jobs": [dict(StaffJobSerializer(job).data) for job in jobs[: max(1, options["limit"])]]}

    def _show(self, options: dict[str, Any]) -> Answer:
        job = Job.objects.select_related("worker").prefetch_related("attempts").get(pk=options["job"])
        return dict(JobReportSerializer(job).data)


def _changing(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--reason", required=True, help="why; kept in the audit log")
    parser.add_argument("--actor", default=getpass.getuser(), help="who, for the audit log (default: %(default)s)")
    return parser


def _choosing(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("job", type=int, nargs="?", help="a job's id; else say which by the options")
    parser.add_argument("--state", choices=State.values)
    parser.add_argument("--task")
    parser.add_argument("--queue")
    parser.add_argument("--tenant")
    parser.add_argument("--group")
    parser.add_argument("--priority", choices=PRIORITIES)
    parser.add_argument("--error-code")
    return parser


def _why(options: dict[str, Any]) -> dict[str, Any]:
    return {"actor": options["actor"], "reason": options["reason"]}


def _filter(options: dict[str, Any]) -> JobFilter:
    names = ("state", "task", "queue", "tenant", "group", "error_code")
    texts: dict[str, Any] = {name: options[name] or "" for name in names}
    return JobFilter(**texts, priority=Priority[options["priority"].upper()] if options["priority"] else None)


def _wanted(options: dict[str, Any]) -> JobFilter:
    wanted = _filter(options)
    if not wanted.as_json():
        raise CommandError("name a job, or say which by --state, --task, --queue, --tenant, --group or --error-code")
    return wanted


def _cancelled(done: Cancelled) -> Answer:
    said = f"{done.ended} cancelled, {done.marked} running ones will end as cancelled"
    return {"cancelled": done.ended, "cancelling": done.marked, "said": said}


def _table(jobs: list[dict[str, Any]]) -> Table:
    table = Table()
    for column in ("id", "task", "state", "priority", "tenant", "attempts", "enqueued", "failure"):
        table.add_column(column)
    for job in jobs:
        table.add_row(
            str(job["id"]),
            job["task"],
            job["state"],
            job["priority"],
            job["tenant"] or "–",
            f"{job['attempts_made']} of {job['max_attempts']}",
            str(job["enqueued_at"])[:19],
            job["failure"]["code"] if job["failure"] else "–",
        )
    return table
