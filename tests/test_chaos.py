"""A real engine under a minute of faults keeps its promise; and the harness that says so would notice if it did not."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.chaos.facts import Facts, JobFact
from tests.chaos.faults import Kind, plan_faults
from tests.chaos.verdict import Verdict, judge, percentile
from tests.tracing import TRACING

# What the test session's own stack has put into the environment.
NOT_HANDED_DOWN = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI", "SECRET_KEY", "VAR_DIR", TRACING)
SIZE: dict[str, Any] = {"seconds": 600, "mean_gap_s": 2.0, "workers": 4, "dispatchers": 2}


# --- the plan -------------------------------------------------------------------------------------
def test_a_seed_gives_one_plan_and_another_seed_another() -> None:
    assert plan_faults(seed=1, **SIZE) == plan_faults(seed=1, **SIZE)
    assert plan_faults(seed=1, **SIZE) != plan_faults(seed=2, **SIZE)


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_has_every_kind_in_order_of_time_and_within_its_bounds(seed: int) -> None:
    plan = plan_faults(seed=seed, **SIZE)
    times = [fault.at_s for fault in plan]
    assert {fault.kind for fault in plan} == set(Kind)
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < SIZE["seconds"]
    assert {fault.target for fault in plan if "worker" in fault.kind} == set(range(4))
    assert {fault.target for fault in plan if "dispatcher" in fault.kind} == {0, 1}


# --- the verdict ----------------------------------------------------------------------------------
JOBS = (
    JobFact(1, "a", "ok", "completed", 1, ""),
    JobFact(2, "b", "fail", "failed", 1, "jobs.permanent"),
    JobFact(3, "c", "follow", "completed", 1, ""),
    JobFact(4, "after c", "", "completed", 1, ""),
    JobFact(5, "after g", "", "completed", 1, ""),
)
KEPT = Facts(
    accepted=frozenset({1, 2, 3}),
    jobs=JOBS,
    effects=Counter({(1, "a"): 1, (2, "gave up b"): 1, (3, "c"): 1, (4, "after c"): 1, (5, "after g"): 1}),
    groups=frozenset({"g"}),
    things={"a": 1, "c": 3, "after c": 4, "after g": 5},
    runs={1: 1, 2: 1, 3: 1, 4: 1, 5: 1},
)


def _with_job(number: int, **changes: Any) -> tuple[JobFact, ...]:
    return tuple(replace(job, **changes) if job.id == number else job for job in JOBS)


def _found(verdict: Verdict) -> dict[str, int]:
    names = ("lost", "duplicate_effects", "stuck", "wrong_ends", "stores_differ", "quarantined", "handler_reruns")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def test_a_run_that_kept_its_promise_is_clean() -> None:
    verdict = judge(KEPT)
    assert verdict.is_kept
    assert verdict.jobs == len(JOBS)
    assert _found(verdict) == {}


def _but(*, less: tuple[int, str] | None = None, more: tuple[int, str] | None = None, **changes: Any) -> Facts:
    """Return the facts of the kept promise with some changed, and a row of effect less or more."""
    effects = KEPT.effects.copy()
    effects.update([more] if more else [])
    effects.subtract([less] if less else [])
    return replace(KEPT, **{"effects": +effects, **changes})


ENOUGH = {"a": 1, "c": 3, "after g": 5}


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (_but(accepted=frozenset({1, 9})), {"lost": 1}),
        (_but(less=(1, "a")), {"lost": 1}),
        (_but(less=(2, "gave up b")), {"lost": 1}),
        (_but(groups=frozenset({"g", "h"})), {"lost": 1}),
        (
            _but(jobs=_with_job(4, subject="z"), less=(4, "after c"), more=(4, "z"), things={**ENOUGH, "z": 4}),
            {"lost": 1},
        ),
        (_but(more=(1, "a")), {"duplicate_effects": 1}),
        (_but(more=(9, "a")), {"duplicate_effects": 1}),
        (_but(more=(9, "x")), {"duplicate_effects": 1}),
        (_but(jobs=_with_job(4, state="running"), less=(4, "after c"), things=ENOUGH), {"stuck": 1}),
        (
            _but(jobs=_with_job(4, state="dead"), less=(4, "after c"), more=(4, "gave up after c"), things=ENOUGH),
            {"wrong_ends": 1},
        ),
        (_but(things=ENOUGH), {"stores_differ": 1}),
        (_but(things={**KEPT.things, "b": 2}), {"stores_differ": 1}),
    ],
    ids=[
        "an accepted job has no row",
        "a completed job has no effect",
        "nobody was told of a failed job",
        "a group has no follow-up",
        "a job has no follow-up",
        "one job did it twice",
        "two jobs did one thing",
        "an effect that no job had",
        "a job still runs",
        "a good job is dead",
        "a key is missing",
        "a key is too many",
    ],
)
def test_each_broken_promise_is_found_and_named(facts: Facts, found: dict[str, int]) -> None:
    verdict = judge(facts)
    assert not verdict.is_kept
    assert _found(verdict) == found


def test_quarantine_after_three_killed_workers_is_no_broken_promise() -> None:
    jobs = _with_job(1, state="dead", error_code="jobs.quarantined")
    effects = KEPT.effects - Counter({(1, "a"): 1}) + Counter({(1, "gave up a"): 1})
    verdict = judge(replace(KEPT, jobs=jobs, effects=effects))
    assert verdict.is_kept
    assert _found(verdict) == {"quarantined": 1}


def test_a_handler_that_ran_again_is_counted_and_allowed() -> None:
    verdict = judge(replace(KEPT, runs={**KEPT.runs, 1: 3}))
    assert verdict.is_kept
    assert _found(verdict) == {"handler_reruns": 2}


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0
    assert percentile([1.0], 0.99) == 1.0
    assert percentile([], 0.99) is None


# --- the run --------------------------------------------------------------------------------------
@pytest.mark.timeout(300)
def test_half_a_minute_of_faults_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_DOWN}
    options = ("--seconds", "20", "--seed", "1", "--workers", "3", "--gap-s", "1.2", "--recovery-within-s", "0")
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=settings.BASE_DIR, env=environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    report = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    assert done.returncode == 0, f"{report}\n{done.stderr[-10_000:]}"
    assert report["jobs"] > 100
    assert set(report["faults"]) == set(Kind)
    assert [report[name] for name in ("lost", "duplicate_effects", "stuck", "wrong_ends", "stores_differ")] == [0] * 5
