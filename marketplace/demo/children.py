"""The processes that the demo starts: the stack, the sample catalog, and single commands."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from marketplace.stack.postgres import launched
from marketplace.stack.rendezvous import is_supervised, running_stack

START_LIMIT_S = 300.0
STOP_LIMIT_S = 60.0


class ChildFailed(Exception):
    """A process of the demo ended, or did not start."""

    code = "demo.child"


class Children:
    """Starts processes, and ends them all, last started first, whatever happens."""

    def __init__(self, *, base_dir: Path, var_dir: Path, environ: Mapping[str, str]) -> None:
        """Remember what every process is given."""
        self._manage = str(base_dir / "manage.py")
        self._base_dir, self._var_dir = base_dir, var_dir
        self.environ = dict(environ)
        self._started: list[tuple[str, subprocess.Popen[str]]] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process."""
        for _, process in reversed(self._started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_LIMIT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def check(self) -> None:
        """Raise ChildFailed when one of them has ended."""
        for name, process in self._started:
            if process.poll() is not None:
                raise ChildFailed(f"the {name} has ended with exit status {process.returncode}")

    def start_sample(self, *, folder: Path, port: int, edition: int, products: int, seed: int) -> str:
        """Serve an edition of the sample catalog and return the address of its first page."""
        options = {"dir": folder, "port": port, "edition": edition, "products": products, "seed": seed}
        process = self._start("sample catalog", "sample_catalog", *(f"--{k}={v}" for k, v in options.items()))
        address = process.stdout.readline().strip() if process.stdout else ""
        if not urlsplit(address).port:
            process.wait(STOP_LIMIT_S)
            raise ChildFailed(f"the sample catalog does not start (exit status {process.returncode})")
        return address

    def start_stack(self) -> None:
        """Start the stack; wait_for_stack() tells when it is up."""
        self._start("stack", "stack", "--quiet")

    def wait_for_stack(self) -> str:
        """Wait until the stack is ready and return the address of its web process."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            self.check()
            state = running_stack(self._var_dir)
            if state and state["ready"]:
                return str(state["web_url"])
            time.sleep(0.1)  # between two looks at its file
        raise ChildFailed(
            f"the stack is not ready after {START_LIMIT_S:.0f} s; its logs are in {self._var_dir / 'log'}"
        )

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one command of manage.py to its end."""
        return subprocess.run(  # noqa: S603 - a command of our own
            [sys.executable, self._manage, *arguments],
            env=self.environ | environ, cwd=self._base_dir, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        command = launched([sys.executable, self._manage, *arguments], death_signal=signal.SIGTERM)
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            command,
            env=self.environ | {"VAR_DIR": str(self._var_dir)},
            cwd=self._base_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if arguments[0] == "sample_catalog" else subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is the demo's affair; it ends the others in order
        )
        self._started.append((name, process))
        return process


def refuse_second_stack(var_dir: Path) -> None:
    """Raise ChildFailed when a stack runs already: its processes would not know the sample catalog."""
    if is_supervised(var_dir):
        raise ChildFailed(f"a stack is already running in {var_dir} (pid in {var_dir / 'stack.json'}): stop it first")


def outer_environ(made: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without the addresses that this process's settings have put there."""
    own = {"DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI"} - set(made)
    return {name: value for name, value in os.environ.items() if name not in own}
