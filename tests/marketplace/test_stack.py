"""The embedded stack, with real processes and real signals. Redis stands for every service where one is enough."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from django.conf import settings

from marketplace.management.commands.stack import SHARED_WORKERS
from marketplace.stack import launch
from marketplace.stack.postgres import clear_leftovers, launched, server_identity
from marketplace.stack.rendezvous import embedded_environment, is_supervised, running_stack, stack_file, write_private
from marketplace.stack.services import Ports, StackError, is_free, worker_services

MANAGE = str(Path(__file__).resolve().parents[2] / "manage.py")
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
DEADLINE_S = 90.0


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true answer of condition."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}")


class Stack:
    """One stack in a folder of its own."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.environ = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
        self.environ["VAR_DIR"] = str(var_dir)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, only: str = "redis", **environ: str) -> dict[str, Any]:
        self.var_dir.mkdir(parents=True, exist_ok=True)
        output = self.var_dir / "output"
        with output.open("a") as file:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "stack", "--only", only],
                env=self.environ | environ, stdout=file, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip

        def ready() -> Any:
            assert self.process is not None
            assert self.process.poll() is None, output.read_text()
            state = running_stack(self.var_dir)
            return state if state and state["ready"] else None

        return dict(wait_until(ready, "the stack is ready"))

    def command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, MANAGE, "stack", *arguments],
            env=self.environ | environ, capture_output=True, text=True, timeout=DEADLINE_S,
        )  # fmt: skip

    def entry(self, name: str) -> dict[str, Any]:
        state = running_stack(self.var_dir)
        assert state is not None
        return dict(state["processes"][name])

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE_S)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / "a folder with 'quotes' and spaces" / "var")
    yield made
    made.end()


def pings(url: str) -> bool:
    with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_it_starts_tells_and_stops_without_a_trace(stack: Stack) -> None:
    state = stack.start()
    assert stack.process is not None
    assert state["pid"] == stack.process.pid
    assert set(state["env"]) == {"REDIS_URL", "CACHE_URL"}
    assert pings(state["env"]["REDIS_URL"])
    assert stack_file(stack.var_dir).stat().st_mode & 0o777 == 0o600
    assert embedded_environment(stack.var_dir)["REDIS_URL"] == state["env"]["REDIS_URL"]
    told = stack.command("--status", "--json")
    assert told.returncode == 0
    answer = json.loads(told.stdout)
    assert answer["running"] is True
    assert answer["processes"]["redis"]["status"] == "healthy"
    assert "env" not in answer
    children = descendants(stack.process.pid)
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(DEADLINE_S) == 0
    assert not any(child.is_running() for child in children)
    assert not stack_file(stack.var_dir).exists()
    assert "redis" in (stack.var_dir / "output").read_text()
    assert stack.command("--status").returncode == 1


def test_what_is_killed_comes_back_on_the_same_port_with_its_data(stack: Stack) -> None:
    url = stack.start()["env"]["REDIS_URL"]
    with redis.Redis.from_url(url) as client:
        client.set("kept", "yes")
    before = stack.entry("redis")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: stack.entry("redis")["restarts"] == 1 and stack.entry("redis")["status"] == "healthy", "back")
    after = stack.entry("redis")
    assert after["pid"] != before["pid"]
    assert after["port"] == before["port"]
    with redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"


