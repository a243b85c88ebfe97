"""What sellers asked to have looked at again."""

from django.db import models

from marketplace.models import Product, Seller


class Recheck(models.Model):
    """One product that its seller says is mended; its jobs form the group `recheck:<id>`."""

    class How(models.TextChoices):
        """What the product is judged by."""

        UNKNOWN = "", "not known yet"
        PAGE = "page", "its page, read again"
        STORED = "stored", "what its source said last"  # a feed or an interface, of which no one product is read

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="rechecks")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="rechecks")
    asked_by = models.CharField(max_length=150, help_text="A member's login, or the API key.")
    how = models.CharField(max_length=10, choices=How, blank=True, default=How.UNKNOWN)
    job_id = models.BigIntegerField(null=True, blank=True, help_text="The job that begins it.")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["seller", "-asked_at"], name="recheck_by_seller")]

    def __str__(self) -> str:
        return f"recheck {self.pk}"

    @property
    def group(self) -> str:
        """The name of its group of jobs."""
        return f"recheck:{self.pk}"
