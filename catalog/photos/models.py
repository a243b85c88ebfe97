"""Photos that sellers upload in sequences, and the inventories that are proposed from them."""

import uuid

from django.db import models
from django.db.models import F, Q

from marketplace.models import Product, Seller, SyncRun


class PhotoSet(models.Model):
    """A sequence of photos of one place; what is made of it waits for the seller."""

    class Status(models.TextChoices):
        OPEN = "open"  # takes photos
        QUEUED = "queued"  # its job waits or runs
        READY = "ready"  # the inventory waits for the seller
        ACCEPTED = "accepted"  # its items are products

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="photo_sets")
    location = models.CharField(max_length=200, blank=True, help_text="Where the photos were taken: a shelf, a room.")
    description = models.TextField(blank=True, max_length=2000, help_text="What they show.")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    starts = models.PositiveIntegerField(default=0, help_text="How often its processing was started.")
    job_id = models.BigIntegerField(null=True, blank=True, help_text="Its last job.")
    error_code = models.CharField(max_length=100, blank=True, help_text="Why the last job made no inventory.")
    error_message = models.TextField(blank=True)
    unnamed_because = models.TextField(blank=True, help_text="Why items were left without names, if they were.")
    sync = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="photo_sets")
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="When it is swept, with its photos.")

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["seller", "-created_at"], name="photoset_seller_newest"),
            models.Index(fields=["expires_at"], name="photoset_expires"),
        ]

    def __str__(self) -> str:
        return self.location or f"photos {self.pk}"


class PhotoItem(models.Model):
    """One line of a proposed inventory: a thing, how many there are, and where."""

    photo_set = models.ForeignKey(PhotoSet, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=150, blank=True)
    count = models.PositiveIntegerField(default=1)
    location = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True, max_length=5000)
    price = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217.")
    model = models.CharField(max_length=100, blank=True, help_text="What named it; empty for nobody, or the seller.")
    product = models.OneToOneField(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="photo_item")

    class Meta:
        ordering = ["photo_set_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["photo_set", "position"], name="photo_item_position_once"),
            models.CheckConstraint(condition=Q(count__gte=1), name="photo_item_counts_something"),
        ]

    def __str__(self) -> str:
        return self.title or f"item {self.position}"


class Photo(models.Model):
    """One photo of a set, from the moment that its upload begins. Its files lie in PHOTO_DIR."""

    class Crop(models.TextChoices):
        CROPPED = "cropped", "cropped to the object"
        FILLS = "fills", "the object fills the photo"
        UNSURE = "unsure", "not cropped: unsure where the object ends"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    photo_set = models.ForeignKey(PhotoSet, on_delete=models.CASCADE, related_name="photos")
    position = models.PositiveSmallIntegerField(help_text="In the sequence, from 1.")
    name = models.CharField(max_length=200, blank=True, help_text="As the seller's device calls it.")
    size_bytes = models.PositiveIntegerField()
    received_bytes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    width_px = models.PositiveIntegerField(default=0, help_text="As it was taken; upright.")
    height_px = models.PositiveIntegerField(default=0)
    crop = models.CharField(max_length=10, choices=Crop, blank=True)
    error_code = models.CharField(max_length=100, blank=True, help_text="Why it could not be used.")
    item = models.ForeignKey(PhotoItem, on_delete=models.SET_NULL, null=True, blank=True, related_name="photos")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text="When an upload that is not finished is given up.")

    class Meta:
        ordering = ["photo_set_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["photo_set", "position"], name="photo_position_once"),
            models.UniqueConstraint(fields=["photo_set", "sha256"], condition=~Q(sha256=""), name="photo_once_a_set"),
            models.CheckConstraint(condition=Q(received_bytes__lte=F("size_bytes")), name="photo_within_its_size"),
        ]

    def __str__(self) -> str:
        return self.name or f"photo {self.position}"

    @property
    def is_complete(self) -> bool:
        """Tell whether all of it is here, and it was found to be a picture."""
        return bool(self.sha256)
