"""Feeds, what is wrong with their rows, and connections in the admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.feeds.models import FeedImport, FeedRowError
from catalog.models import CatalogConnection
from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import link, list_link

FIRST_ERRORS = 20


@admin.register(FeedImport)
class FeedImportAdmin(ReadOnlyAdmin):
    """Readings of feeds with their counts."""

    list_display = ["name", "seller_link", "kind", "rows", "accepted", "refused", "problems", "sync_link", "started_at"]
    list_filter = ["kind"]
    list_select_related = ["seller", "sync"]
    search_fields = ["name", "seller__name"]
    fieldsets = [
        (None, {"fields": ["name", "seller_link", "sync_link", "kind", "address", "file"]}),
        ("Rows", {"fields": ["rows", "accepted", "refused", "problems", "carries_no", "first_errors", "all_errors"]}),
        ("Times", {"fields": ["started_at", "finished_at"]}),
        ("Engine room", {"fields": ["etag", "last_modified"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["seller_link", "sync_link", "carries_no", "first_errors", "all_errors"]

    @display(description="seller", ordering="seller")
    def seller_link(self, feed: FeedImport) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", feed.seller_id, feed.seller)

    @display(description="sync", ordering="sync")
    def sync_link(self, feed: FeedImport) -> SafeString | str:
        """Link to the sync that read it."""
        return "-" if feed.sync is None else link("admin:marketplace_syncrun_change", feed.sync.pk, feed.sync)

    @display(description="fields that it has no place for")
    def carries_no(self, feed: FeedImport) -> str:
        """Name the fields that no rule asks for."""
        return ", ".join(feed.not_carried) or "-"

    @display(description="first problems")
    def first_errors(self, feed: FeedImport) -> SafeString | str:
        """Show what is wrong with the first rows."""
        rows = [(error.number, error.code, error.message) for error in feed.row_errors.all()[:FIRST_ERRORS]]
        if not rows:
            return "-"
        lines = format_html_join("", "<li>row {}: <code>{}</code> {}</li>", rows)
        return format_html('<ul class="souk-reasons">{}</ul>', lines)

    @display(description="problems")
    def all_errors(self, feed: FeedImport) -> SafeString | str:
        """Link to all that are kept."""
        query = f"feed__id__exact={feed.pk}"
        return list_link("admin:catalog_feedrowerror_changelist", query, f"{feed.problems:,} in all")


@admin.register(FeedRowError)
class FeedRowErrorAdmin(ReadOnlyAdmin):
    """Rows of feeds that were refused, and fields that were left out."""

    list_display = ["feed_link", "number", "is_note", "field", "code", "message", "excerpt"]
    list_display_links = ["number"]
    list_select_related = ["feed"]
    search_fields = ["code", "message"]
    fieldsets = [(None, {"fields": ["feed_link", "number", "line", "is_note", "field", "code", "message", "excerpt"]})]
    readonly_fields = ["feed_link"]
    ordering = ["feed_id", "number", "id"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let the link from a feed narrow the list."""
        return lookup == "feed__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description="feed", ordering="feed")
    def feed_link(self, error: FeedRowError) -> SafeString:
        """Link to the feed."""
        return link("admin:catalog_feedimport_change", error.feed_id, error.feed)


@admin.register(CatalogConnection)
class CatalogConnectionAdmin(ReadOnlyAdmin):
    """Sellers' own access to platforms: that there is one, never its token."""

    list_display = ["seller_link", "kind", "catalog_id", "account_id", "updated_at"]
    list_filter = ["kind"]
    list_select_related = ["seller"]
    search_fields = ["seller__name", "catalog_id"]
    fieldsets = [
        (None, {"fields": ["seller_link", "kind", "catalog_id", "account_id", "token_note"]}),
        ("Times", {"fields": ["created_at", "updated_at"]}),
    ]
    readonly_fields = ["seller_link", "token_note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CatalogConnection]:
        """Leave the tokens where they are."""
        found: QuerySet[CatalogConnection] = super().get_queryset(request)
        return found.defer("token")

    @display(description="seller", ordering="seller")
    def seller_link(self, connection: CatalogConnection) -> SafeString:
        """Link to the seller."""
        return link("admin:marketplace_seller_change", connection.seller_id, connection.seller)

    @display(description="token")
    def token_note(self, connection: CatalogConnection) -> str:
        """Say that there is a token."""
        return "kept encrypted; it is never shown"
