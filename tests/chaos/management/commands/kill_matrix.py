"""`manage.py kill_matrix`, with the settings tests.chaos.settings and KILL_MATRIX=1."""

import json
import os
import signal
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from jobs.batch import NewJob
from jobs.ledger import enqueue_many
from jobs.management.commands import dispatcher, rqworker  # noqa: F401 imported here, they are there in each fork
from jobs.models import FINAL_STATES, Job, JobAttempt, Worker
from jobs.permits import transport
from tests.chaos.cells import CELLS, Cell
from tests.chaos.crash_points import Trap, arm
from tests.chaos.forks import Forks
from tests.chaos.victim import VictimWorker
from tests.workload.models import Effect, Execution

JOBS_A_CELL = 3
RESCUERS = 2
DEADLINE_S = 25.0


class Command(BaseCommand):
    """Let every cell of the kill matrix happen at once, and tell what was left."""

    requires_system_checks = []  # the other tasks' queues are left out on purpose
    help = "For the tests: kills a worker at each step of a batch's life by each signal; prints JSON, an entry a cell."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the folder."""
        parser.add_argument("folder", type=Path, help="where each trap leaves its mark")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the facts."""
        matrix = Matrix(options["folder"], say=self.stderr.write)
        try:
            matrix.run()
        finally:
            matrix.forks.end()
        self.stdout.write(json.dumps(matrix.facts()))


class Matrix:
    """A victim for each cell, then rescuers for all."""

    def __init__(self, folder: Path, say: Callable[[str], object]) -> None:
        self.forks = Forks()
        self._folder, self._say = folder, say
        self._victims: dict[Cell, int] = {}
        self._jobs: dict[Cell, list[int]] = {}
        self._sprung: list[Cell] = []
        self._late: list[Cell] = []

    def run(self) -> None:
        """Spring every trap, start the rescue, end or wake the stopped ones, wait until all jobs are final.

        What does not come in time is not waited for: the facts will tell.
        """
        transport().flushdb()
        self._victims = {cell: self.forks.start(partial(self._be_victim, cell)) for cell in CELLS}
        self._wait(lambda: Worker.objects.filter(ended_at=None).count() == len(CELLS), "the victims to register")
        self._jobs = {cell: _enqueue(cell) for cell in CELLS}
        self._wait(lambda: all(map(self._is_sprung, CELLS)), "every trap to spring")
        self._sprung = [cell for cell in CELLS if self._is_sprung(cell)]
        self.forks.start(lambda: call_command("dispatcher"))
        for _ in range(RESCUERS):
            self.forks.start(lambda: call_command("rqworker", *(cell.queue for cell in CELLS)))
        self._send(signal.SIGKILL)
        self._wait(lambda: not any(map(self._lags, CELLS)), "the rescue")
        self._late = [cell for cell in CELLS if self._lags(cell)]
        self._send(signal.SIGCONT)
        self._wait(lambda: all(map(self._is_final, CELLS)), "the end")

    def facts(self) -> dict[str, Any]:
        """Tell of each cell what became of its jobs."""
        return {
            cell.queue: _facts(self._jobs[cell]) | {"sprung": cell in self._sprung, "late": cell in self._late}
            for cell in CELLS
        }

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        started = time.monotonic()
        is_there = self.forks.wait(is_done, deadline_s=DEADLINE_S)
        self._say(f"{'waited' if is_there else 'waited in vain'} {time.monotonic() - started:.1f} s for {what}")

    def _be_victim(self, cell: Cell) -> None:
        arm(Trap(cell.point, cell.first, self._folder / cell.queue))
        call_command("rqworker", cell.queue, worker_class=f"{VictimWorker.__module__}.{VictimWorker.__qualname__}")

    def _is_sprung(self, cell: Cell) -> bool:
        """Tell whether the signal was sent, and has stopped or ended its victim."""
        pid = self._victims[cell]
        has_come = pid in self.forks.exits or (cell.second is not None and pid in self.forks.stopped)
        return has_come and (self._folder / cell.queue).exists()

    def _lags(self, cell: Cell) -> bool:
        """Tell whether the cell's jobs, which need not wait for a stopped worker to go on, are not final yet."""
        return not cell.holds_rows_locked and not self._is_final(cell)

    def _is_final(self, cell: Cell) -> bool:
        return not Job.objects.filter(id__in=self._jobs[cell]).exclude(state__in=FINAL_STATES).exists()

    def _send(self, number: signal.Signals) -> None:
        for cell, pid in self._victims.items():
            if cell.second == number:
                os.kill(pid, number)


def _enqueue(cell: Cell) -> list[int]:
    new = [NewJob(cell.queue, {"subject": f"{cell.queue} {number}"}) for number in range(JOBS_A_CELL)]
    return [accepted.job_id for accepted in enqueue_many(new)]


def _facts(ids: list[int]) -> dict[str, Any]:
    effects = Counter(Effect.objects.filter(job_id__in=ids).values_list("job_id", flat=True))
    families = Counter(JobAttempt.objects.filter(job_id__in=ids).values_list("family", flat=True))
    return {
        "states": dict(Counter(Job.objects.filter(id__in=ids).values_list("state", flat=True))),
        "attempts": [job.attempt for job in Job.objects.filter(id__in=ids)],
        "effects": [effects[job_id] for job_id in ids],
        "runs": Execution.objects.filter(job_id__in=ids).count(),
        "failures": dict(families),
    }
