"""Lists in the admin that stay quick on big tables: read-only, capped, filtered by known values."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from jobs.pages.paginator import CappedPaginator
from jobs.registry import all_tasks


class CappedChangeList(ChangeList):  # type: ignore[misc]
    """Says how many rows it found, and offers no way to show them all."""

    def get_results(self, request: HttpRequest) -> None:
        """Take the capped count for the whole."""
        super().get_results(request)
        self.full_result_count = self.result_count


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Shows what the engine writes; nobody edits it by hand."""

    show_full_result_count = False
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50
    list_filter_submit = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows its capped count only."""
        return CappedChangeList

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Leave out the history: nobody edits, so there is none."""
        return super().changeform_view(request, object_id, form_url, {"show_history": False} | (extra_context or {}))

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
