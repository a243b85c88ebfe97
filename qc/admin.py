"""Verdicts as staff sees them."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from qc.models import Verdict
from qc.reviewer.alarm import ReviewerAlarm


@admin.register(Verdict)
class VerdictAdmin(ReviewerAlarm, ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """What quality control decided; read only, since the record is what it was."""

    list_display = ["id", "decision_label", "product_link", "codes", "rule_version", "is_automatic", "made_at"]
    list_filter = ["decision", "is_automatic", "rule_version"]
    list_select_related = ["product"]
    search_fields = ["product__title", "product__external_id"]
    search_help_text = "Title or id of the product"
    date_hierarchy = "made_at"
    show_full_result_count = False

    @display(description="Decision", label={"approved": "success", "rejected": "danger", "flagged": "warning"})
    def decision_label(self, verdict: Verdict) -> str:
        """Say the decision as a label."""
        return verdict.decision

    @admin.display(description="Product", ordering="product__title")
    def product_link(self, verdict: Verdict) -> str:
        """Link to the product."""
        address = reverse("admin:marketplace_product_change", args=[verdict.product_id])
        return format_html('<a href="{}">{}</a>', address, verdict.product)

    @admin.display(description="Reasons")
    def codes(self, verdict: Verdict) -> str:
        """List the codes of the reasons."""
        return ", ".join(reason["code"] for reason in verdict.reasons) or "—"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Verdicts are made by quality control."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Verdict | None = None) -> bool:
        """Verdicts do not change; a new one takes their place."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Verdict | None = None) -> bool:
        """Verdicts are kept as long as their product."""
        return False
