"""Search indexes in the admin: which is in use, how far another one is, and what staff may do about it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from catalog.embedders.current import EMBEDDERS
from catalog.indexes.active import active_index
from catalog.models import SearchIndex
from catalog.reindexing.building import BuildingRefused, cancel_building, change_embedder
from jobs.pages.confirmation import ReasonForm, answered, ask, given_reason
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import NBSP, label, list_link, progress_bar

State = SearchIndex.State
# The icon says the state too: it is not left to the colour.
STATES = {
    State.BUILDING: ("construction", "being built", "info"),
    State.ACTIVE: ("check_circle", "in use", "success"),
    State.RETIRED: ("history", "retired", None),
    State.FAILED: ("error", "failed", "danger"),
    State.CANCELLED: ("cancel", "cancelled", "warning"),
}


class EmbedderForm(ReasonForm):
    """Which embedder, and why."""

    embedder = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    field_order = ["embedder", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = sorted(set(EMBEDDERS) - {active_index().embedder})
        self.fields["embedder"].choices = [(name, name) for name in others]  # type: ignore[attr-defined]


@admin.register(SearchIndex)
class SearchIndexAdmin(ReadOnlyAdmin):
    """Search indexes: the one in use, the one in the making, and those before."""

    list_display = ["name", "state_label", "progress", "requested_by", "created_at", "finished_at"]
    list_filter = ["state"]
    ordering = ["-id"]
    actions_list = ["change_embedder"]
    actions_detail = ["cancel_building"]
    fieldsets = [
        (None, {"fields": ["embedder", "state_label", "progress", "error", "requested_by", "reason"]}),
        ("In Milvus", {"fields": ["collection", "pictures_collection", "fingerprint", "picture_fingerprint"]}),
        ("Compared with PostgreSQL", {"fields": ["comparison"]}),
        ("When", {"fields": ["created_at", "finished_at", "retired_at", "dropped_at"]}),
    ]
    readonly_fields = ["state_label", "progress", "error", "comparison"]

    def has_control_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those act who may change indexes, although nobody edits one."""
        return request.user.has_perm("catalog.change_searchindex")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Offer to cancel what is being built only."""
        is_building = SearchIndex.objects.filter(pk=object_id, state=State.BUILDING).exists()
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return offered if is_building else []

    @display(description="index", ordering="embedder")
    def name(self, row: SearchIndex) -> str:
        """Name it by its embedder."""
        return f"{row.embedder}{NBSP}#{row.pk}"

    @display(description="state", ordering="state")
    def state_label(self, row: SearchIndex) -> SafeString:
        """Show the state by a word and a sign."""
        icon, text, variant = STATES[State(row.state)]
        sign = format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', icon)
        return format_html('<span class="inline-flex items-center gap-1">{} {}</span>', sign, label(text, variant))

    @display(description="products")
    def progress(self, row: SearchIndex) -> SafeString | str:
        """Show how many products the first pass has copied, and how many changed meanwhile."""
        if not row.total:
            return "-"
        text = f"{row.done:,} of {row.total:,}"
        if row.state != State.BUILDING:
            return text
        waiting = row.changes.count()
        bar = progress_bar(100 * row.done / row.total, text)
        return format_html("{} ({} changed meanwhile)", bar, f"{waiting:,}") if waiting else bar

    @display(description="error")
    def error(self, row: SearchIndex) -> SafeString | str:
        """Show code and message of what it failed by."""
        if not row.error_code:
            return "-"
        jobs = list_link("admin:jobs_job_changelist", "task=build-search-index", "its jobs")
        return format_html("<code>{}</code> {} · {}", row.error_code, row.error_message, jobs)

    @display(description="last comparison")
    def comparison(self, row: SearchIndex) -> SafeString | str:
        """Say what the last comparison found."""
        found = row.reconciliation
        if not found:
            return "Not yet; it is compared every night, and by `manage.py reindex`."
        moment = format_html('<time datetime="{}">{}</time>', found["at"], found["at"][:19].replace("T", " "))
        if found["is_equal"]:
            return format_html("{}: all {} live products were right.", moment, f"{found['products']:,}")
        return format_html(
            "{}: of {} live products, {} rows were missing and {} stale, {} were too many; {} were mended.",
            moment,
            *(f"{found[name]:,}" for name in ("products", "missing", "stale", "surplus", "repaired")),
        )

    @action(description="Change the embedder…", permissions=["control"], url_path="change-embedder", icon="swap_horiz")
    def change_embedder(self, request: HttpRequest) -> HttpResponse:
        """Ask for which and why, and have its index built."""
        back = reverse("admin:catalog_searchindex_changelist")
        filled = answered(request, EmbedderForm)
        if filled is None:
            return ask(
                request,
                self.admin_site,
                form=EmbedderForm,
                title="Change the embedder",
                effect=(
                    "Workers embed every live product anew and build another index. Searches go on in the one in use, "
                    "and change over when the new one is complete; if it fails, nothing changes."
                ),
                button="Build the index",
                back=back,
                extra={"opts": self.model._meta},
            )
        asked = filled.cleaned_data
        try:
            row = change_embedder(asked["embedder"], actor=request.user.get_username(), reason=asked["reason"])
        except BuildingRefused as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(back)
        self.message_user(request, f"An index of {row.embedder} is being built.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:catalog_searchindex_change", args=[row.pk]))

    @action(description="Cancel the building…", permissions=["control"], url_path="cancel", icon="cancel")
    def cancel_building(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask why, and give up the index that is being built."""
        back = reverse("admin:catalog_searchindex_change", args=[object_id])
        reason = given_reason(request)
        if reason is None:
            return ask(
                request,
                self.admin_site,
                form=ReasonForm,
                title="Cancel the building",
                effect="The index that is being built is given up. Searches stay where they are.",
                button="Cancel the building",
                back=back,
                extra={"opts": self.model._meta},
            )
        if cancel_building(object_id, actor=request.user.get_username(), reason=reason):
            self.message_user(request, "The building was cancelled.", messages.SUCCESS)
        else:
            self.message_user(request, "This index is not being built: there is nothing to cancel.", messages.WARNING)
        return HttpResponseRedirect(back)
