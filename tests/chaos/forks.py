"""Worker processes forked from one that has imported everything: a start costs a tenth of what it costs otherwise."""

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connections

from jobs.permits import transport

LOOK_EVERY_S = 0.05
PR_SET_PDEATHSIG = 1


class Forks:
    """Processes forked from this one, and how they ended."""

    def __init__(self) -> None:
        self.exits: dict[int, int] = {}
        self.stopped: set[int] = set()
        self._running: set[int] = set()

    def start(self, run: Callable[[], Any]) -> int:
        """Run a function in a child that dies with this process; return its pid."""
        connections.close_all()  # a connection must not be shared
        transport().close()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._running.add(pid)
            return pid
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        code = 1
        try:
            run()
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        except BaseException:  # noqa: BLE001 it is told, and nothing of the parent's may run here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def look(self) -> None:
        """Note which children stopped, went on or ended since the last look."""
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                self.stopped.add(pid)
                continue
            self.stopped.discard(pid)
            if not os.WIFCONTINUED(status):
                self._running.discard(pid)
                self.exits[pid] = os.waitstatus_to_exitcode(status)

    def wait(self, is_done: Callable[[], bool], *, deadline_s: float) -> bool:
        """Wait for a condition; tell whether it came in time."""
        stop_at = time.monotonic() + deadline_s
        while not is_done():
            if time.monotonic() > stop_at:
                return False
            time.sleep(LOOK_EVERY_S)
            self.look()
        return True

    def end(self) -> None:
        """Kill what still runs."""
        self.look()
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
        for pid in self._running:
            os.waitpid(pid, 0)
