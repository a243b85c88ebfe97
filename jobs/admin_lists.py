"""Lists in the admin that stay quick on big tables: read-only, capped, filtered by known values."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.paginator import CappedPaginator
from jobs.registry import all_tasks


class ReadOnlyAdmin(ModelAdmin):
    """Shows what the engine writes; nobody edits it by hand."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    list_filter_submit = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid adding."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Forbid editing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Forbid deleting."""
        return False


class TaskFilter(admin.SimpleListFilter):
    """Filters by task; the choices are the declared tasks, not what a scan of the table finds."""

    title = "task"
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the declared tasks."""
        return [(task.name, task.name) for task in all_tasks()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of the chosen task."""
        return queryset.filter(task=self.value()) if self.value() else queryset


class QueueFilter(admin.SimpleListFilter):
    """Filters by queue; the choices are the settings'."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the configured queues."""
        return [(queue, queue) for queue in settings.JOB_QUEUES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the jobs of the chosen queue."""
        return queryset.filter(queue=self.value()) if self.value() else queryset
