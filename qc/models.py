"""What quality control decided, and why."""

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
    reasons = models.JSONField(default=list, blank=True, help_text="[{code, field, message, remedy}], gravest first")
    rule_version = models.CharField(max_length=20)
    input_hash = models.CharField(max_length=64, help_text="SHA-256 of what was judged.")
    is_automatic = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["product", "-id"], name="verdict_latest"),
            models.Index(fields=["decision", "-id"], name="verdict_decision"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.product_id}"
