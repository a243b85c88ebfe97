"""How the server runs every statement of the engine, and every list that staff look at, at half a million due jobs.

Nothing may read a table of the ledger whole, nor touch more pages than a batch is worth: neither with statistics of
that ledger, nor with those of an hour ago, when nothing waited.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from jobs import departure, gates, retention, retention_sql, sql, tick_sql
from jobs.admission import standing_of
from jobs.batch import Batch, NewJob
from jobs.bulk import advance_bulk_retries, start_bulk_retry
from jobs.cancellation import cancel_job, cancel_matching, cancel_tree
from jobs.claim import claim
from jobs.control import prioritise_job, retry_job
from jobs.dispatch import log_progress, release_scheduled, wake_forgotten_queues
from jobs.errors import PermanentError, RetryableError
from jobs.events import drop_backlog, relay
from jobs.execution import give_back_orphans
from jobs.failures import failure_groups, open_letter_count
from jobs.fairness import make_lanes, restamp, set_weight
from jobs.family_tree import tree_of
from jobs.ledger import enqueue_many
from jobs.load import measure_load
from jobs.models import Job, JobDependency, Priority, State, Worker
from jobs.permits import transport
from jobs.prepared import PREPARED_AFTER
from jobs.reclaim import reclaim_lost_jobs
from jobs.registry import get_task, tasks_of_queue
from jobs.retention import Retention, clean_completed
from jobs.schedules import fire_due_schedules
from jobs.selection import LetterFilter
from jobs.session import Session
from jobs.settlement import settle
from jobs.stats import group_counts, queue_stats
from jobs.tenancy import stats_of
from jobs.workflows import finish_groups, open_group, release_waiting
from tests.jobs.full_ledger import LIVE_WORKER, Explainer, Plan, explain, fill, gather_statistics, undone, worst

PENDING, FINALS = 550_000, 100_000  # at a million the plans are the same (2026-11-26)
MAX_BUFFERS = 10_000  # pages of 8 KiB; a hundred jobs become due at 73 each
UNIFORM = """
INSERT INTO jobs_job (task, queue, tenant, priority, vtime, state, attempt, max_attempts, waits, crashes, is_suspect,
                      lease, payload, meta, error_code, error_message, created_at, run_at)
SELECT 'noop-64', 'noop-64', 'one', 2, n, 'pending', 0, 3, 0, 0, false, 0, '{}', '{}', '', '', now(), now()
  FROM generate_series(1, %s) AS n
