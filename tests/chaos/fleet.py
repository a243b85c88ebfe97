"""A whole engine of one's own: PostgreSQL, Redis, a store that nothing strikes, dispatchers, workers, one submitter."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from marketplace.stack.postgres import postgres_service
from marketplace.stack.rendezvous import kept_secret
from marketplace.stack.services import Ports, Service, redis_service
from tests.chaos.faults import Fault, Kind
from tests.chaos.members import Member

BASE_DIR = Path(__file__).resolve().parents[2]
QUEUES = ("chaos", "chaos-bulk")
SILENCE_S = 2.0  # a worker stopped for longer has lost its jobs to others, and must notice when it goes on
START_DEADLINE_S = 60.0
GRACE_S = 20.0
LOOK_EVERY_S = 0.05
OWN_RESTART_S = 0.3  # for what ended by itself


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet, and how much work a second."""

    workers: int
    dispatchers: int
    jobs_per_s: float
    seed: int


class FleetError(Exception):
    """The fleet cannot do what was asked."""


class Fleet:
    """The processes by kind. All are started from the thread that made it, and die with it."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.logs = folder / "log"
        self.logs.mkdir(parents=True)
        self.accepted = folder / "accepted.jsonl"
        self.ended_by_themselves: Counter[str] = Counter()
        postgres, database = postgres_service(folder, Ports(folder / "ports.json"))
        transport, addresses = redis_service(folder, Ports(folder / "ports.json"))
        store, store_addresses = redis_service(folder / "store", Ports(folder / "store-ports.json"))
        self.database_url = database["DATABASE_URL"]
        self.store_url = store_addresses["REDIS_URL"]
        self._environ = (
            os.environ
            | database
            | addresses
            | {
                "CHAOS_STORE_URL": self.store_url,
                "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
                "JOB_SILENCE_S": str(SILENCE_S),
                "SECRET_KEY": kept_secret(folder / "secret-key"),
                "VAR_DIR": str(folder),
            }
        )
        self.postgres, self.redis, self.store = map(self._member, (postgres, transport, store))
        self.dispatchers = [
            self._member(_manage(f"dispatcher-{number}", "dispatcher")) for number in range(size.dispatchers)
        ]
        self.workers = [
            self._member(_manage(f"worker-{number}", "rqworker", *QUEUES)) for number in range(size.workers)
        ]
        work = ("--seed", str(size.seed), "--jobs-per-s", str(size.jobs_per_s), "--accepted", str(self.accepted))
        self.submitter = self._member(_manage("submitter", "chaos_submit", *work))

    def _member(self, service: Service) -> Member:
        return Member(service, environ=self._environ, log=self.logs / f"{service.name}.log")

    @property
    def members(self) -> Iterator[Member]:
        """All that runs for as long as the run, services first."""
        yield from (self.store, self.postgres, self.redis, *self.dispatchers, *self.workers)

    def start(self) -> None:
        """Start everything but the submitter; return when each worker is registered."""
        for member in (self.store, self.postgres, self.redis):
            member.start()
        for member in (self.store, self.postgres, self.redis):
            _until(member.is_well, f"{member.name} to answer")
        migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--skip-checks", "--verbosity", "0"]
        with (self.logs / "migrate.log").open("wb") as log:
            subprocess.run(migrate, cwd=BASE_DIR, env=self._environ, stdout=log, stderr=log, check=True)
        for member in (*self.dispatchers, *self.workers):
            member.start()
        _until(lambda: self._registered() == len(self.workers), "the workers to register")

    def _registered(self) -> int:
        with psycopg.connect(self.database_url, connect_timeout=5) as connection:
            return len(connection.execute("SELECT id FROM jobs_worker WHERE ended_at IS NULL").fetchall())

    def strike(self, fault: Fault, member: Member) -> bool:
        """Let a fault happen to a member; tell whether it did: not when that one is down or stopped."""
        if not member.is_alive or (member.is_stopped and "kill" not in fault.kind):
            return False
        if fault.kind is Kind.FLUSH_REDIS and not member.is_well():
            return False
        match fault.kind:
            case Kind.KILL_WORKER | Kind.KILL_DISPATCHER | Kind.KILL_REDIS | Kind.KILL_POSTGRES:
                member.kill(back_in_s=fault.for_s)
            case Kind.STOP_WORKER | Kind.STOP_DISPATCHER | Kind.STOP_REDIS | Kind.STOP_POSTGRES:
                member.stop(for_s=fault.for_s)
            case Kind.TERM_WORKER:
                member.ask_to_end()
            case Kind.FLUSH_REDIS:
                self.wipe_redis()
        return True

    def target_of(self, fault: Fault, busy_pids: Sequence[int]) -> Member:
        """Find whom the fault is for; a worker to be killed or stopped is one that holds jobs, where there is one."""
        if fault.kind in (Kind.KILL_WORKER, Kind.STOP_WORKER):
            by_pid = {worker.pid: worker for worker in self.workers if worker.is_alive and not worker.is_stopped}
            busy = [by_pid[pid] for pid in busy_pids if pid in by_pid]
            return busy[0] if busy else self.workers[fault.target]
        match fault.kind:
            case Kind.TERM_WORKER:
                return self.workers[fault.target]
            case Kind.KILL_DISPATCHER | Kind.STOP_DISPATCHER:
                return self.dispatchers[fault.target]
            case Kind.KILL_POSTGRES | Kind.STOP_POSTGRES:
                return self.postgres
            case _:
                return self.redis

    def count_fenced(self) -> int:
        """Count the outcomes that a worker had for jobs that were not its own any more."""
        logs = (worker.log.read_text(errors="replace") for worker in self.workers)
        return sum(int(count) for log in logs for count in re.findall(r'"fenced": (\d+)', log))

    def wipe_redis(self) -> None:
        """Forget every permit, and what RQ knows of its workers."""
        with redis.Redis.from_url(self._environ["REDIS_URL"], socket_timeout=5) as client:
            client.flushall()

    def look_after(self) -> None:
        """Let stopped processes go on and start dead ones, each when its time has come."""
        now = time.monotonic()
        if not self.submitter.is_alive and not self.submitter.is_end_expected:
            raise FleetError("the submitter ended by itself")
        for member in self.members:
            if not member.is_alive:
                self._restart(member, now)
            elif member.continue_at is not None and member.continue_at <= now:
                member.go_on()

    def _restart(self, member: Member, now: float) -> None:
        if member.ended is not member.process:  # seen for the first time
            member.ended = member.process
            if not member.is_end_expected:
                self.ended_by_themselves[member.name] += 1
                member.start_at = now + OWN_RESTART_S
        if member.start_at <= now:
            member.start()

    def make_whole(self) -> None:
        """Let everything stopped go on, and start everything dead, at once."""
        for member in self.members:
            if member.continue_at is not None:
                member.continue_at = 0.0
            member.start_at = 0.0
        self.look_after()

    def end(self) -> None:
        """End all processes, politely where they go on; the services last and at once."""
        souks = [member for member in (self.submitter, *self.dispatchers, *self.workers) if member.is_alive]
        for member in souks:
            if member.is_stopped:
                member.go_on()
            member.ask_to_end()
        deadline = time.monotonic() + GRACE_S
        while any(member.is_alive for member in souks) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        for member in (*souks, self.redis, self.postgres, self.store):
            if member.is_alive:
                member.kill(back_in_s=0)


def _manage(name: str, *arguments: str) -> Service:
    return Service(name=name, command=[sys.executable, str(BASE_DIR / "manage.py"), *arguments, "--skip-checks"])


def _until(is_done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while not is_done():
        if time.monotonic() > deadline:
            raise FleetError(f"waited {START_DEADLINE_S:.0f} s for {what}")
        time.sleep(LOOK_EVERY_S)
