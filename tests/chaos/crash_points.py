"""The steps of a batch's life at which a victim sends itself a signal, once."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

DELIVERY_S = 0.3  # a signal to oneself may reach another thread first; nothing may go on meanwhile


@dataclass(frozen=True, slots=True)
class Trap:
    """One point, the signal that waits there, and the file that says that it has been sent."""

    point: str
    number: signal.Signals
    mark: Path


_trap: Trap | None = None


def arm(trap: Trap) -> None:
    """Set the trap of this process."""
    global _trap  # noqa: PLW0603 one trap a process
    _trap = trap


def reach(point: str) -> None:
    """Pass a point of a batch's life; the first time, at the trap's point, its signal is sent."""
    if _trap is None or _trap.point != point or _trap.mark.exists():
        return
    _trap.mark.touch()
    os.kill(os.getpid(), _trap.number)
    if _trap.number in (signal.SIGKILL, signal.SIGSTOP):
        time.sleep(DELIVERY_S)
