"""What the API reads and writes about sellers, syncs and products."""

from dataclasses import asdict
from typing import Any

from django.db.models.fields.files import FieldFile
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from marketplace import syncs
from marketplace.directory import Answered, EmbeddingJob
from marketplace.models import Picture, Product, Seller, SyncRun
from marketplace.products import amount_text
from marketplace.sellers import InvalidCatalogAddress, checked_catalog_address


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know or may not change, instead of dropping them silently."""

    def to_internal_value(self, data: Any) -> Any:
        """Read data, with an error for each field that is not ours to read."""
        errors: dict[str, list[serializers.ErrorDetail]] = {}
        if isinstance(data, dict):
            for name in data:
                field = self.fields.get(name)
                if field is None:
                    errors[name] = [serializers.ErrorDetail("There is no such field.", code="unknown")]
                elif field.read_only:
                    errors[name] = [serializers.ErrorDetail("This field cannot be set.", code="read_only")]
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if errors and isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **errors}) from None
            raise
        if errors:
            raise serializers.ValidationError(errors)
        return value


class EmbeddingJobSerializer(serializers.Serializer[EmbeddingJob]):
    """The job that sees to a business' vector; no id where what is embedded is unchanged."""

    id = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=Answered.choices, help_text="duplicate: a job that was there already.")
    message = serializers.CharField()


class WithEmbeddingJob(serializers.Serializer[Any]):
    """What is answered beside a business, or a seller, that was written."""

    _embeddingJob = EmbeddingJobSerializer(read_only=True)  # noqa: N815 the specification's name
    _embedding_job = EmbeddingJobSerializer(read_only=True, help_text="The same, in our spelling.")


def job_fields(job: EmbeddingJob) -> dict[str, Any]:
    """Return the fields of WithEmbeddingJob."""
    told = asdict(job)
    return {"_embeddingJob": told, "_embedding_job": told}


class SellerSerializer(StrictSerializer, serializers.ModelSerializer[Seller]):
    """A seller, as the seller sees it. The plan and the status are staff's to change."""

    catalog_address = serializers.CharField(
        max_length=2000,
        required=False,
        allow_blank=True,
        help_text="http or https address of the catalog's first page.",
    )

    class Meta:
        model = Seller
        fields = [
            "id",
            "name",
            "email",
            "plan",
            "status",
            "catalog_address",
            "category",
            "description",
            "address",
            "phone",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "plan", "status", "created_at", "updated_at"]

    def validate_catalog_address(self, value: str) -> str:
        """Let the core say whether the address can be one."""
        try:
            return checked_catalog_address(value)
        except InvalidCatalogAddress as error:
            raise serializers.ValidationError(str(error), code="invalid_address") from error


class ChangedSellerSerializer(WithEmbeddingJob, SellerSerializer):
    """A seller, and the job of the entry in the business directory."""

    class Meta(SellerSerializer.Meta):
        fields = [*SellerSerializer.Meta.fields, "_embeddingJob", "_embedding_job"]


class NewSellerSerializer(ChangedSellerSerializer):
    """A seller who has just registered, with the key that is shown this once."""

    api_key = serializers.CharField(read_only=True, help_text="Keep it: it is not shown again.")

    class Meta(ChangedSellerSerializer.Meta):
        fields = [*ChangedSellerSerializer.Meta.fields, "api_key"]
        read_only_fields = [*SellerSerializer.Meta.read_only_fields, "api_key"]


class ProductCountsSerializer(serializers.Serializer[dict[str, int]]):
    """Products by status."""

    live = serializers.IntegerField()
    rejected = serializers.IntegerField()
    flagged = serializers.IntegerField()
    dead = serializers.IntegerField()
    gone = serializers.IntegerField()
    pending = serializers.IntegerField()


class SyncProgressSerializer(serializers.Serializer[dict[str, Any]]):
    """How far a sync is, in figures."""

    category_coverage_pct = serializers.FloatField(
        allow_null=True, help_text="Of the catalog's lists that are known so far, how many have been read."
    )
    products_per_min = serializers.FloatField(help_text="Products that reached their end, since the sync started.")
    success_rate = serializers.FloatField(allow_null=True, help_text="Of the pages read to an end: 1 is all.")


