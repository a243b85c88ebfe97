"""What operators may do to queues, tasks, tenants, paces and jobs. Each act says why, and leaves an audit row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs import audit, gates, retention
from jobs.batch import NewJob
from jobs.dead_letters import again, free_keys_of, retry_dead_letter
from jobs.fairness import restamp
from jobs.ledger import Enqueued, enqueue, enqueue_many
from jobs.models import LIVE_STATES, DeadLetter, Gate, Job, Priority, State, TaskSwitch, Tenant
from jobs.registry import all_tasks, get_task
from jobs.tenants import TenantChanges, set_tenant

JOBS_A_STEP = 2_000

_PRIORITISE = """
UPDATE jobs_job SET priority = %s
 WHERE id = ANY (ARRAY(
        SELECT id FROM jobs_job
         WHERE id = ANY (%s) AND state IN ('waiting', 'scheduled', 'gated', 'pending', 'running') AND priority <> %s
         ORDER BY id FOR UPDATE SKIP LOCKED))
RETURNING queue, tenant, state
"""


class Held(StrEnum):
    """What can be paused."""

    QUEUE = "queue"
    TASK = "task"
    TENANT = "tenant"
    GATE = "gate"


class UnknownQueue(LookupError):
    """No queue has that name."""


class NotRetryable(Exception):
    """Only a job that failed, died or was cancelled can be tried again."""


class NotLive(Exception):
    """The job has ended already."""


def gate_key(kind: Held, name: str) -> str:
    """Return the key of the gate that holds a whole queue, task or tenant; a gate's name is its key."""
    return name if kind is Held.GATE else f"{kind}:{name}"


def check_name(kind: Held, name: str) -> None:
    """Refuse the name of what does not exist; any tenant and any gate may.

    Raises:
        UnknownQueue: there is no such queue.
        UnknownTask: there is no such task.
    """
    if kind is Held.QUEUE and name not in settings.JOB_QUEUES:
        raise UnknownQueue(f"no queue is named {name!r}; there are {', '.join(settings.JOB_QUEUES)}")
    if kind is Held.TASK:
        get_task(name)


def pause(kind: Held, name: str, *, actor: str, reason: str) -> None:
    """Let no job of it start any more; what runs ends, what is enqueued is accepted and waits.

    Raises:
        UnknownQueue: there is no such queue.
        UnknownTask: there is no such task.
    """
    check_name(kind, name)
    with transaction.atomic():
        gates.pause(gate_key(kind, name))
        audit.record(actor=actor, action=f"pause {kind}", subject=f"{kind} {name}", reason=reason)


def resume(kind: Held, name: str, *, actor: str, reason: str) -> None:
    """Let its jobs start again. A task that was switched off is on again.

    Raises:
        UnknownQueue: there is no such queue.
        UnknownTask: there is no such task.
    """
    check_name(kind, name)
    with transaction.atomic():
        gates.resume(gate_key(kind, name))
        if kind is Held.TASK:
            TaskSwitch.objects.filter(task=name, mode=TaskSwitch.Mode.OFF).update(
                mode=TaskSwitch.Mode.ON, changed_at=timezone.now(), changed_by=actor
            )
        audit.record(actor=actor, action=f"resume {kind}", subject=f"{kind} {name}", reason=reason)


def paused_names(kind: Held) -> set[str]:
    """Return the names of the queues, tasks, tenants or gates that are paused."""
    prefix = gate_key(kind, "")
    keys = Gate.objects.filter(is_paused=True, key__startswith=prefix).values_list("key", flat=True)
    return {key.removeprefix(prefix) for key in keys}


def tasks_with_switches() -> list[dict[str, Any]]:
    """List the declared tasks, each with its mode and whether it is paused."""
    modes = dict(TaskSwitch.objects.values_list("task", "mode"))
    paused = paused_names(Held.TASK)
    return [
        {
            "name": task.name,
            "queue": task.queue,
            "mode": modes.get(task.name, TaskSwitch.Mode.ON),
            "is_paused": task.name in paused,
            "batch_size": task.batch_size,
            "attempts": task.attempts,
            "timeout_s": task.timeout_s,
        }
        for task in all_tasks()
    ]


def switch_task(task: str, mode: TaskSwitch.Mode, *, actor: str, reason: str) -> TaskSwitch:
    """Switch a task on, off (what is enqueued is accepted and waits) or to its inline path.

    Raises:
        UnknownTask: there is no such task.
    """
    get_task(task)
    with transaction.atomic():
        switch, _ = TaskSwitch.objects.update_or_create(
            task=task, defaults={"mode": mode, "changed_at": timezone.now(), "changed_by": actor}
        )
        act = gates.pause if mode == TaskSwitch.Mode.OFF else gates.resume
        act(gate_key(Held.TASK, task))
        audit.record(actor=actor, action=f"switch task {mode}", subject=f"task {task}", reason=reason)
    return switch


