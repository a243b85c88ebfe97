"""Synonyms in the admin: what else people call a thing."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from catalog import index
from catalog.models import Synonym


@admin.register(Synonym)
class SynonymAdmin(ModelAdmin):  # type: ignore[misc]
    """Groups of words that find the same products; a change holds within seconds."""

    list_display = ["words", "finds_too", "is_active", "updated_at"]
    list_filter = ["is_active"]
    search_fields = ["words", "means"]
    fields = ["words", "means", "is_active"]

    @display(description="finds too")
    def finds_too(self, synonym: Synonym) -> str:
        """Say what the words find beside themselves."""
        return synonym.means or "each other"

    def save_model(self, request: HttpRequest, obj: Synonym, form: Any, change: bool) -> None:
        """Make rankings stale that were made without it."""
        super().save_model(request, obj, form, change)
        index.bump_version()

    def delete_model(self, request: HttpRequest, obj: Synonym) -> None:
        """Make rankings stale that were made with it."""
        super().delete_model(request, obj)
        index.bump_version()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        """Make rankings stale that were made with them."""
        super().delete_queryset(request, queryset)
        index.bump_version()
