"""Jobs that wait for others, and sets of jobs with something to do when the last one is final.

`NewJob(after=[...])` waits for a few named jobs: a chain, a diamond. A *group* is a set that may grow and be large: it
has no counter that every settlement would write, the tick looks whether anything of it still lives.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jobs import sql, tick_sql
from jobs.batch import NewJob
from jobs.ledger import enqueue
from jobs.models import JobGroup, Priority, State
from jobs.registry import get_task
from jobs.stats import group_counts

MAX_GROUPS_A_TICK = 100
MAX_DEPENDENCIES_A_TICK = 5_000
UNMET = "jobs.dependency_not_completed"


def open_group(
    name: str,
    *,
    tenant: str = "",
    then: NewJob | None = None,
    otherwise: NewJob | None = None,
    parent_job_id: int | None = None,
) -> None:
    """Name a set of jobs. When all jobs of the group are final, one follow-up is enqueued, once.

    Call it in the transaction that enqueues the group's first job, or the empty group is final at once. The follow-up's
    meta holds under "group" how many jobs ended in which state.

    Args:
        name: what the jobs give as their `group`.
        tenant: whose set it is.
        then: enqueued when all jobs are completed; also when some are not, unless `otherwise` is given.
        otherwise: enqueued instead when some job was not completed.
        parent_job_id: the job that opens the group, as the parent of the follow-up.
    """
    follow_up = then or otherwise
    JobGroup.objects.create(
        name=name,
        tenant=tenant,
        then_task=then.task if then else "",
        then_payload=_payload(then),
        otherwise_task=otherwise.task if otherwise else "",
        otherwise_payload=_payload(otherwise),
        parent_job_id=parent_job_id,
        priority=Priority.NORMAL if follow_up is None or follow_up.priority is None else follow_up.priority,
    )


def finish_groups() -> int:
    """Start the follow-up of each group whose last job is final; return how many ended."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tick_sql.FINAL_GROUPS, [MAX_GROUPS_A_TICK])
        names = [row[0] for row in cursor.fetchall()]
        groups = JobGroup.objects.in_bulk(names)
        for name in names:
            _finish(groups[name])
    return len(names)


def release_waiting() -> int:
    """Let go the jobs whose last dependency is final, cancel those that waited in vain; return how many were met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tick_sql.FINAL_DEPENDENCIES, [MAX_DEPENDENCIES_A_TICK])
        finals = dict(cursor.fetchall())
        if not finals:
            return 0
        _cancel_dependents(cursor, finals)
        cursor.execute(tick_sql.RELEASE_WAITING, {"final": list(finals)})
        return int(cursor.fetchone()[0])


def cancel_live(job_ids: Collection[int], *, code: str, message: str) -> dict[int, str]:
    """Cancel those of the jobs that live, in the caller's transaction; return their states by id.

    What does not run is `cancelled` at once and frees its key; what runs stays `running` and ends as cancelled
    whatever it does.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.CANCEL_LIVE, {"ids": sorted(job_ids), "code": code, "message": message})
        return dict(cursor.fetchall())


def _cancel_dependents(cursor: Any, finals: Mapping[int, str | None]) -> None:
    """Cancel what waits for a job that was not completed; a job that is gone was kept long enough to be a success."""
    failed = [job_id for job_id, state in finals.items() if state not in (State.COMPLETED, None)]
    if not failed:
        return
    cursor.execute(tick_sql.DISAPPOINTED, [failed])
    disappointed = [row[0] for row in cursor.fetchall()]
    if disappointed:
        cancel_live(disappointed, code=UNMET, message="A job that this one waited for was not completed.")


def _finish(group: JobGroup) -> None:
    counts: Counter[str] = Counter()
    for states in group_counts(group.name).values():
        counts.update(states)
    group.outcome = dict(counts)
    group.final_at = timezone.now()
    group.save(update_fields=["outcome", "final_at"])
    is_whole = set(counts) <= {State.COMPLETED}
    use_other = bool(group.otherwise_task) and not is_whole
    task = group.otherwise_task if use_other else group.then_task
    if not task:
        return
    enqueue(
        NewJob(
            task,
            group.otherwise_payload if use_other else group.then_payload,
            tenant=group.tenant,
            priority=Priority(group.priority),
            key=f"group:{group.name}",
            meta={"group": {"name": group.name, **counts}},
            parent=group.parent_job_id,
        )
    )


def _payload(new: NewJob | None) -> dict[str, Any]:
    if new is None:
        return {}
    get_task(new.task)
    return new.payload