def override_pace(key: str, *, rate_per_s: float, burst: float | None = None, actor: str, reason: str) -> None:
    """Put a pace of the operator's before the one that the code declares."""
    with transaction.atomic():
        gates.override_gate(key, rate_per_s=rate_per_s, burst=burst)
        audit.record(
            actor=actor,
            action="override gate",
            subject=f"gate {key}",
            reason=reason,
            matching={"rate_per_s": rate_per_s, "burst": burst},
        )


def remove_pace_override(key: str, *, actor: str, reason: str) -> None:
    """Go back to the pace that the code declares.

    Raises:
        Gate.DoesNotExist: there is no such gate.
    """
    with transaction.atomic():
        Gate.objects.only("pk").get(pk=key)
        gates.override_gate(key, rate_per_s=None, burst=None)
        audit.record(actor=actor, action="remove gate override", subject=f"gate {key}", reason=reason)


def change_tenant(name: str, *, changes: dict[str, Any], actor: str, reason: str) -> Tenant:
    """Set a tenant's weight or limits."""
    with transaction.atomic():
        tenant = set_tenant(name, **cast(TenantChanges, changes))
        audit.record(actor=actor, action="change tenant", subject=f"tenant {name}", reason=reason, matching=changes)
    return tenant


def retry_job(job_id: int, *, actor: str, reason: str) -> Enqueued:
    """Try a job again, as a new job that names the old one and starts with all its attempts.

    Its open dead letter is resolved by that.

    Raises:
        Job.DoesNotExist: there is no such job.
        NotRetryable: it lives, or was completed.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.state not in (State.FAILED, State.DEAD, State.CANCELLED):
            raise NotRetryable(f"job {job_id} is {job.state}")
        letter = DeadLetter.objects.filter(job_id=job_id, resolution="").first()
        if letter is not None:
            return retry_dead_letter(letter.pk, actor=actor, reason=reason)
        audit.record(actor=actor, action="retry", subject=f"job {job_id}", reason=reason)
        free_keys_of([job_id])
        return enqueue(again(job, actor=actor, source="retry"), origin_id=job_id)


def prioritise_job(job_id: int, priority: Priority, *, actor: str, reason: str) -> None:
    """Change the priority of a job that has not ended.

    Raises:
        Job.DoesNotExist: there is no such job.
        NotLive: it has ended.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().only("state").get(pk=job_id)
        if job.state not in LIVE_STATES:
            raise NotLive(f"job {job_id} is {job.state}")
        _prioritise_now([job_id], priority)
        audit.record(actor=actor, action=f"make {priority.name.lower()}", subject=f"job {job_id}", reason=reason)


def prioritise_matching(
    jobs: QuerySet[Job], priority: Priority, *, matching: dict[str, Any], actor: str, reason: str
) -> int:
    """Change the priority of all live jobs among `jobs`, in steps that each commit; return how many it was."""
    live = jobs.filter(state__in=LIVE_STATES).exclude(priority=priority).order_by("pk").values_list("pk", flat=True)
    action = f"make {priority.name.lower()}"
    total = last = 0
    while ids := list(live.filter(pk__gt=last)[:JOBS_A_STEP]):
        last = ids[-1]
        with transaction.atomic():
            count = _prioritise_now(ids, priority)
            audit.record(actor=actor, action=action, subject="jobs", reason=reason, matching=matching, count=count)
        total += count
    if not last:
        audit.record(actor=actor, action=action, subject="jobs", reason=reason, matching=matching, count=0)
    return total


def add_jobs(new_jobs: Sequence[NewJob], *, actor: str, reason: str, source: str) -> list[Enqueued]:
    """Enqueue jobs on an operator's behalf.

    Raises:
        UnknownTask: a task is not declared.
    """
    marked = [replace(new, meta={**(new.meta or {}), "source": source, "by": actor}) for new in new_jobs]
    with transaction.atomic():
        answers = enqueue_many(marked)
        fresh = sum(not answer.is_duplicate for answer in answers)
        tasks = ", ".join(sorted({new.task for new in new_jobs}))
        audit.record(actor=actor, action="add", subject=f"jobs: {tasks}", reason=reason, count=fresh)
    return answers


def clean_completed(*, before: datetime, actor: str, reason: str) -> int:
    """Delete the jobs that were completed before then, in small steps; return how many."""
    count = retention.clean_completed(before=before)
    audit.record(
        actor=actor,
        action="clean",
        subject="completed jobs",
        reason=reason,
        matching={"finished_before": before.isoformat()},
        count=count,
    )
    return count


def _prioritise_now(ids: Sequence[int], priority: Priority) -> int:
    """Change the priority, in the caller's transaction; those in the ready line go to their place in the new lane."""
    with connection.cursor() as cursor:
        cursor.execute(_PRIORITISE, [priority, list(ids), priority])
        rows = cursor.fetchall()
    ready = {(queue, tenant) for queue, tenant, state in rows if state in (State.PENDING, State.GATED)}
    for queue, tenant in sorted(ready):
        restamp(queue=queue, priority=priority, tenant=tenant)
    return len(rows)
