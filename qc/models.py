"""What quality control decided, and why; how its rules are set."""

from django.conf import settings
from django.db import models

from marketplace.models import Product


class Verdict(models.Model):
    """One decision on one product; its latest verdict holds."""

    class Decision(models.TextChoices):
        APPROVED = "approved"
        REJECTED = "rejected"
        FLAGGED = "flagged"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="verdicts")
    decision = models.CharField(max_length=10, choices=Decision)
    reasons = models.JSONField(
        default=list, blank=True, help_text="[{code, severity, field, message, remedy}], gravest first"
    )
    rule_version = models.CharField(max_length=20, help_text="Version of the rules, and revision of their settings.")
    model = models.CharField(max_length=100, blank=True, db_default="", help_text="The model that was asked, if any.")
    prompt_version = models.CharField(max_length=20, blank=True, db_default="")
    review = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What the model said, or why it said nothing.",
    )
    input_hash = models.CharField(max_length=64, help_text="SHA-256 of all that was looked at.")
    content_hash = models.CharField(
        max_length=64, blank=True, db_default="", help_text="SHA-256 of what the seller says of the product."
    )
    content = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What the seller said of the product when it was judged.",
    )
    is_automatic = models.BooleanField(default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.TextField(blank=True, db_default="", help_text="What staff wrote to it.")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["product", "-id"], name="verdict_latest"),
            models.Index(fields=["decision", "-id"], name="verdict_decision"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.product_id}"


class RulesetRevision(models.Model):
    """How the rules were set from then on; the latest holds."""

    changes = models.JSONField(default=dict, help_text="By code: {is_on, severity, limits}, where a rule differs.")
    note = models.TextField(blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"revision {self.pk}"