class SyncErrorSerializer(serializers.Serializer[dict[str, str]]):
    """Why a sync failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class SyncSerializer(serializers.Serializer[SyncRun]):
    """A sync with its progress."""

    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=SyncRun.Status.choices)
    origin = serializers.ChoiceField(
        choices=SyncRun.Origin.choices, help_text="catalog: your address; feed, links: what you sent."
    )
    trigger = serializers.CharField()
    catalog_address = serializers.CharField()
    found = serializers.IntegerField(help_text="Products listed so far.")
    products = ProductCountsSerializer()
    stages = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="Jobs by task and state."
    )
    retries = serializers.IntegerField()
    progress = SyncProgressSerializer()
    error = SyncErrorSerializer(allow_null=True)
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, sync: SyncRun) -> dict[str, Any]:
        """Join the sync's row and its progress."""
        progress = syncs.progress(sync)
        elapsed_s = ((sync.finished_at or timezone.now()) - sync.started_at).total_seconds()
        has_failed = sync.status == SyncRun.Status.FAILED
        return super().to_representation(
            {  # type: ignore[arg-type]
                "id": sync.pk,
                "status": sync.status,
                "origin": sync.origin,
                "trigger": sync.trigger,
                "catalog_address": sync.catalog_address,
                "found": progress.found,
                "products": progress.products,
                "stages": progress.stages,
                "retries": progress.retries,
                "progress": {
                    "category_coverage_pct": progress.coverage_pct,
                    "products_per_min": progress.products_per_min(elapsed_s=elapsed_s),
                    "success_rate": progress.success_rate,
                },
                "error": {"code": sync.error_code, "message": sync.error_message} if has_failed else None,
                "started_at": sync.started_at,
                "finished_at": sync.finished_at,
            }
        )


class PriceSerializer(serializers.Serializer[dict[str, str]]):
    """A price; the currency is empty where the catalog names none."""

    amount = serializers.CharField(help_text="A decimal number, exact.")
    currency = serializers.CharField(allow_blank=True, help_text="ISO 4217")
    raw = serializers.CharField(allow_blank=True, help_text="As the catalog wrote it.")


class ReasonSerializer(serializers.Serializer[dict[str, str]]):
    """Why a product is not live, and what its seller can do."""

    code = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()


class PictureSerializer(serializers.ModelSerializer[Picture]):
    """A picture with the addresses of its renditions, null while there are none."""

    display = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()

    class Meta:
        model = Picture
        fields = ["position", "status", "error_code", "display", "thumbnail", "width_px", "height_px"]

    def get_display(self, picture: Picture) -> str | None:
        """Return the address of the display rendition."""
        return self._address(picture.display)

    def get_thumbnail(self, picture: Picture) -> str | None:
        """Return the address of the thumbnail."""
        return self._address(picture.thumbnail)

    def _address(self, file: FieldFile) -> str | None:
        if not file:
            return None
        request: Request | None = self.context.get("request")
        return request.build_absolute_uri(file.url) if request else file.url


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product, as its seller sees it."""

    price = serializers.SerializerMethodField()
    reasons = ReasonSerializer(many=True)
    categories = serializers.SerializerMethodField()
    pictures = PictureSerializer(many=True)

    class Meta:
        model = Product
        fields = [
            "id",
            "external_id",
            "address",
            "title",
            "description",
            "price",
            "availability",
            "brand",
            "sku",
            "attributes",
            "edits",
            "status",
            "reasons",
            "categories",
            "pictures",
            "duplicate_of",
            "last_sync",
            "first_seen_at",
            "last_seen_at",
            "scraped_at",
            "indexed_at",
            "updated_at",
        ]

    @extend_schema_field(PriceSerializer(allow_null=True))
    def get_price(self, product: Product) -> dict[str, str] | None:
        """Return the price, or None where the catalog gives no amount."""
        money = product.money
        if money is None:
            return None
        return {"amount": amount_text(money), "currency": money.currency, "raw": money.raw}

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_categories(self, product: Product) -> list[str]:
        """Return the paths of the categories that the product was found in."""
        return sorted(category.path for category in product.categories.all())


class ProductFilterSerializer(serializers.Serializer[dict[str, Any]]):
    """The query of a product list."""

    status = serializers.ChoiceField(choices=Product.Status.choices, required=False)
    category = serializers.CharField(required=False, max_length=1000, help_text="A category's name or path.")
    q = serializers.CharField(required=False, max_length=200, help_text="Part of the title, or a whole SKU or id.")
    sync = serializers.IntegerField(required=False, min_value=1, help_text="Seen last by this sync.")