"""
LEDGER_PAGES = 20_000  # all of the ledger and an index: what is found by neither index nor luck is looked for once
TENANT_PAGES = 30_000  # of every queue tenant by tenant, by its index, however long the ledger is
BATCH = 64
STAFF = {"actor": "ada", "reason": "plans"}

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Some:
    """A few jobs of each kind, found before anybody looks at plans."""

    pending: Sequence[int]
    keyed: Sequence[int]
    key: str
    running: Sequence[int]
    failed: Sequence[int]
    awaited: Sequence[int]


# --- what the engine does -----------------------------------------------------------------------------
def enqueues(some: Some) -> None:
    news = [NewJob("noop-64", {}, tenant=f"t{n % 97}", key=f"new{n}", group="new:0") for n in range(BATCH)]
    answers = enqueue_many([*news, NewJob("noop-64", {}, key=some.key), NewJob("act", {}, after=[some.pending[0]])])
    assert [answer.is_duplicate for answer in answers] == [False] * BATCH + [True, False]


def claims_and_settles_plainly(some: Some) -> None:
    Job.objects.filter(pk__in=some.pending).update(priority=0, vtime=0)
    jobs = claim("noop-64", worker_id=LIVE_WORKER, limit=BATCH)
    assert len(jobs) == BATCH
    batch = Batch(jobs=jobs)
    for job in jobs:
        batch.complete(job)
    settle(batch, task=get_task("noop-64"), worker_name="w", run_s=0)


def claims_and_settles_with_results_and_failures(some: Some) -> None:
    jobs = claim("noop-64", worker_id=LIVE_WORKER, limit=BATCH)
    batch = Batch(jobs=jobs)
    for number, job in enumerate(jobs):
        match number % 4:
            case 0:
                batch.complete(job, result={"n": 1}, then=[NewJob("act", {})])
            case 1:
                batch.fail(job, RetryableError("not yet"))
            case 2:
                batch.fail(job, PermanentError("never"))
            case 3:
                batch.release(job)
    settle(batch, task=get_task("noop-64"), worker_name="w", run_s=0)


def settles_jobs_with_keys(some: Some) -> None:
    Job.objects.filter(pk__in=some.keyed).update(priority=0, vtime=0)
    jobs = claim("noop-64", worker_id=LIVE_WORKER, limit=BATCH)
    assert jobs[0].key
    batch = Batch(jobs=jobs)
    for job in jobs[::2]:
        batch.complete(job)
    for job in jobs[1::2]:
        batch.fail(job, PermanentError("never"))
    settle(batch, task=get_task("noop-64"), worker_name="w", run_s=0)


def ticks(some: Some) -> None:
    finish_groups()
    fire_due_schedules()
    release_waiting()
    release_scheduled()
    gates.pass_gates()
    wake_forgotten_queues()
    log_progress()
    make_lanes()
    measure_load(limit=1_000)


def disappoints_who_waits_in_vain(some: Some) -> None:
    Job.objects.filter(pk__in=some.awaited).update(state=State.FAILED, finished_at=timezone.now())
    release_waiting()


def finishes_a_group(some: Some) -> None:
    Job.objects.filter(pk__in=some.pending).update(grp="ending", state=State.COMPLETED, finished_at=timezone.now())
    open_group("ending", then=NewJob("act", {}))
    assert finish_groups()


def holds_what_is_paused(some: Some) -> None:
    for key in ("tenant:t5", "task:act"):
        gates.pause(key)
    gates.hold_paused()
    gates.hold_pending("tenant:t6", head=BATCH)


def claims_past_a_paused_tenant(some: Some) -> None:
    gates.pause("tenant:t5")
    assert len(claim("noop-64", worker_id=LIVE_WORKER, limit=BATCH)) == BATCH


def claims_what_fits_of_unlike_tasks(some: Some) -> None:
    assert len(claim("mixed", worker_id=LIVE_WORKER, limit=BATCH)) == 4  # the most urgent lane is of one task


def reclaims_what_the_dead_held(some: Some) -> None:
    Worker.objects.filter(pk__gte=LIVE_WORKER, pk__lt=LIVE_WORKER + 5).update(beat_at=F("beat_at") - timedelta(hours=1))
    Worker.objects.filter(pk=LIVE_WORKER + 6).update(ended_at=timezone.now())
    assert reclaim_lost_jobs()


def hands_back_what_a_worker_holds(some: Some) -> None:
    session = Session(name="w", queues=["workload"])
    session.worker_id, session.may_hold_jobs = LIVE_WORKER + 7, True
    session._tell(connection)
    give_back_orphans(session)
    assert departure.hand_back(worker_id=LIVE_WORKER + 8, reason="stopped at once")


def tells_the_streams(some: Some) -> None:
    relay()
    drop_backlog()
    transport().flushdb()


def forgets(some: Some) -> None:
    walk = Retention()
    for _ in range(5):
        walk.step(0.01)
    for statement in (retention_sql.SWEEP_MINUTES, retention_sql.SWEEP_GROUPS, retention_sql.SWEEP_WORKERS):
        next(walk._sweep_old("minutes", statement))
    top = some.pending[0]
    next(walk._sweep("letters", retention_sql.SWEEP_LETTERS, top, {"keep": BATCH, "kept_tasks": []}))
    next(walk._sweep("keys", retention_sql.SWEEP_KEYS, top, {}))
    retention._run(retention_sql.TOP_LETTER, {})
    assert clean_completed(before=timezone.now(), limit=BATCH)


def stamps_anew(some: Some) -> None:
    set_weight("t7", 3)
    restamp(queue="workload", priority=2, tenant="t8")


def admits(some: Some) -> None:
    standing_of("t3")


def cancels(some: Some) -> None:
    first, *children = some.pending[:4]
    Job.objects.filter(pk__in=children).update(parent_id=first)
    tree_of(Job.objects.get(pk=first))
    cancel_tree(first, **STAFF)
    cancel_job(some.running[0], **STAFF)
    cancel_matching(Job.objects.filter(grp="new:20"), matching={}, limit=BATCH, **STAFF)


def changes_priorities_and_retries(some: Some) -> None:
    prioritise_job(some.pending[0], Priority.CRITICAL, **STAFF)
    retry_job(some.failed[0], **STAFF)
    start_bulk_retry(LetterFilter(error_code="test.broken"), rate_per_s=50, canary=10, **STAFF)
    advance_bulk_retries(now=timezone.now())


def answers_about_the_queues(some: Some) -> None:
    queue_stats()
    group_counts("new:30")
    stats_of("t3")
    failure_groups()
    open_letter_count()


ENGINE: list[Callable[[Some], None]] = [
    enqueues, claims_and_settles_plainly, claims_and_settles_with_results_and_failures, settles_jobs_with_keys, ticks,
    disappoints_who_waits_in_vain, finishes_a_group, holds_what_is_paused, claims_past_a_paused_tenant,
    claims_what_fits_of_unlike_tasks,
    reclaims_what_the_dead_held, hands_back_what_a_worker_holds, tells_the_streams, forgets, stamps_anew, admits,
    cancels, changes_priorities_and_retries, answers_about_the_queues,
]  # fmt: skip

# --- what staff look at -------------------------------------------------------------------------------
JOBS, LETTERS, API = "/admin/jobs/job/", "/admin/jobs/deadletter/", "/api/admin/jobs/"
PAGES = [
    "/admin/", "/admin/jobs/queues/", "/admin/jobs/tasks/", "/admin/jobs/failures/", "/admin/jobs/worker/",
    "/admin/jobs/audit/", JOBS, f"{JOBS}?p=15", f"{JOBS}?o=1",
    *(f"{JOBS}?state__exact={state}" for state in State.values),
    f"{JOBS}?task=act", f"{JOBS}?task=sync-seller", f"{JOBS}?queue=workload", f"{JOBS}?queue=index-product",
    f"{JOBS}?priority__exact=3", f"{JOBS}?task=act&state__exact=failed", f"{JOBS}?task=sync-seller&state__exact=dead",
    f"{JOBS}?q=t3", f"{JOBS}?q=new:30", f"{JOBS}?q=1000", f"{JOBS}?q=nobody",
    LETTERS, f"{LETTERS}?resolution=open", f"{LETTERS}?task=act",
    API, *(f"{API}?state={state}" for state in State.values),
    f"{API}?task=sync-seller", f"{API}?tenant=t3&state=failed", f"{API}?group=new:30", f"{API}?error_code=test.broken",
    "/api/admin/dlq/", "/api/admin/queues/", "/api/queue/stats/",
]  # fmt: skip


@pytest.fixture(scope="module")
def some(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Some]:
    """Half a million due jobs, in a transaction: the tables' old files come back when it is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(pending=PENDING, finals=FINALS)
        yield _some()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        gather_statistics()  # the server's count of rows is not rolled back


