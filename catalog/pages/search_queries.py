"""What people look for, in the admin: the popular queries of each day, and those that find nothing."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.models import SearchQuery
from jobs.pages.lists import ReadOnlyAdmin


class FoundNothing(admin.SimpleListFilter):
    """Those queries that find nothing, so that synonyms or sellers can help."""

    title = "what came of them"
    parameter_name = "found"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the one choice."""
        return [("nothing", "found nothing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SearchQuery]) -> QuerySet[SearchQuery]:
        """Keep what found nothing."""
        return queryset.filter(empty__gt=0) if self.value() == "nothing" else queryset


@admin.register(SearchQuery)
class SearchQueryAdmin(ReadOnlyAdmin):
    """The queries of the last 30 days, the 1,000 most frequent of each."""

    list_display = ["query", "day", "searches", "found_nothing", "try_it"]
    list_filter = [FoundNothing]
    search_fields = ["query"]
    date_hierarchy = "day"
    ordering = ["-day", "-searches"]

    @display(description="found nothing", ordering="empty")
    def found_nothing(self, row: SearchQuery) -> str:
        """Say how many of the searches found nothing."""
        return f"{row.empty} of {row.searches}" if row.empty else "never"

    @display(description="now")
    def try_it(self, row: SearchQuery) -> SafeString:
        """Link to what the query finds now."""
        return format_html('<a href="{}?{}">search</a>', reverse("search-page"), urlencode({"q": row.query}))
