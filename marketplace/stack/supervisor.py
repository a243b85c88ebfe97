"""The supervisor of the embedded stack: starts all in order, keeps all alive, stops all in reverse."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from marketplace.stack import orphans
from marketplace.stack.postgres import launched, postgres_service
from marketplace.stack.processes import Log, Supervised, ended
from marketplace.stack.rendezvous import lock_file, stack_file, write_private
from marketplace.stack.services import (
    HOST,
    Ports,
    Service,
    StackError,
    dispatcher_service,
    milvus_service,
    redis_service,
    web_service,
    worker_services,
)

SERVICES = {
    "postgres": ("DATABASE_URL", postgres_service),
    "redis": ("REDIS_URL", redis_service),
    "milvus": ("MILVUS_URI", milvus_service),
}
OWN_PROCESSES = ("web", "dispatcher", "workers")
PARTS = (*SERVICES, *OWN_PROCESSES)
LOCK_DEADLINE_S = 2.0
COMMAND_GRACE_S = 20.0


class StackIsRunning(StackError):
    """Another supervisor holds this var folder."""

    code = "stack.running"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to start, where, and for whom."""

    var_dir: Path
    base_dir: Path
    parts: Sequence[str]
    queues: Sequence[str]
    workers: Mapping[str, int] = field(default_factory=dict)
    shared_workers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    external: Mapping[str, str] = field(default_factory=dict)  # services that somebody else runs
    environ: Mapping[str, str]  # what the processes inherit
    echo: TextIO | None = None  # where the processes' log lines are shown
    news: TextIO | None = None  # where the supervisor's own are
    command: Sequence[str] = ()  # run this once all is up, then stop


