"""What is used of Gemini, in the admin."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from jobs.pages.lists import ReadOnlyAdmin
from marketplace.gemini.usage import MICRO, spent_usd
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

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say above the list what was spent today, and raise the alarm when that is all."""
        spent, budget = spent_usd(), settings.GEMINI_DAY_BUDGET_USD
        told = f"${spent:.2f} of ${budget:.2f} spent since Gemini's midnight (Pacific time)."
        if spent >= budget:
            messages.error(request, f"{told} No more is asked until then: raise GEMINI_DAY_BUDGET_USD, or wait.")
        else:
            messages.info(request, told)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response
