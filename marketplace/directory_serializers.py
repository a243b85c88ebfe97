"""What the API reads and writes about the business directory, in the words of its specification."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.directory import FIELDS, MAX_BULK, Answered
from marketplace.models import DirectoryEntry
from marketplace.serializers import StrictSerializer, WithEmbeddingJob

MAX_DESCRIPTION_CHARS = 20_000


class EmbeddingStateSerializer(serializers.Serializer[DirectoryEntry]):
    """How it stands with a business' vector."""

    status = serializers.ChoiceField(source="embedding_status", choices=DirectoryEntry.Embedding.choices)
    jobId = serializers.IntegerField(  # noqa: N815 the specification's names
        source="embedding_job_id", allow_null=True, help_text="The last job that saw to it."
    )
    errorCode = serializers.CharField(source="embedding_error_code")  # noqa: N815
    errorMessage = serializers.CharField(source="embedding_error_message")  # noqa: N815
    fingerprint = serializers.CharField(source="embedding_fingerprint", help_text="Of the embedder.")
    embeddedAt = serializers.DateTimeField(source="embedded_at", allow_null=True)  # noqa: N815


class BusinessSerializer(StrictSerializer, serializers.ModelSerializer[DirectoryEntry]):
    """A business, as everybody may see it, and for staff how it stands with its vector."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION_CHARS)
    seller = serializers.IntegerField(source="seller_id", read_only=True, allow_null=True, help_text="Whose own it is.")
    embedding = serializers.SerializerMethodField(help_text="For staff; null for others.")

    class Meta:
        model = DirectoryEntry
        fields = ["id", *FIELDS, "seller", "embedding", "created_at", "updated_at"]

    @extend_schema_field(EmbeddingStateSerializer(allow_null=True))
    def get_embedding(self, entry: DirectoryEntry) -> dict[str, Any] | None:
        """Return the state of the vector."""
        request = self.context.get("request")
        return dict(EmbeddingStateSerializer(entry).data) if request is not None and request.user.is_staff else None


class WrittenBusinessSerializer(WithEmbeddingJob, BusinessSerializer):
    """A business that was written, with its job."""

    class Meta(BusinessSerializer.Meta):
        fields = [*BusinessSerializer.Meta.fields, "_embeddingJob", "_embedding_job"]


class BulkEmbeddingSerializer(StrictSerializer):
    """Which businesses to embed again."""

    businessIds = serializers.ListField(  # noqa: N815
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), allow_empty=False, max_length=MAX_BULK
    )
    reason = serializers.CharField(max_length=500, required=False, help_text="Kept in the audit log.")


class BusinessJobSerializer(serializers.Serializer[Any]):
    """The job of one business."""

    businessId = serializers.IntegerField()  # noqa: N815
    jobId = serializers.IntegerField()  # noqa: N815
    status = serializers.ChoiceField(choices=Answered.choices)


class BulkEmbeddingAnswer(serializers.Serializer[Any]):
    """What was enqueued."""

    queued = serializers.IntegerField(help_text="New jobs.")
    jobs = BusinessJobSerializer(many=True, help_text="In the order asked for.")
    unknown = serializers.ListField(child=serializers.IntegerField(), help_text="Ids that no business has.")
