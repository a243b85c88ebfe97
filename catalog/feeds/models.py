"""Readings of product feeds, and the rows of them that were refused."""

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models

from marketplace.models import Seller, SyncRun


def feed_storage() -> FileSystemStorage:
    """Return the private folder of feeds; MEDIA_ROOT is for everybody to see."""
    return FileSystemStorage(location=settings.FEED_DIR, file_permissions_mode=0o600, directory_permissions_mode=0o700)


class FeedImport(models.Model):
    """One reading of a product feed: a file that a seller gave, or what stood at an address."""

    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="feed_imports")
    sync = models.ForeignKey(SyncRun, on_delete=models.CASCADE, null=True, blank=True, related_name="feed_imports")
    name = models.CharField(max_length=200, help_text="The file's name, or the address.")
    address = models.URLField(max_length=2000, blank=True, db_default="", help_text="Empty for a file.")
    kind = models.CharField(max_length=20, blank=True)
    file = models.FileField(max_length=300, blank=True, storage=feed_storage, help_text="Until the sync has ended.")
    etag = models.CharField(max_length=200, blank=True, db_default="")
    last_modified = models.CharField(max_length=100, blank=True, db_default="")
    rows = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    problems = models.PositiveIntegerField(
        default=0, db_default=0, help_text="In all: rows refused and fields left out; the first 10,000 are kept."
    )
    not_carried = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="Fields that the feed has no place for.",
    )
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sync", "address"], condition=~models.Q(address=""), name="feed_address_once_a_sync"
            )
        ]

    def __str__(self) -> str:
        return self.name


class FeedRowError(models.Model):
    """One row of a feed that was refused, or a field of it that was left out, and why."""

    feed = models.ForeignKey(FeedImport, on_delete=models.CASCADE, related_name="row_errors")
    number = models.PositiveIntegerField(help_text="Of the row, from 1.")
    line = models.PositiveIntegerField(default=0, db_default=0, help_text="Of the file; 0 where it has none.")
    is_note = models.BooleanField(default=False, db_default=False, help_text="The product came in all the same.")
    field = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=100)
    message = models.TextField()
    excerpt = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["feed_id", "number", "id"]
        indexes = [models.Index(fields=["feed", "number"], name="feedrowerror_row")]

    def __str__(self) -> str:
        return f"row {self.number}: {self.code}"
