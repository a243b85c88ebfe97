"""The alarm that staff sees while the reviewer cannot be asked."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from qc.reviewer.figures import recent_figures


class ReviewerAlarm:
    """An admin page whose list has the alarm above it; stands before the admin's own class."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say why products are flagged unreviewed, and how many wait for that."""
        figures = recent_figures()
        if figures["away"]:
            told = f"Products are flagged unreviewed: {figures['away']['message']}"
            messages.error(request, f"{told} {figures['unreviewed']} wait; they are judged again by themselves.")
        response: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        return response
