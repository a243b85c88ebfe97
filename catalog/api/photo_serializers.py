"""Sets of photos and their inventories as the API reads and says them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.photos.inventory import ItemDraft
from catalog.photos.models import Photo, PhotoItem, PhotoSet
from catalog.photos.naming import MAX_COUNT
from catalog.photos.sets import Standing, items_of, standings_of
from catalog.photos.uploads import MAX_PHOTOS
from marketplace.serializers import StrictSerializer

STARTED = ["queued"]
STATES = ["open", "queued", "processing", "ready", "accepted"]


class NewPhotoSetSerializer(StrictSerializer):
    """What a sequence of photos is to say of itself."""

    location = serializers.CharField(
        max_length=200, allow_blank=True, default="", help_text="Where the things are: a shelf, a room."
    )
    description = serializers.CharField(max_length=2000, allow_blank=True, default="", help_text="What they are.")
    photos = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        required=False,
        max_length=MAX_PHOTOS,
        help_text="With multipart/form-data: all photos at once, in sequence; their processing starts by itself.",
    )


class PhotoSerializer(serializers.ModelSerializer[Photo]):
    """One photo of a set."""

    class Meta:
        model = Photo
        fields = [
            "id",
            "position",
            "name",
            "size_bytes",
            "received_bytes",
            "is_complete",
            "width_px",
            "height_px",
            "crop",
            "error_code",
        ]


class PhotoItemSerializer(serializers.ModelSerializer[PhotoItem]):
    """One line of an inventory."""

    photos = serializers.SerializerMethodField(help_text="Ids, in sequence.")
    product = serializers.PrimaryKeyRelatedField[Any](read_only=True, help_text="Once it is accepted.")

    class Meta:
        model = PhotoItem
        fields = [
            "id",
            "position",
            "title",
            "count",
            "location",
            "description",
            "price",
            "currency",
            "model",
            "photos",
            "product",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_photos(self, item: PhotoItem) -> list[str]:
        """Name the photos of the line."""
        return [str(photo.pk) for photo in sorted(item.photos.all(), key=lambda it: it.position)]


class PageOfPhotoSets(serializers.ListSerializer[PhotoSet]):
    """Sets whose standings are asked for at once."""

    def to_representation(self, data: Any) -> Any:
        """Show the sets."""
        rows = list(data)
        if isinstance(self.child, ListedPhotoSetSerializer):
            self.child.standings = standings_of(rows)
        return super().to_representation(rows)


class ListedPhotoSetSerializer(serializers.ModelSerializer[PhotoSet]):
    """A set of photos, and how far it is."""

    standings: Mapping[UUID, Standing] = {}

    status = serializers.SerializerMethodField()
    progress_pct = serializers.SerializerMethodField()
    jobId = serializers.IntegerField(source="job_id", read_only=True, allow_null=True)  # noqa: N815 as all that answers with a job

    class Meta:
        model = PhotoSet
        list_serializer_class = PageOfPhotoSets
        fields = [
            "id",
            "location",
            "description",
            "status",
            "progress_pct",
            "jobId",
            "error_code",
            "error_message",
            "unnamed_because",
            "sync",
            "created_at",
            "ready_at",
            "accepted_at",
            "expires_at",
        ]

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_status(self, photo_set: PhotoSet) -> str:
        """Tell how far it is."""
        return self._standing(photo_set).state

    @extend_schema_field(serializers.FloatField())
    def get_progress_pct(self, photo_set: PhotoSet) -> float:
        """Tell how far its job is."""
        return self._standing(photo_set).progress_pct

    def _standing(self, photo_set: PhotoSet) -> Standing:
        if photo_set.pk not in self.standings:
            self.standings = standings_of([photo_set])
        return self.standings[photo_set.pk]


class PhotoSetSerializer(ListedPhotoSetSerializer):
    """A set with its photos and its inventory."""

    photos = PhotoSerializer(many=True, read_only=True)
    items = serializers.SerializerMethodField()

    class Meta(ListedPhotoSetSerializer.Meta):
        fields = [*ListedPhotoSetSerializer.Meta.fields, "photos", "items"]

    @extend_schema_field(PhotoItemSerializer(many=True))
    def get_items(self, photo_set: PhotoSet) -> Any:
        """Show the inventory."""
        return PhotoItemSerializer(items_of(photo_set), many=True).data


class StartedSerializer(serializers.Serializer[Any]):
    """What starting answers."""

    jobId = serializers.IntegerField()  # noqa: N815 as all that answers with a job
    status = serializers.ChoiceField(choices=STARTED)
    photo_set = serializers.UUIDField()


class ItemDraftSerializer(StrictSerializer):
    """A line of the inventory as it is to be."""

    id = serializers.IntegerField(required=False, help_text="Of a line that is there; without it the line is new.")
    title = serializers.CharField(max_length=150, allow_blank=True, default="")
    count = serializers.IntegerField(min_value=1, max_value=MAX_COUNT, default=1)
    location = serializers.CharField(max_length=200, allow_blank=True, default="")
    description = serializers.CharField(max_length=5000, allow_blank=True, default="")
    price = serializers.DecimalField(max_digits=18, decimal_places=4, min_value=0, allow_null=True, default=None)
    currency = serializers.RegexField(r"^([A-Z]{3})?$", allow_blank=True, default="", help_text="ISO 4217.")
    photos = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_PHOTOS, help_text="Ids.")


class InventorySerializer(StrictSerializer):
    """A whole inventory. Lines that are not in it go; photos that no line has are left out."""

    items = serializers.ListField(child=ItemDraftSerializer(), max_length=MAX_PHOTOS)

    def drafts(self) -> list[ItemDraft]:
        """Return the lines."""
        return [ItemDraft(item_id=it.pop("id", None), **it) for it in self.validated_data["items"]]
