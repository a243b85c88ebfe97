"""Webhooks: where a seller wants to be told by HTTP, what was sent there, and how it went."""

from django.db import models
from django.db.models import Q

from jobs.sealing import TEXT_PREFIX


class WebhookEndpoint(models.Model):
    """An address of a seller's that takes webhooks."""

    class State(models.TextChoices):
        ACTIVE = "active"
        OFF = "off"

    class Why(models.TextChoices):
        """Why it was switched off."""

        SELLER = "seller", "by the seller"
        STAFF = "staff", "by staff"
        GONE = "gone", "it answered 410"
        FAILING = "failing", "it failed for three days"

    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="webhook_endpoints")
    address = models.URLField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    kinds = models.JSONField(default=list, blank=True, help_text="Kinds that it is told of; empty: all.")
    secret = models.TextField(help_text="Encrypted under JOB_ENCRYPTION_KEYS.")
    previous_secret = models.TextField(blank=True, help_text="Signs beside the new one for a day.")
    previous_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    off_why = models.CharField(max_length=10, choices=Why, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="The first failure since the last success.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(secret__startswith=f"{TEXT_PREFIX}gAAAA"), name="webhook_secret_is_sealed"
            ),
            models.CheckConstraint(
                condition=Q(previous_secret="") | Q(previous_secret__startswith=f"{TEXT_PREFIX}gAAAA"),
                name="webhook_previous_secret_is_sealed",
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_active(self) -> bool:
        """True while messages go there."""
        return self.state == self.State.ACTIVE


class WebhookMessage(models.Model):
    """What is sent, to the letter: each attempt at each endpoint sends these bytes under this id."""

    message_id = models.CharField(max_length=40, unique=True, help_text="webhook-id: the receiver's idempotency key.")
    seller = models.ForeignKey("marketplace.Seller", on_delete=models.CASCADE, related_name="webhook_messages")
    notification = models.ForeignKey(
        "marketplace.Notification", on_delete=models.SET_NULL, null=True, blank=True, related_name="webhook_messages"
    )
    kind = models.CharField(max_length=40)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.message_id


class WebhookDelivery(models.Model):
    """One message to one endpoint, however often it is tried."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"
        SKIPPED = "skipped", "not sent: the endpoint was off"

    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    round = models.PositiveIntegerField(default=1, help_text="Grows each time that it is asked to be delivered again.")
    job_id = models.BigIntegerField(null=True, blank=True, help_text="The job of this round.")
    attempts_made = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once")]
        indexes = [models.Index(fields=["endpoint", "-id"], name="webhook_delivery_newest")]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """One request that was sent, and what came of it."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(help_text="Of all of the delivery, from 1.")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    answer = models.TextField(blank=True, help_text="The first kilobyte of what was answered.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"