def test_a_killed_supervisor_leaves_no_process_and_the_next_one_starts(stack: Stack) -> None:
    first = stack.start(only="redis,postgres")
    assert stack.process is not None
    children = descendants(stack.process.pid)
    assert len(children) >= 2
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not any(child.is_running() for child in children), "no process is left")
    assert stack_file(stack.var_dir).exists()
    assert running_stack(stack.var_dir) is None
    assert "REDIS_URL" not in embedded_environment(stack.var_dir)
    second = stack.start(only="redis,postgres")
    assert second["env"] == first["env"]
    with psycopg.connect(second["env"]["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT current_setting('fsync')").fetchone() == ("on",)


def test_what_a_killed_stack_left_running_is_ended(stack: Stack) -> None:
    state = stack.start()
    stack.end()
    orphan = subprocess.Popen(["sleep", "600"], start_new_session=True)
    entry = {"pid": orphan.pid, "created_at": psutil.Process(orphan.pid).create_time()}
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    reused = {"pid": bystander.pid, "created_at": 1.0}  # the pid of another process by now
    write_private(stack_file(stack.var_dir), json.dumps(state | {"processes": {"redis": entry, "web": reused}}))
    try:
        stack.start()
        assert orphan.wait(DEADLINE_S) == -signal.SIGKILL
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_second_supervisor_of_the_same_folder_is_refused(stack: Stack) -> None:
    stack.start()
    refused = stack.command("--only", "redis")
    assert refused.returncode == 1
    assert "already running" in refused.stderr
    assert stack.entry("redis")["restarts"] == 0


def test_two_stacks_run_side_by_side(stack: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path / "other")
    try:
        here, there = stack.start()["env"]["REDIS_URL"], other.start()["env"]["REDIS_URL"]
        with redis.Redis.from_url(here) as client:
            client.set("mine", "1")
        with redis.Redis.from_url(there) as client:
            assert client.get("mine") is None
    finally:
        other.end()


def test_run_gives_the_commands_own_output_and_status_and_stops_what_it_started(stack: Stack) -> None:
    code = "import os, sys; from django.conf import settings; print(settings.REDIS_URL); sys.exit(7)"
    script = stack.var_dir.parent / "a script.py"
    script.parent.mkdir(parents=True)
    script.write_text(f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'marketplace.settings'\n{code}\n")
    done = stack.command("--only", "redis", "--run", f'python "{script}"', PYTHONPATH=str(Path(MANAGE).parent))
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith("redis://:")
    assert done.stdout.count("\n") == 1
    assert not is_supervised(stack.var_dir)
    assert not pings(done.stdout.strip())


def test_run_uses_a_stack_that_is_up_and_leaves_it_up(stack: Stack) -> None:
    state = stack.start()
    done = stack.command("--run", "manage.py stack --status --json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pid"] == state["pid"]
    assert pings(state["env"]["REDIS_URL"])


def test_a_service_that_is_named_is_used_instead_of_an_own_one(stack: Stack) -> None:
    state = stack.start(only="redis", REDIS_URL="redis://127.0.0.1:1/0")
    assert state["processes"] == {}
    assert state["env"] == {"REDIS_URL": "redis://127.0.0.1:1/0"}


def test_what_does_not_start_is_said_with_the_end_of_its_log(stack: Stack) -> None:
    folder = stack.var_dir / "redis" / "appendonly.aof"
    folder.mkdir(parents=True)  # where Redis wants a file
    failed = stack.command("--only", "redis")
    assert failed.returncode == 1
    assert "redis does not start" in failed.stderr
    assert "appendonly.aof" in failed.stderr or "append-only" in failed.stderr.lower()
    assert "Traceback" not in failed.stderr
    assert not is_supervised(stack.var_dir)


def test_unknown_parts_queues_and_counts_are_refused(stack: Stack) -> None:
    assert "knows no mysql" in stack.command("--only", "mysql").stderr
    assert "not QUEUE=N" in stack.command("--only", "redis", "--workers", "scrape-product=many").stderr
    with pytest.raises(StackError, match="no such queue: nope"):
        worker_services(Path(), ["scrape-product"], {"nope": 1}, {})
    queues = ["a", "b", "c", "d", "e"]
    services = worker_services(Path(), queues, {"b": 2, "d": 1}, {"quiet": ["c", "d", "e"], "none": ["b"]})
    served = {service.name: service.command[4:] for service in services}
    assert served == {
        "worker-a": ["a"],
        "worker-b": ["b"],
        "worker-b-2": ["b"],
        "worker-d": ["d"],
        "worker-quiet": ["c", "e"],
    }


def test_every_shared_queue_is_one() -> None:
    assert {queue for group in SHARED_WORKERS.values() for queue in group} < set(settings.JOB_QUEUES)


def test_ports_are_remembered_while_free_but_not_by_a_copy(tmp_path: Path) -> None:
    port = Ports(tmp_path / "ports.json").claim("redis")
    assert is_free(port)
    assert Ports(tmp_path / "ports.json").claim("redis") == port
    copy = tmp_path / "copy.json"
    copy.write_text((tmp_path / "ports.json").read_text())
    assert Ports(copy)._known == {}


def test_a_stale_pid_file_of_postgresql_is_removed(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n")  # a pid that was given anew
    clear_leftovers(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_process_that_still_works_in_the_data_folder_is_ended_first(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text("1\n")
    left = subprocess.Popen(["sleep", "600"], cwd=tmp_path)
    clear_leftovers(tmp_path)
    assert not psutil.pid_exists(left.pid)
    left.wait(DEADLINE_S)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a stand-in")
@pytest.mark.parametrize("identity", ["namespace", "nobody"])
def test_root_runs_postgresql_as_somebody_else_even_below_a_private_folder(identity: str, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "readable").write_text("yes")
    code = f"import os, pathlib; print(os.geteuid(), pathlib.Path({str(private)!r}, 'readable').read_text())"
    done = subprocess.run(launched([sys.executable, "-c", code], identity=identity), capture_output=True, text=True)
    if identity != server_identity() and done.returncode:
        pytest.skip(f"not possible on this machine: {done.stderr}")
    assert done.stdout == f"{launch.NOBODY} yes\n", done.stderr
