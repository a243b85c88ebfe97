"""Processes that outlived whoever started them."""

import ctypes
import os
import platform
import time
from collections.abc import Collection
from typing import Any

import psutil

PR_SET_CHILD_SUBREAPER = 36
ORPHAN_GRACE_S = 5.0  # a browser whose worker was killed needs a moment to end by itself


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none is lost from sight."""
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_processes_of(state: dict[str, Any]) -> list[int]:
    """End what the processes of a killed supervisor left; returns the ids of those ended.

    Each was the leader of a session. A pid alone proves nothing, it may have been given anew: the leader counts
    when its time of birth is the recorded one, its session's members when it is gone.
    """
    recorded = {entry["pid"]: entry["created_at"] for entry in state["processes"].values() if entry["pid"]}
    found = []
    for process in psutil.process_iter():
        try:
            leader = os.getsid(process.pid)
            if leader not in recorded:
                continue
            if psutil.pid_exists(leader) and psutil.Process(leader).create_time() != recorded[leader]:
                continue
            process.kill()
            found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    psutil.wait_procs(found, timeout=10)
    return [process.pid for process in found]


class Reaper:
    """Buries adopted orphans, and ends those that do not end by themselves."""

    def __init__(self) -> None:
        """Start with no orphan seen."""
        self._first_seen: dict[int, float] = {}

    def sweep(self, known: Collection[int], *, grace_s: float = ORPHAN_GRACE_S) -> None:
        """Look at children that are neither known nor of our own session."""
        own_session, now = os.getsid(0), time.monotonic()
        children = psutil.Process().children()
        for child in children:
            try:
                if child.pid in known or os.getsid(child.pid) == own_session:
                    continue
                if child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)
                elif now - self._first_seen.setdefault(child.pid, now) >= grace_s:
                    child.kill()
            except (psutil.NoSuchProcess, ProcessLookupError, ChildProcessError):
                continue
        alive = {child.pid for child in children}
        self._first_seen = {pid: seen for pid, seen in self._first_seen.items() if pid in alive}


def kill_descendants() -> None:
    """End everything that this process started or adopted."""
    descendants = psutil.Process().children(recursive=True)
    for process in descendants:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(descendants, timeout=5)
