"""The business directory in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminURLInputWidget

from jobs.models import Job
from jobs.pages.confirmation import ask_for_reason, given_reason
from jobs.pages.paginator import CappedPaginator
from jobs.pages.presentation import code_block, label, link, list_link
from marketplace import directory
from marketplace.models import DirectoryEntry

# The state by a word and a sign, so that nothing is left to the colour.
STATES = {
    DirectoryEntry.Embedding.NONE: ("radio_button_unchecked", "not yet", None),
    DirectoryEntry.Embedding.QUEUED: ("schedule", "queued", "info"),
    DirectoryEntry.Embedding.DONE: ("check_circle", "done", "success"),
    DirectoryEntry.Embedding.FAILED: ("error", "failed", "danger"),
}


class FingerprintFilter(admin.SimpleListFilter):
    """Filters by the embedder that made the vector, among those that businesses have."""

    title = "embedder"
    parameter_name = "fingerprint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the fingerprints in use."""
        used = DirectoryEntry.objects.exclude(embedding_fingerprint="").order_by()
        return [(name, name) for name in sorted(used.values_list("embedding_fingerprint", flat=True).distinct()[:50])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DirectoryEntry]) -> QuerySet[DirectoryEntry]:
        """Keep the businesses of the chosen embedder."""
        return queryset.filter(embedding_fingerprint=self.value()) if self.value() else queryset


class DirectoryEntryForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff write of a business."""

    website = forms.URLField(required=False, max_length=2000, assume_scheme="https", widget=UnfoldAdminURLInputWidget)

    class Meta:
        model = DirectoryEntry
        fields = list(directory.FIELDS)


class DirectoryEntryAdmin(ModelAdmin):  # type: ignore[misc]
    """Businesses, each with how it stands with its vector."""

    form = DirectoryEntryForm
    list_display = ["name", "category", "embedding_label", "why", "seller_link", "embedded_at", "updated_at"]
    list_filter = ["embedding_status", FingerprintFilter, ("seller", admin.EmptyFieldListFilter)]
    list_select_related = ["seller"]
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    search_fields = ["name", "category", "address"]
    search_help_text = "Part of a name, a category or an address"
    actions = ["embed_again_selected"]
    actions_detail = ["embed_again"]
    fieldsets = [
        (None, {"fields": ["name", "category", "description", "address", "seller_link"]}),
        ("Contact", {"fields": ["phone", "email", "website"]}),
        ("Embedding", {"fields": ["embedding_label", "why", "embedder", "embedded_text", "embedded_at", "job_links"]}),
        ("Times", {"fields": ["created_at", "updated_at"]}),
    ]
    readonly_fields = [
        "seller_link", "embedding_label", "why", "embedder", "embedded_text", "embedded_at", "job_links",
        "created_at", "updated_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DirectoryEntry]:
        """Leave the vectors where they are."""
        found: QuerySet[DirectoryEntry] = super().get_queryset(request)
        return found.defer("embedding", "words")

    def get_fieldsets(self, request: HttpRequest, obj: DirectoryEntry | None = None) -> Any:
        """Leave out what a business has only once it is there."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else [(None, {"fields": list(directory.EMBEDDED_FIELDS)}), fieldsets[1]]

    def save_model(self, request: HttpRequest, obj: DirectoryEntry, form: Any, change: bool) -> None:
        """Let the core write it, and ask for its vector where it needs one."""
        by = request.user.get_username()
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            entry, job = directory.update_entry(obj.pk, by=by, source="admin", **changes)
        else:
            entry, job = directory.create_entry(by=by, source="admin", **form.cleaned_data)
            obj.pk = entry.pk
            obj._state.adding = False
        if job.id is not None:
            text = format_html("{} See {}.", job.message, link("admin:jobs_job_change", job.id, f"job {job.id}"))
            self.message_user(request, text, messages.INFO)

    def delete_model(self, request: HttpRequest, obj: DirectoryEntry) -> None:
        """Let the core delete it."""
        directory.delete_entry(obj.pk, by=request.user.get_username(), reason="(by the admin)")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[DirectoryEntry]) -> None:
        """Delete those that staff wrote; sellers' own stay."""
        for entry in queryset.filter(seller=None):
            self.delete_model(request, entry)

    def has_delete_permission(self, request: HttpRequest, obj: DirectoryEntry | None = None) -> bool:
        """Forbid deleting a seller's own: it goes with the seller."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.seller_id is None)

    @display(description="embedding", ordering="embedding_status")
    def embedding_label(self, entry: DirectoryEntry) -> SafeString:
        """Show the state by a word and a sign."""
        icon, text, variant = STATES[DirectoryEntry.Embedding(entry.embedding_status)]
        sign = format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', icon)
        return format_html('<span class="inline-flex items-center gap-1">{} {}</span>', sign, label(text, variant))

    @display(description="why it failed")
    def why(self, entry: DirectoryEntry) -> SafeString | str:
        """Show code and message of the error."""
        if not entry.embedding_error_code:
            return "-"
        return format_html(
            '<span class="whitespace-normal break-words"><code>{}</code> {}</span>',
            entry.embedding_error_code,
            entry.embedding_error_message[:300],
        )

    @display(description="seller", ordering="seller")
    def seller_link(self, entry: DirectoryEntry) -> SafeString | str:
        """Link to the seller whose own it is."""
        if entry.seller is None:
            return "written by staff"
        return link("admin:marketplace_seller_change", entry.seller_id, entry.seller)

    @display(description="embedder")
    def embedder(self, entry: DirectoryEntry) -> str:
        """Show what made the vector."""
        return entry.embedding_fingerprint or "-"

    @display(description="embedded text")
    def embedded_text(self, entry: DirectoryEntry) -> SafeString | str:
        """Show what the vector was made of; what it says now may differ a little."""
        if not entry.embedding_text:
            return "-"
        return code_block(entry.embedding_text)

    @display(description="jobs")
    def job_links(self, entry: DirectoryEntry) -> SafeString:
        """Link to the last job that saw to the vector, as long as it is kept, and to all of their kind."""
        jobs = list_link("admin:jobs_job_changelist", f"task={directory.TASK}", "all of their kind")
        last = entry.embedding_job_id
        if last is None or not Job.objects.filter(pk=last).exists():
            return jobs
        return format_html("{} · {}", link("admin:jobs_job_change", last, f"job {last}"), jobs)

    @action(description="Embed again…", permissions=["change"], url_path="embed-again", icon="refresh")
    def embed_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for a reason, and for the vector."""
        entry = DirectoryEntry.objects.only("name").get(pk=object_id)
        back = reverse("admin:marketplace_directoryentry_change", args=[entry.pk])
        reason = given_reason(request)
        if reason is None:
            return self._ask(request, [entry], action="embed_again", back=back)
        self._request(request, [entry.pk], operation="retry", reason=reason)
        return HttpResponseRedirect(back)

    @action(description="Embed again…", permissions=["change"])
    def embed_again_selected(self, request: HttpRequest, queryset: QuerySet[DirectoryEntry]) -> HttpResponse | None:
        """Ask for a reason, and for the vectors of the selected businesses."""
        if queryset.count() > directory.MAX_BULK:
            text = f"Choose {directory.MAX_BULK} at most. Those whose vector is of another embedder come on their own."
            self.message_user(request, text, messages.ERROR)
            return None
        reason = given_reason(request)
        if reason is None:
            return self._ask(request, list(queryset), action="embed_again_selected")
        self._request(request, list(queryset.values_list("pk", flat=True)), operation="bulk", reason=reason)
        return None

    def _request(self, request: HttpRequest, ids: list[int], *, operation: str, reason: str) -> None:
        actor = request.user.get_username()
        requested = directory.request_embeddings_for_staff(
            ids, operation=operation, actor=actor, source="admin", reason=reason
        )
        jobs = list_link("admin:jobs_job_changelist", f"task={directory.TASK}", "their jobs")
        waiting = len(requested.jobs) - requested.queued
        text = format_html("{} queued, {} on their way already. See {}.", requested.queued, waiting, jobs)
        self.message_user(request, text, messages.SUCCESS)

    def _ask(self, request: HttpRequest, entries: list[DirectoryEntry], *, action: str, back: str = "") -> HttpResponse:
        return ask_for_reason(
            request,
            self,
            entries,
            action=action,
            title="Embed again",
            effect="What is embedded of them is compared with their vectors, and embedded anew where it differs.",
            button="Embed again",
            back=back,
        )
