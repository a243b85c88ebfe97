"""The engine in the admin: jobs, dead letters, workers, audit."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobs.models import Audit, BulkRetry, DeadLetter, Gate, Job, Schedule, State, Tenant, Worker
from jobs.pages.bulk_retries import BulkRetryAdmin
from jobs.pages.dead_letters import DeadLetterAdmin
from jobs.pages.gates_and_tenants import GateAdmin, TenantAdmin
from jobs.pages.jobs import JobAdmin
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import (
    label,
    link,
    pretty_json,
    seconds_text,
)
from jobs.pages.schedules import ScheduleAdmin

admin.site.register(Job, JobAdmin)
admin.site.register(DeadLetter, DeadLetterAdmin)
admin.site.register(BulkRetry, BulkRetryAdmin)
admin.site.register(Gate, GateAdmin)
admin.site.register(Tenant, TenantAdmin)
admin.site.register(Schedule, ScheduleAdmin)

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

    list_display = ["at", "actor", "action", "subject", "count", "which", "reason"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "reason"]
    fields = ["at", "actor", "action", "subject", "count", "filter_json", "reason"]
    readonly_fields = ["filter_json"]

    @display(description="which")
    def which(self, audit: Audit) -> str:
        """Say to which ones it was done, or with what."""
        return ", ".join(f"{name} {value}" for name, value in (audit.filter or {}).items())[:120] or "-"

    @display(description="which")
    def filter_json(self, audit: Audit) -> SafeString | str:
        """Show to which ones it was done, or with what."""
        return pretty_json(audit.filter)
