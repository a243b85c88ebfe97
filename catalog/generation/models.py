"""What was asked of the model for sellers' products, what it proposed, and what became of it."""

import uuid

from django.db import models

from marketplace.models import Product, Seller


class GenerationRequest(models.Model):
    """One request for proposals for products of one seller; its jobs form the group `generation:<id>`."""

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False, help_text="Also the correlation id of its jobs."
    )
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="generation_requests")
    kinds = models.JSONField(default=list, help_text="title, description, attributes, translation.")
    parameters = models.JSONField(default=dict, blank=True, help_text="tone, length, language, languages.")
    trigger = models.CharField(max_length=20, help_text="api, page or staff.")
    requested_by = models.CharField(max_length=150, blank=True, help_text="The member of staff, if one asked.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [models.Index(fields=["seller", "-created_at"], name="generation_seller_newest")]

    def __str__(self) -> str:
        return f"generation {self.pk}"

    @property
    def status(self) -> Status:
        """Whether all its products have come to an end."""
        return self.Status.FINISHED if self.finished_at else self.Status.RUNNING

    @property
    def group(self) -> str:
        """The name of its group of jobs."""
        return f"generation:{self.pk}"


class Proposal(models.Model):
    """What is proposed for one product; a request has one for each of its products, from the beginning."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        EMPTY = "empty", "nothing to change"
        FAILED = "failed"

    request = models.ForeignKey(GenerationRequest, on_delete=models.CASCADE, related_name="proposals")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="proposals")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    job_id = models.BigIntegerField(null=True, blank=True)
    catalog_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what the catalog said then.")
    input_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of all that the answer depends on.")
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    answer = models.JSONField(null=True, blank=True, help_text="As the model gave it.")
    is_from_cache = models.BooleanField(default=False, help_text="An earlier answer to the same question.")
    prompt_tokens = models.PositiveIntegerField(default=0)
    answer_tokens = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["request", "product"], name="proposal_once_a_request")]
        indexes = [
            models.Index(
                fields=["input_hash", "-id"], name="proposal_answers", condition=models.Q(answer__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"proposal {self.pk}"


class ProposedText(models.Model):
    """One text of a proposal, for the seller to accept, change or refuse."""

    class Field(models.TextChoices):
        TITLE = "title"
        DESCRIPTION = "description"
        ATTRIBUTES = "attributes"  # a line each: "name: value"

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REFUSED = "refused"
        UNDONE = "undone"  # was accepted, and the catalog's own text stands again

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="texts")
    field = models.CharField(max_length=15, choices=Field)
    language = models.CharField(max_length=10, blank=True, help_text="Of a translation; else empty.")
    source = models.TextField(blank=True, help_text="What the product said when the text was made.")
    text = models.TextField()
    notes = models.JSONField(default=list, blank=True, help_text="[{kind, claim}]: what the listing does not say.")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    accepted_text = models.TextField(blank=True, help_text="What the seller took, as changed by the seller.")
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["proposal_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "field", "language"], name="text_once_a_proposal"),
        ]
        indexes = [models.Index(fields=["proposal"], name="text_open", condition=models.Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.get_field_display()} {self.language}".strip()
