"""`manage.py stack`: everything that Souk needs, as real processes of this machine."""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.stack.postgres import launched
from marketplace.stack.rendezvous import is_supervised, running_stack
from marketplace.stack.services import StackError
from marketplace.stack.supervisor import PARTS, Plan, StackIsRunning, supervise

GUEST_DEADLINE_S = 180.0
EPILOG = """\
With none of DATABASE_URL, REDIS_URL, MILVUS_URI set, the stack runs its own PostgreSQL, Redis and Milvus Lite;
with one of them set, it uses what that names. All data, logs (log/) and addresses (stack.json) are under
VAR_DIR (var/ by default), and any other command finds a running stack of the same VAR_DIR by itself.

  manage.py stack                                        everything, until Ctrl-C
  manage.py stack --only redis,postgres,milvus           the services alone, for development
  manage.py stack --workers scrape-product=2,preview=1   two worker processes for one queue, one for another
  manage.py stack --status --json                        what runs (exit status 1: nothing does)
  manage.py stack --run "manage.py search lamp --json"   one command inside the stack
"""

DEFAULT_WORKERS = "process-images=2"
# Queues with little to do share a worker on one machine, each of which costs 1.5 s to start and 100 MB.
SHARED_WORKERS = {
    "quick": ("preview", "notify-seller", "deliver-webhook", "generate-business-embedding"),
    "slow": ("scraping", "ai-generation", "photo-processing"),
}


class Command(BaseCommand):
    """Start the stack, ask after it, or run one command inside it."""

    help = "Run PostgreSQL, Redis, Milvus, web, dispatcher and workers on this machine. For developers and demos."
    requires_system_checks = []
    stealth_options = ("quiet",)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the examples."""
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what may be asked for."""
        parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"some of: {','.join(PARTS)}")
        parser.add_argument(
            "--workers",
            default=DEFAULT_WORKERS,
            metavar="QUEUE=N,...",
            help=(
                "worker processes of a queue (default: %(default)s, the stage that computes most); of those not named "
                + "; ".join(f"{', '.join(queues)} share one, worker-{name}" for name, queues in SHARED_WORKERS.items())
                + "; each other has one"
            ),
        )
        parser.add_argument("--status", action="store_true", help="show what runs; exit status 1 when nothing does")
        parser.add_argument("--json", action="store_true", help="with --status: for machines")
        parser.add_argument(
            "--run",
            metavar="COMMAND",
            help="run COMMAND inside the stack, started for it when it is down; exit with its status",
        )
        parser.add_argument("--quiet", action="store_true", help="keep log lines in files, off the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the one thing asked for."""
        if options["status"]:
            self._show_status(as_json=options["json"])
            return
        plan = self._plan(options)
        try:
            if options["run"] and is_supervised(settings.VAR_DIR):
                sys.exit(_run_as_guest(list(plan.command)))
            sys.exit(supervise(plan))
        except StackIsRunning as error:
            raise CommandError(f"{error}; `manage.py stack --status` shows it") from error
        except StackError as error:
            raise CommandError(str(error)) from error

    def _plan(self, options: dict[str, Any]) -> Plan:
        parts = [part.strip() for part in options["only"].split(",") if part.strip()]
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise CommandError(f"--only knows no {', '.join(sorted(unknown))}; it knows {', '.join(PARTS)}")
        is_quiet = options["quiet"] or bool(options["run"])
        return Plan(
            var_dir=settings.VAR_DIR,
            base_dir=settings.BASE_DIR,
            parts=parts,
            queues=settings.JOB_QUEUES,
            workers=_counts(options["workers"]),
            shared_workers=SHARED_WORKERS,
            external=settings.EXTERNAL_SERVICES,
            environ=_outer_environ(),
            echo=None if is_quiet else sys.stdout,
            news=None if options["quiet"] else sys.stderr,
            command=_resolved(options["run"]) if options["run"] else (),
        )

    def _show_status(self, *, as_json: bool) -> None:
        state = running_stack(settings.VAR_DIR)
        if as_json:
            shown = {
                name: value for name, value in (state or {}).items() if name != "env"
            }  # passwords stay in the file
            self.stdout.write(json.dumps({"running": state is not None, **shown}))
        elif state is None:
            self.stdout.write(f"no stack is running in {settings.VAR_DIR}")
        else:
            self.stdout.write(f"stack of {settings.VAR_DIR}, pid {state['pid']}, since {state['started_at']}")
            self.stdout.write(f"web: {state['web_url'] or 'not started'}")
            for name, entry in state["processes"].items():
                port = f"port {entry['port']}" if entry["port"] else ""
                self.stdout.write(
                    f"  {name:<27} {entry['status']:<11} pid {entry['pid'] or '-':<8} "
                    f"restarts {entry['restarts']:<4} {port}".rstrip()
                )
        if state is None:
            sys.exit(1)


def _outer_environ() -> dict[str, str]:
    """Return our environment without the addresses that the settings have put there for this process."""
    made = {"DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI"} - set(settings.EXTERNAL_SERVICES)
    return {name: value for name, value in os.environ.items() if name not in made}


def _counts(text: str) -> dict[str, int]:
    counts = {}
    for part in filter(None, text.split(",")):
        queue, _, number = part.partition("=")
        if not number.isdigit():
            raise CommandError(f"--workers: {part!r} is not QUEUE=N")
        counts[queue.strip()] = int(number)
    return counts


def _resolved(command: str) -> list[str]:
    """Split a command line; manage.py, python and pytest mean those of this interpreter and checkout."""
    program, *arguments = shlex.split(command)
    if program in ("manage.py", "./manage.py"):
        return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    if program == "python":
        return [sys.executable, *arguments]
    if program == "pytest":
        return [sys.executable, "-m", "pytest", *arguments]
    return [program, *arguments]


def _run_as_guest(command: list[str]) -> int:
    """Run a command inside a stack that somebody else keeps up."""
    deadline = time.monotonic() + GUEST_DEADLINE_S
    while not (state := running_stack(settings.VAR_DIR)) or not state["ready"]:
        if time.monotonic() > deadline or not is_supervised(settings.VAR_DIR):
            raise StackError(f"the stack of {settings.VAR_DIR} did not become ready")
        time.sleep(0.1)  # between two looks at its file
    environ = _outer_environ() | {"VAR_DIR": str(settings.VAR_DIR)}
    if not settings.EMBEDDED:
        environ |= state["env"]
    process = subprocess.Popen(launched(command), env=environ)  # noqa: S603 - the caller's own command line
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command as well
    code = process.wait()
    return code if code >= 0 else 128 - code
