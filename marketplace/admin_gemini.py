"""What is used of Gemini, in the admin."""

from django.contrib import admin

from jobs.pages.lists import ReadOnlyAdmin
from marketplace.gemini.usage import MICRO
from marketplace.models import GeminiMinute


class GeminiMinuteAdmin(ReadOnlyAdmin):
    """Calls, inputs, tokens, cost and refusals by model and minute; a row for each process."""

    list_display = ["minute", "model", "calls", "items", "tokens", "cost", "refusals", "failures", "paced"]
    search_fields = ["model"]
    date_hierarchy = "minute"
    ordering = ["-minute", "model"]

    @admin.display(description="Cost", ordering="cost_micro_usd")
    def cost(self, minute: GeminiMinute) -> str:
        """Say what it cost, in dollars."""
        return f"${minute.cost_micro_usd / MICRO:.4f}"