@contextlib.contextmanager
def held_lock(var_dir: Path) -> Iterator[None]:
    """Hold var_dir against a second supervisor; the lock goes when this process does, however it ends."""
    var_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file(var_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_DEADLINE_S  # readers hold it for an instant while they look
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise StackIsRunning(f"a stack is already running in {var_dir}") from error
                time.sleep(0.02)  # flock has no timeout of its own
        yield
    finally:
        os.close(descriptor)


def supervise(plan: Plan) -> int:
    """Run the stack until a signal or its command ends it; returns the exit status.

    Raises:
        StackIsRunning: var_dir has a supervisor.
        StackError: something did not start.
    """
    with held_lock(plan.var_dir):
        orphans.adopt_orphans()
        return asyncio.run(Supervisor(plan).run())


class Supervisor:
    """One run of the stack."""

    def __init__(self, plan: Plan) -> None:
        """Prepare the folders; nothing is started yet."""
        self._plan = plan
        self._logs = plan.var_dir / "log"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._ports = Ports(plan.var_dir / "stack-ports.json")
        self._members: list[Supervised] = []
        self._migration: Supervised | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self._env: dict[str, str] = {}
        self._web_url = ""
        self._is_ready = self._is_published = False
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._stop = asyncio.Event()
        self._signal = 0
        self._command: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Start, serve, stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        self._end_leftovers()
        reaper = asyncio.create_task(self._reap())
        started = time.monotonic()
        try:
            if not await self._start_all():
                return 128 + self._signal
            self._say(f"ready in {time.monotonic() - started:.1f} s{', ' + self._web_url if self._web_url else ''}")
            if self._plan.command:
                return await self._run_command()
            await self._until_stopped_or_failed()
            return 0
        finally:
            await self._stop_all()
            reaper.cancel()
            orphans.kill_descendants()
            stack_file(self._plan.var_dir).unlink(missing_ok=True)

    # --- starting ---------------------------------------------------------------------------------
    async def _start_all(self) -> bool:
        """Bring everything up in order; False when a signal came in between."""
        plan = self._plan
        services = []
        for name, (variable, describe) in SERVICES.items():
            if name in plan.parts and variable not in plan.external:
                service, variables = describe(plan.var_dir, self._ports)
                services.append(service)
                self._env |= variables
        self._env |= plan.external
        if not await self._bring_up(services):
            return False
        own = self._own_processes()  # first, so that they find where the web process will be
        self._is_published = True
        self._publish()
        if own and not await self._migrate():
            return False
        if not await self._bring_up(own):
            return False
        self._is_ready = True
        self._publish()
        return True

    def _own_processes(self) -> list[Service]:
        plan, found = self._plan, []
        if "web" in plan.parts:
            found.append(web_service(plan.base_dir, self._ports))
            self._web_url = f"http://{HOST}:{found[0].port}"
        if "dispatcher" in plan.parts:
            found.append(dispatcher_service(plan.base_dir))
        if "workers" in plan.parts:
            found += worker_services(plan.base_dir, plan.queues, plan.workers, plan.shared_workers)
        return found

    async def _bring_up(self, services: Sequence[Service]) -> bool:
        members = [self._supervised(service) for service in services]
        self._members += members
        self._keepers += [asyncio.create_task(member.keep_alive()) for member in members]
        all_healthy = asyncio.gather(*(member.healthy.wait() for member in members))
        return await self._first_of(all_healthy)

    def _supervised(self, service: Service) -> Supervised:
        log = Log(service.name, self._logs / f"{service.name}.log", self._plan.echo)
        return Supervised(
            service, log=log, environ=self._child_environ(), cwd=self._plan.base_dir, changed=self._publish
        )

    def _child_environ(self) -> dict[str, str]:
        """Name the stack's folder: a process finds the rest in stack.json, as any command does.

        With a DATABASE_URL from outside nobody looks there, so the addresses are handed over.
        """
        handed = self._env if "DATABASE_URL" in self._plan.external else {}
        return dict(self._plan.environ) | handed | {"VAR_DIR": str(self._plan.var_dir), "PYTHONUNBUFFERED": "1"}

    async def _migrate(self) -> bool:
        command = [sys.executable, str(self._plan.base_dir / "manage.py"), "migrate", "--no-input"]
        service = Service(name="migrate", command=command)
        member = self._migration = self._supervised(service)
        code = asyncio.create_task(member.run_once())
        if not await self._first_of(code):
            await member.stop()
            return False
        if code.result():
            raise member.failure(f"failed with {ended(code.result())}")
        return True

    async def _first_of(self, wanted: asyncio.Future[Any]) -> bool:
        """Wait for wanted (True) or a signal to stop (False).

        Raises:
            StackError: a process gave up.
        """
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([wanted, stop, *self._keepers], return_when=asyncio.FIRST_COMPLETED)
            for keeper in self._keepers:
                if keeper.done():
                    keeper.result()
            return wanted.done() and not self._stop.is_set()
        finally:
            stop.cancel()
            wanted.cancel()
            await asyncio.gather(stop, wanted, return_exceptions=True)  # both cancelled or done

    async def _until_stopped_or_failed(self) -> None:
        await self._first_of(asyncio.get_running_loop().create_future())

    # --- the command ------------------------------------------------------------------------------
    async def _run_command(self) -> int:
        """Run the command as a program of this terminal, and return its exit status."""
        self._command = await asyncio.create_subprocess_exec(
            *launched(list(self._plan.command)), env=self._child_environ()
        )
        ended = asyncio.create_task(self._command.wait())
        try:
            while not ended.done():
                await asyncio.wait([ended, *self._keepers], return_when=asyncio.FIRST_COMPLETED)
                for keeper in self._keepers:
                    if keeper.done():
                        keeper.result()
        finally:
            if not ended.done():
                self._command.terminate()
        code = await ended
        return code if code >= 0 else 128 - code

    # --- stopping ---------------------------------------------------------------------------------
    def _on_signal(self, number: int) -> None:
        if self._stop.is_set() and not self._command:
            self._say("stopping at once")
            for member in self._members:
                member.signal(signal.SIGKILL)
        self._signal = number
        self._stop.set()
        if self._command and self._command.returncode is None:
            # Ctrl-C on a terminal has reached the command already.
            if not (number == signal.SIGINT and sys.stdin.isatty()):
                self._command.send_signal(number)
            asyncio.get_running_loop().call_later(COMMAND_GRACE_S, self._kill_command)

    def _kill_command(self) -> None:
        if self._command and self._command.returncode is None:
            self._command.kill()

    async def _stop_all(self) -> None:
        """Stop Souk's own processes, then the services beneath them."""
        self._command = None
        is_service = [member.service.name in SERVICES for member in self._members]
        for services_now in (False, True):
            chosen = [m for m, service in zip(self._members, is_service, strict=True) if service is services_now]
            await asyncio.gather(*(member.stop() for member in chosen))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)  # their errors were raised by whoever waited
        for member in self._members:
            member.log.close()
        self._is_published = False

    def _end_leftovers(self) -> None:
        """Clean up after a supervisor that was killed."""
        path = stack_file(self._plan.var_dir)
        if not path.exists():
            return
        killed = orphans.kill_processes_of(json.loads(path.read_text()))
        if killed:
            self._say(f"ended {len(killed)} processes that an earlier stack left")
        path.unlink()

    async def _reap(self) -> None:
        reaper = orphans.Reaper()
        while True:
            members = [*self._members, self._migration] if self._migration else self._members
            known = {member.process.pid for member in members if member.process}
            reaper.sweep(known)
            await asyncio.sleep(1)

    # --- telling ----------------------------------------------------------------------------------
    def _publish(self) -> None:
        if not self._is_published:
            return
        state = {
            "pid": os.getpid(),
            "started_at": self._started_at,
            "ready": self._is_ready,
            "env": self._env,
            "web_url": self._web_url,
            "processes": {
                member.service.name: {
                    "pid": member.pid,
                    "created_at": member.process_created_at,
                    "status": member.status,
                    "restarts": member.restarts,
                    "port": member.service.port,
                }
                for member in self._members
            },
        }
        write_private(stack_file(self._plan.var_dir), json.dumps(state, indent=1))

    def _say(self, text: str) -> None:
        if self._plan.news:
            print(f"{'stack':<27}| {text}", file=self._plan.news, flush=True)
