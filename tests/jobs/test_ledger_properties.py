"""Whatever happens to the ledger, in whatever order: its promises hold after each step, and all work ends."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs import gates
from jobs.batch import Batch, ClaimedJob, NewJob
from jobs.cancellation import AlreadyFinal, cancel_group, cancel_job, cancel_tree
from jobs.claim import claim
from jobs.control import NotLive, prioritise_job
from jobs.dead_letters import retry_dead_letter
from jobs.departure import hand_back
from jobs.dispatch import release_scheduled
from jobs.errors import PermanentError, RateLimitedError, RetryableError
from jobs.ledger import enqueue_many
from jobs.models import (
    FINAL_STATES,
    LIVE_STATES,
    DeadLetter,
    Gate,
    Job,
    JobGroup,
    JobKey,
    Priority,
    State,
    Worker,
)
from jobs.permits import batch_size_of
from jobs.reclaim import MAX_CRASHES, reclaim_lost_jobs
from jobs.registry import get_task
from jobs.session import LOCK_CLASS
from jobs.settlement import settle
from jobs.workflows import finish_groups, open_group, release_waiting
from tests.jobs.ledger_promises import assert_all_promises, is_ours, photograph, runnable
from tests.workload.models import Effect

BY_OPERATOR = {"actor": "staff", "reason": "property"}
QUEUES = ("workload", "noop-16")  # `act` with an effect a job, and a task that settles plainly
PAUSABLE = ("queue:workload", "queue:noop-16", "task:act", "tenant:a", "domain:x")
MAX_ROUNDS = 200
HOUR = timedelta(hours=1)

picks = st.integers(0, 10**6)
new_jobs = st.builds(
    NewJob,
    task=st.sampled_from(["act", "act", "noop-16"]),
    payload=st.just({}),
    tenant=st.sampled_from(["", "a", "b"]),
    priority=st.sampled_from(Priority),
    key=st.sampled_from([None, None, "k1", "k2"]),
    gates=st.sampled_from([(), (), ("domain:x",), ("domain:x", "domain:y")]),
    delay_s=st.sampled_from([0, 0, 0, 60]),
    max_attempts=st.sampled_from([None, 1, 2]),
    runs_anyway=st.booleans(),
)
outcomes = st.sampled_from(["ok", "ok", "ok", "follow", "retry", "wait", "fail", "bug", "release", "isolate"])


@dataclass(slots=True)
class Held:
    """A batch in the hands of a worker that may have lost it meanwhile."""

    jobs: Sequence[ClaimedJob]
    is_ended: bool = False


class LedgerMachine(RuleBasedStateMachine):
    """Two workers, a dispatcher taken apart, an operator and callers, on a real ledger, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.workers: list[int] = []
        self.ghosts: list[int] = []
        self.held: list[Held] = []
        self.now = photograph()
        self.is_broken = False
        self.groups = 0

    @initialize()
    def start_workers(self) -> None:
        self.workers = [self._new_worker(), self._new_worker()]

    def teardown(self) -> None:
        try:
            if not self.is_broken:
                self._run_until_quiet()
        finally:
            transaction.set_rollback(True)
            self.stack.close()

    # --- callers ------------------------------------------------------------------------------------
    @rule(news=st.lists(new_jobs, min_size=1, max_size=4), after=st.lists(picks, max_size=2), waits=st.booleans())
    def enqueue(self, news: list[NewJob], after: list[int], waits: bool) -> None:
        ids = sorted(self.now.jobs)
        chosen = sorted({ids[pick % len(ids)] for pick in after}) if ids and waits else []
        answers = enqueue_many([_waiting(new, chosen) for new in news])
        known = set(Job.objects.values_list("pk", flat=True))
        assert {answer.job_id for answer in answers} <= known
        for new, answer in zip(news, answers, strict=True):
            assert answer.is_duplicate <= (new.key is not None)

    @rule(news=st.lists(new_jobs, min_size=1, max_size=3), has_other=st.booleans())
    def enqueue_group(self, news: list[NewJob], has_other: bool) -> None:
        self.groups += 1
        name = f"g{self.groups}"
        open_group(name, then=NewJob("act", {}), otherwise=NewJob("noop-16", {}) if has_other else None)
        enqueue_many([_waiting(new, (), group=name) for new in news])

    # --- workers ------------------------------------------------------------------------------------
    @rule(who=picks, queue=st.sampled_from(QUEUES), limit=st.integers(1, 4))
    def claim(self, who: int, queue: str, limit: int) -> None:
        self._claim(self.workers[who % 2], queue, limit)

    @precondition(lambda self: self.ghosts)
    @rule(who=picks, queue=st.sampled_from(QUEUES))
    def claim_though_declared_dead(self, who: int, queue: str) -> None:
        self._claim(self.ghosts[who % len(self.ghosts)], queue, 2)

    @precondition(lambda self: self.held)
    @rule(which=picks, ends=st.lists(outcomes, min_size=4, max_size=4))
    def settle(self, which: int, ends: list[str]) -> None:
        self._settle(self.held[which % len(self.held)], ends)

    @rule(who=picks, is_silent=st.booleans())
    def crash(self, who: int, is_silent: bool) -> None:
        worker_id = self.workers[who % 2]
        if is_silent:  # its session stands: this one holds its lock
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, worker_id])
        Worker.objects.filter(pk=worker_id).update(beat_at=timezone.now() - HOUR)
        reclaim_lost_jobs()
        self._replace(who)

    @rule(who=picks, queue=st.sampled_from(QUEUES))
    def die_of_one_job_again_and_again(self, who: int, queue: str) -> None:
        for _ in range(MAX_CRASHES):
            self._claim(self.workers[who % 2], queue, 1)
            self.crash(who, is_silent=False)
            self.promises_hold()

    @rule(who=picks)
    def leave_in_haste(self, who: int) -> None:
        hand_back(worker_id=self.workers[who % 2], reason="stopped at once")
        self._replace(who)

    # --- operators ----------------------------------------------------------------------------------
    @precondition(lambda self: self.now.jobs)
    @rule(which=picks, is_tree=st.booleans())
    def cancel(self, which: int, is_tree: bool) -> None:
        job_id = self._pick(which)
        if is_tree:
            cancel_tree(job_id, **BY_OPERATOR)
            return
        was = Job.objects.get(pk=job_id).state
        try:
            cancel_job(job_id, **BY_OPERATOR)
        except AlreadyFinal:
            assert was in FINAL_STATES

    @precondition(lambda self: self.groups)
    @rule(which=picks)
    def cancel_a_group(self, which: int) -> None:
        cancel_group(f"g{which % self.groups + 1}", **BY_OPERATOR)

    @precondition(lambda self: self.now.jobs)
    @rule(which=picks, priority=st.sampled_from(Priority))
    def prioritise(self, which: int, priority: Priority) -> None:
        job_id = self._pick(which)
        try:
            prioritise_job(job_id, priority, **BY_OPERATOR)
        except NotLive:
            assert self.now.jobs[job_id].state in FINAL_STATES

    @rule(which=picks)
    def retry_a_dead_letter(self, which: int) -> None:
        letters = list(DeadLetter.objects.filter(resolution="").order_by("pk"))
        if letters:
            retry_dead_letter(letters[which % len(letters)].pk, **BY_OPERATOR)

    @rule(key=st.sampled_from(PAUSABLE))
    def pause(self, key: str) -> None:
        gates.pause(key)

    @rule(key=st.sampled_from(PAUSABLE))
    def resume(self, key: str) -> None:
        gates.resume(key)

    @rule(
        key=st.sampled_from(["domain:x", "tenant:a"]), limit=st.sampled_from([None, 1]), rate=st.sampled_from([None, 1])
    )
    def pace(self, key: str, limit: int | None, rate: float | None) -> None:
        gates.set_gate(key, rate_per_s=rate, max_in_flight=limit)

    @rule()
    def close_a_gate(self) -> None:
        gates.close_gate("domain:x", for_s=60)

    # --- time, and the tick in pieces ---------------------------------------------------------------
    @rule()
    def an_hour_passes(self) -> None:
        Job.objects.filter(state=State.SCHEDULED).update(run_at=F("run_at") - HOUR)
        Gate.objects.update(refilled_at=F("refilled_at") - HOUR, closed_until=F("closed_until") - HOUR)
        JobKey.objects.filter(expires_at__isnull=False).update(expires_at=F("expires_at") - 13 * HOUR)

    @rule(
        step=st.sampled_from(
            [release_waiting, release_scheduled, gates.hold_paused, gates.pass_gates, reclaim_lost_jobs]
        )
    )
    def tick(self, step: Any) -> None:
        step()

    @rule()
    def finish_groups(self) -> None:
        open_before = set(JobGroup.objects.filter(final_at=None).values_list("name", flat=True))
        finish_groups()
        ended = open_before - set(JobGroup.objects.filter(final_at=None).values_list("name", flat=True))
        assert not Job.objects.filter(grp__in=ended, state__in=LIVE_STATES).exists()

    # --- what always holds --------------------------------------------------------------------------
    @invariant()
    def promises_hold(self) -> None:
        self.is_broken = True
        before, self.now = self.now, photograph()
        assert_all_promises(before, self.now)
        self.is_broken = False

    # --- how ----------------------------------------------------------------------------------------
    def _new_worker(self) -> int:
        return Worker.objects.create(name="w", hostname="h", pid=1, queues=[*QUEUES]).pk

    def _replace(self, who: int) -> None:
        self.ghosts.append(self.workers[who % 2])
        self.workers[who % 2] = self._new_worker()

    def _pick(self, which: int) -> int:
        ids = sorted(self.now.jobs)
        return ids[which % len(ids)]

    def _claim(self, worker_id: int, queue: str, limit: int) -> None:
        paused = set(Gate.objects.filter(is_paused=True).values_list("key", flat=True))
        could_be = runnable(self.now, queue, paused=paused)
        jobs = claim(queue, worker_id=worker_id, limit=limit)
        claimed = {job.id for job in jobs}
        suspects = {pk for pk, row in could_be.items() if row.is_suspect}
        assert len(claimed) == len(jobs) == (1 if suspects else min(limit, len(could_be)))
        assert claimed <= (suspects or could_be.keys())
        assert all(job.lease > could_be[job.id].lease for job in jobs)
        left = [could_be[pk].priority for pk in (suspects or could_be.keys()) - claimed]
        assert not jobs or not left or max(job.priority for job in jobs) <= min(left), "something urgent was left"
        for task in {job.task for job in jobs}:
            self.held.append(Held([job for job in jobs if job.task == task]))

    def _settle(self, held: Held, ends: Sequence[str]) -> None:
        before = photograph()
        batch = Batch(jobs=list(held.jobs))
        for job, end in zip(held.jobs, ends, strict=False):
            _end(batch, job, end)
        task = get_task(held.jobs[0].task)
        if task.name == "act":
            batch.on_settle(_take_effect)
        settled = settle(batch, task=task, worker_name="w", run_s=0.0)
        ours = {job.id for job in held.jobs if is_ours(before, job)}
        assert settled.fenced == len(held.jobs) - len(ours), "a lost lease changed something, or ours did not"
        assert not (held.is_ended and ours)
        held.is_ended = True
        after = photograph()
        assert all(after.jobs[job.id] == before.jobs[job.id] for job in held.jobs if job.id not in ours)

    def _run_until_quiet(self) -> None:
        """Take all that holds jobs away, and let ordinary workers do what is left."""
        for who in (0, 1):
            self.crash(who, is_silent=False)
        Gate.objects.update(is_paused=False, rate_per_s=None, max_in_flight=None)
        for _ in range(MAX_ROUNDS):
            was = self.now
            self.an_hour_passes()
            for step in (reclaim_lost_jobs, finish_groups, release_waiting, release_scheduled, gates.pass_gates):
                step()
            self.held.clear()
            for queue in QUEUES:
                self.promises_hold()
                self._claim(self.workers[0], queue, batch_size_of(queue))
            for held in self.held:
                self._settle(held, ["ok"] * len(held.jobs))
            self.promises_hold()
            if self.now == was and not self.held:
                break
        left = {pk: row for pk, row in self.now.jobs.items() if row.state not in FINAL_STATES}
        assert not left, "work that was accepted never ended"


