"""What is used of Gemini, in the admin."""

from jobs.pages.lists import ReadOnlyAdmin


class GeminiMinuteAdmin(ReadOnlyAdmin):
    """Calls, inputs, tokens and refusals by model and minute; a row for each process."""

    list_display = ["minute", "model", "calls", "items", "tokens", "refusals", "failures", "paced"]
    search_fields = ["model"]
    date_hierarchy = "minute"
    ordering = ["-minute", "model"]
