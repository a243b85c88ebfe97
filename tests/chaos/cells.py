"""The cells of the kill matrix: each step of a batch's life by each signal."""

import signal
from dataclasses import dataclass
from itertools import product

POINTS = {
    "popped": "the permit is off Redis, nothing is claimed",
    "claiming": "the claim has written its rows and has not committed",
    "claimed": "the claim has committed, the handler has not begun",
    "handling": "inside the handler",
    "handled": "the handler is done, nothing is settled",
    "settling": "inside the settling transaction, before its commit",
    "settled": "the settlement has committed, the permit has not ended",
}
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGSTOP+SIGKILL", "SIGSTOP+SIGCONT")


@dataclass(frozen=True, slots=True)
class Cell:
    """One step and what happens there: a signal that the worker sends itself, perhaps one that follows from outside."""

    point: str
    signals: str

    @property
    def queue(self) -> str:
        """Its own queue, so that its victim and nobody else takes its jobs first."""
        return f"{self.point}-{self.signals}"

    @property
    def first(self) -> signal.Signals:
        """The signal that the victim sends to itself."""
        return signal.Signals[self.signals.partition("+")[0]]

    @property
    def second(self) -> signal.Signals | None:
        """The signal that a stopped victim gets from outside."""
        name = self.signals.partition("+")[2]
        return signal.Signals[name] if name else None

    @property
    def holds_rows_locked(self) -> bool:
        """Tell whether the victim is stopped amid a transaction, so that its jobs may have to wait for it."""
        return self.second == signal.SIGCONT and self.point in ("claiming", "settling")


CELLS = [Cell(point, signals) for point, signals in product(POINTS, SIGNALS)]
