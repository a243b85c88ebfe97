"""`manage.py chaos_submit`: the work of a chaos run, accepted steadily until SIGTERM."""

import json
import random
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection, transaction

from jobs.batch import NewJob
from jobs.gates import set_gate
from jobs.ledger import enqueue_many
from jobs.models import Priority
from jobs.workflows import open_group

TENANTS = ("ada", "bea", "cyd", "dee", "eve")
GATE = "chaos"
GATE_RATE_PER_S = 60
KINDS = {"ok": 50, "nap": 12, "retry": 8, "wait": 4, "fail": 3, "follow": 8, "keyed": 6, "delayed": 7, "gated": 6}
GROUP_SHARE = 0.1  # of transactions
MEAN_JOBS = 10


class Command(BaseCommand):
    """Enqueue jobs of every kind, and write down which ones a commit has promised."""

    help = "For chaos: enqueues jobs of many kinds, tenants and priorities, steadily and by a seed, until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare how much and by which seed."""
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--jobs-per-s", type=float, required=True)
        parser.add_argument("--accepted", type=Path, required=True, help="where the ids of promised jobs are written")

    def handle(self, *args: Any, **options: Any) -> None:
        """Submit one transaction after another."""
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        work = Work(random.Random(options["seed"]))
        with options["accepted"].open("a") as accepted:
            while not stop.is_set():
                jobs, group = work.next_transaction()
                ids = _submit(jobs, group)
                if ids is not None:
                    accepted.write(json.dumps(ids) + "\n")
                    accepted.flush()
                stop.wait(len(jobs) / options["jobs_per_s"])


class Work:
    """What is submitted, made of chance alone."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._count = 0
        self._keyed: list[NewJob] = []

    def next_transaction(self) -> tuple[list[NewJob], str | None]:
        """Make the jobs of the next transaction, and the name of the group that they are in."""
        group = f"g{self._count}" if self._chance.random() < GROUP_SHARE else None
        return [self._next_job(group) for _ in range(self._chance.randint(1, 2 * MEAN_JOBS - 1))], group

    def _next_job(self, group: str | None) -> NewJob:
        kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "keyed" and self._keyed and self._chance.random() < 0.5:
            return self._chance.choice(self._keyed)  # the same again: it must answer with the first
        self._count += 1
        payload = {
            "subject": f"s{self._count}",
            "do": kind if kind in ("retry", "wait", "fail", "follow") else "ok",
            "s": self._chance.uniform(0.1, 0.4) if kind == "nap" else 0.002,
            "until": self._chance.randint(1, 3),
        }
        job = NewJob(
            self._chance.choice(("chaos", "chaos-bulk")),
            payload,
            tenant=self._chance.choice(TENANTS),
            priority=self._chance.choice(list(Priority)),
            group=group if kind != "keyed" else None,
            key=f"s{self._count}" if kind == "keyed" else None,
            gates=[GATE] if kind == "gated" else (),
            delay_s=self._chance.uniform(0.2, 3.0) if kind == "delayed" else 0,
        )
        if kind == "keyed":
            self._keyed.append(job)
        return job


def _submit(jobs: list[NewJob], group: str | None) -> list[int] | None:
    """Submit the jobs; return the ids of those accepted, None where that is not certain.

    A commit whose answer was lost may have happened all the same: the ledger then has jobs that nobody was promised.
    """
    try:
        with transaction.atomic():
            set_gate(GATE, rate_per_s=GATE_RATE_PER_S)
            if group:
                open_group(group, then=NewJob("chaos", {"subject": f"after {group}"}))
            return [accepted.job_id for accepted in enqueue_many(jobs)]
    except (OperationalError, InterfaceError):
        connection.close()
        return None
