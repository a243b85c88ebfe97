"""The processes that chaos strikes: each can be killed, stopped, continued and started again, by its pid."""

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from marketplace.stack.postgres import launched
from marketplace.stack.services import Service


class Member:
    """One process and its successors."""

    def __init__(self, service: Service, *, environ: Mapping[str, str], log: Path) -> None:
        self.service = service
        self.process: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0  # on the monotonic clock: not before
        self.continue_at: float | None = None
        self.is_end_expected = False
        self.ended: subprocess.Popen[bytes] | None = None  # whose end has been noted
        self._environ = dict(environ)
        self.log = log

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.name

    @property
    def pid(self) -> int:
        """The id of the process, or of the last one."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether there is a process, stopped or not."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_stopped(self) -> bool:
        """Tell whether there is a process, and it is stopped."""
        return self.continue_at is not None

    def start(self) -> None:
        """Start the process. It dies with the thread that calls this."""
        if self.service.prepare:
            self.service.prepare()
        command = launched(
            list(self.service.command), identity=self.service.identity, death_signal=self.service.death_signal
        )
        self.is_end_expected = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self._environ | dict(self.service.environ), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, *, back_in_s: float) -> None:
        """Kill the process and its children with SIGKILL."""
        self.is_end_expected = True
        self._signal_tree(signal.SIGKILL)
        self.process.wait()
        self.continue_at = None
        self.start_at = time.monotonic() + back_in_s

    def stop(self, *, for_s: float) -> None:
        """Stop the process and its children with SIGSTOP."""
        self._signal_tree(signal.SIGSTOP)
        self.continue_at = time.monotonic() + for_s

    def go_on(self) -> None:
        """Let a stopped process continue."""
        self._signal_tree(signal.SIGCONT)
        self.continue_at = None

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process alone."""
        self.is_end_expected = True
        self.process.send_signal(signal.SIGTERM)

    def _signal_tree(self, number: signal.Signals) -> None:
        """Signal the process, then its children; PostgreSQL's are sessions of their own."""
        root = psutil.Process(self.process.pid)
        for process in (root, *root.children(recursive=True)):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def is_well(self) -> bool:
        """Tell whether the process answers."""
        if not self.is_alive or self.is_stopped or self.service.probe is None:
            return self.is_alive and not self.is_stopped
        try:
            self.service.probe()
        except OSError:
            return False
        return True
