"""One supervised process: started, watched, restarted when it dies, stopped."""

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import psutil

from marketplace.stack.postgres import launched
from marketplace.stack.services import Service, StackError

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 10.0
STEADY_AFTER_S = 10.0  # up for so long, a process has earned a quick restart again
START_DEADLINE_S = 120.0
START_TRIES = 3
PROBE_EVERY_S = 0.05
LOG_LIMIT_BYTES = 20_000_000
TAIL_LINES = 25


class Log:
    """The lines of one process: in a file, in memory (the last few), and on a terminal with its name before them."""

    def __init__(self, name: str, path: Path, echo: TextIO | None) -> None:
        """Append to the file at path; one grown too long is set aside first."""
        self._name, self._path, self._echo = name, path, echo
        self._rest = b""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._open()

    def _open(self) -> None:
        if self._path.exists() and self._path.stat().st_size > LOG_LIMIT_BYTES:
            self._path.replace(self._path.with_suffix(".log.1"))
        self._file = self._path.open("ab")

    def feed(self, data: bytes) -> None:
        """Take output as it comes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace"))
        self._file.flush()

    def line(self, text: str) -> None:
        """Write one line."""
        self.tail.append(text)
        self._file.write(text.encode() + b"\n")
        if self._echo:
            print(f"{self._name:<27}| {text}", file=self._echo, flush=True)
        if self._file.tell() > LOG_LIMIT_BYTES:
            self._file.close()
            self._open()

    def close(self) -> None:
        """Write what is left without an end of line, and close the file."""
        if self._rest:
            self.line(self._rest.decode(errors="replace"))
            self._rest = b""
        self._file.close()


class Supervised:
    """A service and the process that provides it now."""

    def __init__(self, service: Service, *, log: Log, environ: dict[str, str], cwd: Path, changed: Callable[[], None]):
        """Describe what to run; `changed` is called whenever the status is another."""
        self.service, self.log = service, log
        self.status, self.restarts = "waiting", 0
        self.process: asyncio.subprocess.Process | None = None
        self.process_created_at = 0.0
        self.healthy = asyncio.Event()
        self._environ, self._cwd, self._changed = environ, cwd, changed
        self._stopping = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self.process.pid if self.process and self.process.returncode is None else None

    async def keep_alive(self) -> None:
        """Run the process, and run it again whenever it ends, until stop() is called.

        Raises:
            StackError: it never became well within its first tries.
        """
        backoff_s, failures = FIRST_BACKOFF_S, 0
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await self._start()
            if process is None:
                return
            watch = asyncio.create_task(self._become_healthy(started + START_DEADLINE_S))
            try:
                exit_code = await process.wait()
            finally:
                watch.cancel()
            await self._drain()
            if self._stopping.is_set():
                return
            if not self.healthy.is_set():
                failures += 1
                if failures == START_TRIES:
                    raise self.failure(f"does not start: it ended with {ended(exit_code)} {START_TRIES} times")
            if time.monotonic() - started > STEADY_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            self._set("restarting")
            self.log.line(f"[stack] ended with {ended(exit_code)}; again in {backoff_s:.1f} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            self.restarts += 1

    async def run_once(self) -> int:
        """Run the process to its end and return its exit status."""
        process = await self._start()
        if process is None:
            return 128 + signal.SIGTERM
        exit_code = await process.wait()
        await self._drain()
        return exit_code

    async def _start(self) -> asyncio.subprocess.Process | None:
        service = self.service
        if service.prepare:
            await asyncio.to_thread(service.prepare)
        if self._stopping.is_set():
            return None
        command = launched(list(service.command), identity=service.identity, death_signal=service.death_signal)
        self.process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environ | dict(service.environ),
            cwd=self._cwd,
            start_new_session=True,  # Ctrl-C on the terminal is the supervisor's affair alone
        )
        self.process_created_at = _created_at(process.pid)
        self._pump = asyncio.create_task(self._read_output(process))
        self._set("starting")
        return process

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise StackError(f"{self.service.name} has no output")
        while data := await process.stdout.read(65_536):
            self.log.feed(data)

    async def _drain(self) -> None:
        """Read what a dead process still said; a child of it may hold the pipe open for ever."""
        if self._pump:
            done, _ = await asyncio.wait([self._pump], timeout=0.2)
            if not done:
                self._pump.cancel()

    async def _become_healthy(self, deadline: float) -> None:
        probe = self.service.probe
        problem = ""
        while probe:
            try:
                await asyncio.to_thread(probe)
                break
            except OSError as error:
                problem = str(error)
            if time.monotonic() > deadline:
                self.log.line(f"[stack] not well after {START_DEADLINE_S:.0f} s: {problem}")
                self.signal(signal.SIGKILL)
                return
            await asyncio.sleep(PROBE_EVERY_S)
        self._set("healthy" if probe else "running")
        self.healthy.set()

    def signal(self, number: int) -> None:
        """Send a signal to the process and to what it started in its session."""
        if self.pid is not None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    async def stop(self) -> None:
        """End the process: politely, then, after its grace, for good."""
        self._stopping.set()
        if self.process is None or self.pid is None:
            self._set("stopped")
            return
        self._set("stopping")
        self.process.send_signal(self.service.stop_signal)
        try:
            await asyncio.wait_for(self.process.wait(), self.service.grace_s)
        except TimeoutError:
            self.log.line(f"[stack] still there after {self.service.grace_s:.0f} s: killed")
            self.signal(signal.SIGKILL)
            await self.process.wait()
        await self._drain()
        self._set("stopped")

    def _set(self, status: str) -> None:
        self.status = status
        self._changed()

    def failure(self, what: str) -> StackError:
        """Say what went wrong, with the end of the log."""
        tail = "\n".join(f"    {line}" for line in self.log.tail) or "    (it said nothing)"
        return StackError(f"{self.service.name} {what}. The end of its log:\n{tail}")


def ended(exit_code: int) -> str:
    """Say how a process ended."""
    return f"exit status {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name


def _created_at(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