def _some() -> Some:
    def of(**wanted: Any) -> list[int]:
        return list(Job.objects.filter(**wanted).order_by("pk").values_list("pk", flat=True)[:BATCH])

    keyed = of(state=State.PENDING, queue="noop-64", key__isnull=False)
    return Some(
        pending=of(state=State.PENDING, queue="noop-64", key=None),
        keyed=keyed,
        key=str(Job.objects.get(pk=keyed[0]).key),
        running=of(state=State.RUNNING),
        failed=of(state=State.FAILED),
        awaited=list(JobDependency.objects.order_by("-on_id").values_list("on_id", flat=True).distinct()[:10]),
    )


@pytest.fixture(scope="module", params=["stale", "fresh"])
def statistics(request: pytest.FixtureRequest, some: Some) -> str:
    """What the planner knows: of an hour ago, or of now."""
    if request.param == "fresh":
        gather_statistics()
    return str(request.param)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Let what goes by thousands go by batches, so that one limit is right for all."""
    settings.JOB_MAX_WAITING = 1_000
    for name in (
        "gates.MAX_HELD_A_TICK", "gates.HEAD_A_TICK", "events.MAX_RELAYED_AT_ONCE",
        "fairness.RESTAMPED_AT_MOST", "workflows.MAX_DEPENDENCIES_A_TICK", "cancellation.JOBS_A_STEP",
    ):  # fmt: skip
        monkeypatch.setattr(f"jobs.{name}", BATCH)
    for name in ("stats.MAX_COUNT", "tenancy.MAX_COUNTED", "pages.paginator.MAX_COUNT"):
        monkeypatch.setattr(f"jobs.{name}", 1_000)


def _explained(steps: Mapping[str, Callable[[], object]]) -> list[Plan]:
    explainer = Explainer()
    for name, step in steps.items():
        with explainer.watching(name):
            step()
    print(worst(explainer.plans))
    return explainer.plans


def test_a_claim_from_a_ledger_of_one_task_and_tenant_reads_no_more_than_its_batch() -> None:
    with connection.cursor() as cursor, undone("uniform"):
        # The old file and the old sequence come back with it: else the tests of retention, which walks along the ids by
        # twos, would walk over 200,000 that nobody holds (397 s).
        cursor.execute("TRUNCATE jobs_job RESTART IDENTITY CASCADE")
        cursor.execute(UNIFORM, [200_000])
        cursor.execute("ANALYZE jobs_job")
        values = {"worker": LIVE_WORKER, "queue": "noop-64", "tasks": ["noop-64"], "limit": BATCH}
        plan = explain(sql.CLAIM, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
    print(plan)
    assert plan.buffers < MAX_BUFFERS
    assert "jobs_job" not in plan.scanned


def test_no_statement_of_the_engine_reads_more_than_its_batch(some: Some, statistics: str) -> None:
    plans = _explained({step.__name__: partial(step, some) for step in ENGINE})
    bad = [plan for plan in plans if plan.buffers > MAX_BUFFERS or "jobs_job" in plan.scanned]
    assert not bad, "\n" + worst(bad, 50)
    seen = {plan.sql for plan in plans}
    unseen = [
        name for module in (sql, tick_sql, retention_sql) for name, text in _statements(module) if text not in seen
    ]
    assert not unseen, "nobody has looked at these"


def _statements(module: ModuleType) -> list[tuple[str, str]]:
    """List a module's statements; those with an open brace are the pattern of others."""
    found = [(name, text) for name, text in vars(module).items() if re.fullmatch(r"[A-Z][A-Z_]+", name)]
    return [(name, text) for name, text in found if "{" not in text.replace("'{}'", "")]


