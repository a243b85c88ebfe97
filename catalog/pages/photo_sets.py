"""Sets of photos in the admin: how far they are, and why one has no inventory; only sellers change them."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.photos.models import PhotoSet
from catalog.photos.sets import items_of
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import link

LABELS = {"open": None, "queued": "info", "ready": "warning", "accepted": "success"}


@admin.register(PhotoSet)
class PhotoSetAdmin(ReadOnlyAdmin):
    """A sequence of photos, and what was made of it. The photos themselves are their seller's until accepted."""

    list_display = ["id", "seller_link", "location", "photo_count", "state_label", "error_code", "created_at"]
    list_filter = ["status", "error_code"]
    list_select_related = ["seller"]
    search_fields = ["=id", "seller__name", "location"]
    search_help_text = "Id, name of the seller, or location"
    fieldsets = [
        (None, {"fields": ["id", "seller_link", "location", "description", "state_label", "job_link", "sync_link"]}),
        ("Inventory", {"fields": ["item_list", "unnamed_because", "error_code", "error_message"]}),
        ("Times", {"fields": ["created_at", "ready_at", "accepted_at", "expires_at"]}),
    ]
    readonly_fields = ["seller_link", "state_label", "job_link", "sync_link", "item_list"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhotoSet]:
        """Count the photos with them."""
        rows: QuerySet[PhotoSet] = super().get_queryset(request)
        return rows.annotate(photo_total=Count("photos"))

    @display(description="photos", ordering="photo_total")
    def photo_count(self, photo_set: PhotoSet) -> int:
        """Count its photos."""
        return int(getattr(photo_set, "photo_total", 0))

    @display(description="seller", ordering="seller")
    def seller_link(self, photo_set: PhotoSet) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", photo_set.seller_id, photo_set.seller)

    @display(description="status", ordering="status", label=LABELS)
    def state_label(self, photo_set: PhotoSet) -> tuple[str, str]:
        """Show the status."""
        return photo_set.status, photo_set.get_status_display()

    @display(description="job")
    def job_link(self, photo_set: PhotoSet) -> SafeString | str:
        """Link to its last job."""
        return "-" if photo_set.job_id is None else link("admin:jobs_job_change", photo_set.job_id, photo_set.job_id)

    @display(description="sync")
    def sync_link(self, photo_set: PhotoSet) -> SafeString | str:
        """Link to the sync that made products of it."""
        sync = photo_set.sync
        return "-" if sync is None else link("admin:marketplace_syncrun_change", sync.pk, sync)

    @display(description="items")
    def item_list(self, photo_set: PhotoSet) -> SafeString | str:
        """Show the lines with their counts."""
        rows = [(it.count, it.title or "no name yet", it.location, len(it.photos.all())) for it in items_of(photo_set)]
        if not rows:
            return "-"
        lines = format_html_join("", "<li>{} × {} <em>{}</em> ({} photos)</li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', lines)
