"""The engine in the admin: jobs, dead letters, workers, audit."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobs.admin_dead_letters import DeadLetterAdmin
from jobs.admin_lists import QueueFilter, ReadOnlyAdmin, TaskFilter
from jobs.admin_schedules import ScheduleAdmin
from jobs.models import Audit, DeadLetter, Job, Schedule, State, Worker
from jobs.presentation import (
    attempts_text,
    label,
    link,
    list_link,
    pretty_json,
    seconds_text,
    subject_links,
    tenant_link,
)

admin.site.register(DeadLetter, DeadLetterAdmin)
admin.site.register(Schedule, ScheduleAdmin)

STATE_LABELS = {
    State.WAITING: "info",
    State.SCHEDULED: "info",
    State.GATED: "info",
    State.PENDING: "info",
    State.RUNNING: "primary",
    State.COMPLETED: "success",
    State.FAILED: "danger",
    State.DEAD: "danger",
    State.CANCELLED: "warning",
}

WORKER_LABELS = {"idle": "info", "busy": "success"}


class IsAliveFilter(admin.SimpleListFilter):
    """Filters workers that run from those that ended."""

    title = "process"
    parameter_name = "process"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer running and ended."""
        return [("running", "running"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those that run, or that ended."""
        value = self.value()
        return queryset if value is None else queryset.filter(ended_at__isnull=value == "running")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """The ledger, newest first."""

    list_display = ["title", "state_label", "priority", "subjects", "attempts_made", "created_at", "ran", "failure"]
    list_filter = ["state", TaskFilter, QueueFilter, "priority"]
    list_select_related = ["dead_letter"]
    search_fields = ["id"]
    search_help_text = "A job's id, a tenant, or a group like sync:7"
    fieldsets = [
        (None, {"fields": ["task", "state_label", "priority", "queue", "subjects", "tenant_page", "dead_letter_link"]}),
        ("Failure", {"fields": ["failure", "attempts_made", "attempt_list"]}),
        ("Data", {"fields": ["payload_json", "result_json", "meta_json"]}),
        ("Times", {"fields": ["created_at", "run_at", "started_at", "finished_at", "ran"]}),
        (
            "Engine",
            {
                "fields": [
                    "group",
                    "key",
                    "gate",
                    "lease",
                    "worker_link",
                    "waits",
                    "crashes",
                    "is_suspect",
                    "origin_link",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = [
        "state_label",
        "subjects",
        "tenant_page",
        "dead_letter_link",
        "failure",
        "attempts_made",
        "attempt_list",
        "payload_json",
        "result_json",
        "meta_json",
        "ran",
        "group",
        "worker_link",
        "origin_link",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Find by id, tenant or group, each by its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(tenant=term) | Q(grp=term)
        return queryset.filter(found | Q(pk=int(term)) if term.isdecimal() else found), False

    @display(description="job", ordering="id")
    def title(self, job: Job) -> str:
        """Name the job by its task and id."""
        return f"{job.task} {job.pk}"

    @display(description="state")
    def state_label(self, job: Job) -> SafeString:
        """Show the state; a scheduled job that failed before is retrying."""
        is_retrying = job.state == State.SCHEDULED and job.attempt > 0
        return label("retrying" if is_retrying else job.state, STATE_LABELS[State(job.state)])

    @display(description="about")
    def subjects(self, job: Job) -> SafeString | str:
        """Link to what the payload names."""
        return subject_links(job.payload)

    @display(description="tenant")
    def tenant_page(self, job: Job) -> SafeString | str:
        """Link to the tenant, and to its jobs."""
        if not job.tenant:
            return "-"
        return format_html(
            "{} ({})", tenant_link(job.tenant), list_link("admin:jobs_job_changelist", f"q={job.tenant}", "its jobs")
        )

    @display(description="attempts")
    def attempts_made(self, job: Job) -> str:
        """Show attempts made, of those there are."""
        return f"{job.attempt} of {job.max_attempts}"

    @display(description="ran")
    def ran(self, job: Job) -> str:
        """Show how long the last attempt took."""
        if job.started_at is None or job.finished_at is None:
            return "-"
        return seconds_text((job.finished_at - job.started_at).total_seconds())

    @display(description="failure")
    def failure(self, job: Job) -> str:
        """Show the last error."""
        return f"{job.error_code}: {job.error_message}"[:200] if job.error_code else "-"

    @display(description="failed attempts")
    def attempt_list(self, job: Job) -> SafeString | str:
        """List the attempts that did not succeed."""
        return attempts_text(list(job.attempts.all()))

    @display(description="payload")
    def payload_json(self, job: Job) -> SafeString | str:
        """Show the payload."""
        return pretty_json(job.payload)

    @display(description="result")
    def result_json(self, job: Job) -> SafeString | str:
        """Show the result."""
        return pretty_json(job.result)

    @display(description="meta")
    def meta_json(self, job: Job) -> SafeString | str:
        """Show what came along with the job."""
        return pretty_json(job.meta)

    @display(description="dead letter")
    def dead_letter_link(self, job: Job) -> SafeString | str:
        """Link to the job's entry in the dead-letter queue."""
        letter = getattr(job, "dead_letter", None)
        if letter is None:
            return "-"
        return link("admin:jobs_deadletter_change", letter.pk, letter.get_resolution_display())

    @display(description="group")
    def group(self, job: Job) -> SafeString | str:
        """Link to the jobs of the group."""
        return list_link("admin:jobs_job_changelist", f"q={job.grp}", job.grp) if job.grp else "-"

    @display(description="worker")
    def worker_link(self, job: Job) -> SafeString | str:
        """Link to the worker that has, or had, the job."""
        return link("admin:jobs_worker_change", job.worker.pk, job.worker) if job.worker else "-"

    @display(description="retry of")
    def origin_link(self, job: Job) -> SafeString | str:
        """Link to the dead job that this one tries again."""
        return link("admin:jobs_job_change", job.origin_id, f"job {job.origin_id}") if job.origin_id else "-"


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """The worker processes, with their heartbeats."""

    list_display = ["name", "status_label", "beat_age", "queue_names", "jobs_done", "memory", "started_at", "ended"]
    list_filter = [IsAliveFilter, "status"]
    search_fields = ["name", "hostname"]
    fieldsets = [
        (None, {"fields": ["name", "status_label", "beat_age", "queue_names", "hostname", "pid"]}),
        ("Work", {"fields": ["jobs_done", "busy", "memory", "running_jobs"]}),
        ("Times", {"fields": ["started_at", "beat_at", "ended"]}),
    ]
    readonly_fields = ["status_label", "beat_age", "queue_names", "busy", "memory", "running_jobs", "ended"]

    @display(description="status", ordering="status")
    def status_label(self, worker: Worker) -> SafeString:
        """Show what the worker does; a silent one has not been heard of for too long."""
        if worker.ended_at is not None:
            return label(worker.end_reason or "ended", "danger" if worker.end_reason == "crashed" else None)
        if timezone.now() - worker.beat_at > timedelta(seconds=settings.JOB_SILENCE_S):
            return label("silent", "danger")
        return label(worker.status, WORKER_LABELS.get(worker.status))

    @display(description="heartbeat", ordering="beat_at")
    def beat_age(self, worker: Worker) -> str:
        """Show how long ago the worker was heard of."""
        if worker.ended_at is not None:
            return "-"
        return f"{seconds_text(max(0.0, (timezone.now() - worker.beat_at).total_seconds()))} ago"

    @display(description="queues")
    def queue_names(self, worker: Worker) -> str:
        """List the queues, in the order in which they are served."""
        if len(worker.queues) == len(settings.JOB_QUEUES):
            return "all"
        return ", ".join(worker.queues)

    @display(description="memory", ordering="memory_bytes")
    def memory(self, worker: Worker) -> str:
        """Show the process's memory."""
        return f"{worker.memory_bytes / 2**20:.0f} MiB" if worker.memory_bytes else "-"

    @display(description="busy")
    def busy(self, worker: Worker) -> str:
        """Show the time spent in handlers, and the share of its life that this is."""
        lived_s = ((worker.ended_at or timezone.now()) - worker.started_at).total_seconds()
        share = f" ({worker.busy_s / lived_s:.0%})" if lived_s > 0 else ""
        return seconds_text(worker.busy_s) + share

    @display(description="ended", ordering="ended_at")
    def ended(self, worker: Worker) -> str:
        """Show when the worker ended."""
        return f"{worker.ended_at:%Y-%m-%d %H:%M:%S}" if worker.ended_at else "-"

    @display(description="running now")
    def running_jobs(self, worker: Worker) -> SafeString | str:
        """Link to the jobs that the worker holds."""
        running = Job.objects.filter(worker=worker, state=State.RUNNING)[:50]
        found = [(link("admin:jobs_job_change", job.pk, job),) for job in running]
        return format_html_join(", ", "{}", found) if found else "-"


@admin.register(Audit)
class AuditAdmin(ReadOnlyAdmin):
    """What operators did."""

    list_display = ["at", "actor", "action", "subject", "reason"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "reason"]
    fields = ["at", "actor", "action", "subject", "reason"]