def _waiting(new: NewJob, after: Sequence[int], *, group: str | None = None) -> NewJob:
    return NewJob(
        task=new.task, payload=new.payload, tenant=new.tenant, priority=new.priority, key=new.key, group=group,
        gates=new.gates, delay_s=new.delay_s, max_attempts=new.max_attempts, after=after, runs_anyway=new.runs_anyway,
    )  # fmt: skip


def _end(batch: Batch, job: ClaimedJob, end: str) -> None:
    match end:
        case "ok":
            batch.complete(job)
        case "follow":
            batch.complete(job, result={"n": 1}, then=[NewJob("noop-16", {}, key="k2"), NewJob("act", {}, delay_s=5)])
        case "release":
            batch.release(job)
        case "isolate":
            batch.isolate([job])
        case "wait":
            batch.fail(job, RateLimitedError("slow down", retry_after_s=5))
        case "retry":
            batch.fail(job, RetryableError("not yet"))
        case "fail":
            batch.fail(job, PermanentError("never"))
        case "bug":
            batch.fail(job, ZeroDivisionError("a bug"))


def _take_effect(jobs: Sequence[ClaimedJob]) -> None:
    Effect.objects.bulk_create([Effect(subject="", job_id=job.id) for job in jobs])


@pytest.mark.django_db(transaction=True)  # each example in one of its own, rolled back
def test_the_ledgers_promises_hold_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