@pytest.mark.parametrize(
    ("queue", "statement"), [("noop-64", sql.CLAIM), ("mixed", sql.CLAIM_BY_TASK)], ids=["alike", "unlike"]
)
def test_a_prepared_claim_reads_no_more_than_its_batch(some: Some, statistics: str, queue: str, statement: str) -> None:
    with connection.cursor() as cursor, undone("claims"):
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for _ in range(PREPARED_AFTER + 2):
            claim(queue, worker_id=LIVE_WORKER, limit=BATCH)
        cursor.execute(
            "SELECT name FROM pg_prepared_statements"
            " WHERE statement LIKE '%%claimed AS%%' AND (statement LIKE '%%is_beyond%%') = %s",
            ["is_beyond" in statement],
        )
        (name,) = cursor.fetchone()
        tasks = tasks_of_queue(queue)
        values = {"worker": LIVE_WORKER, "queue": queue, "tasks": [it.name for it in tasks], "limit": BATCH}
        values["sizes"] = [it.batch_size for it in tasks]
        names = dict.fromkeys(re.findall(r"%\((\w+)\)s", statement))
        plan = explain(f'EXECUTE "{name}" ({", ".join(["%s"] * len(names))})', [values[it] for it in names])
    print(plan)
    assert plan.buffers < MAX_BUFFERS
    assert "jobs_job" not in plan.scanned


# With the statistics of an hour ago the list of all that is due takes two seconds: until autovacuum has come by.
@pytest.mark.parametrize("statistics", ["fresh"], indirect=True)
def test_no_list_that_staff_look_at_reads_the_ledger_twice(some: Some, statistics: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))

    def look(page: str) -> None:
        assert client.get(page).status_code == 200, page

    plans = _explained({page: partial(look, page) for page in PAGES})
    most = {"/api/admin/queues/": TENANT_PAGES}
    bad = [plan for plan in plans if plan.buffers > most.get(plan.step, LEDGER_PAGES)]
    assert not bad, "\n" + worst(bad, 50)
