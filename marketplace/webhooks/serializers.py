"""What the API reads and writes about webhooks."""

import json
from typing import Any

from rest_framework import serializers

from jobs.errors import JobError
from marketplace.notifications.serializers import KINDS
from marketplace.serializers import StrictSerializer
from marketplace.webhooks.addresses import MAX_LENGTH, checked_endpoint
from marketplace.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


class WebhookFieldsSerializer(StrictSerializer):
    """What a seller says of an endpoint."""

    address = serializers.CharField(max_length=MAX_LENGTH, help_text="An https address, on port 443 or 8443.")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=KINDS), required=False, help_text="What it is told of; empty: all."
    )

    def validate_address(self, value: str) -> str:
        """Let the core say whether messages may go there."""
        try:
            checked_endpoint(value)
        except JobError as error:
            raise serializers.ValidationError(str(error), code=error.code) from error
        return value


class WebhookChangeSerializer(WebhookFieldsSerializer):
    """What a seller changes of an endpoint."""

    is_active = serializers.BooleanField(required=False, help_text="Switch it on or off.")


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint, without its secret."""

    kinds = serializers.ListField(child=serializers.ChoiceField(choices=KINDS))
    is_active = serializers.BooleanField()
    off_why = serializers.ChoiceField(choices=WebhookEndpoint.Why.choices, allow_blank=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id", "address", "description", "kinds", "is_active", "off_why", "off_at", "failing_since",
            "previous_until", "created_at",
        ]  # fmt: skip


class WebhookWithSecretSerializer(WebhookSerializer):
    """An endpoint with the secret that signs what is sent there."""

    secret = serializers.CharField(read_only=True, help_text="whsec_ and base64.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One message to one endpoint."""

    webhook_id = serializers.CharField(source="message.message_id", help_text="The header webhook-id of each attempt.")
    kind = serializers.CharField(source="message.kind")
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)

    class Meta:
        model = WebhookDelivery
        fields = ["id", "webhook_id", "kind", "state", "attempts_made", "delivered_at", "created_at"]


class WebhookAttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """One request, and what came of it."""

    class Meta:
        model = WebhookAttempt
        fields = ["number", "started_at", "duration_ms", "status_code", "error_code", "error_message", "answer"]


class WholeWebhookDeliverySerializer(WebhookDeliverySerializer):
    """A delivery with what was sent, and each attempt."""

    body = serializers.SerializerMethodField(help_text="The message, parsed.")
    attempts = WebhookAttemptSerializer(many=True)

    class Meta(WebhookDeliverySerializer.Meta):
        fields = [*WebhookDeliverySerializer.Meta.fields, "body", "attempts"]

    def get_body(self, delivery: WebhookDelivery) -> dict[str, Any]:
        """Return the message."""
        return json.loads(delivery.message.body)  # type: ignore[no-any-return]


class SinceSerializer(StrictSerializer):
    """From when on."""

    since = serializers.DateTimeField(help_text="Messages are kept for 30 days.")


class RedeliveredSerializer(serializers.Serializer[Any]):
    """How many are delivered again."""

    redelivered = serializers.IntegerField(help_text="1,000 at most; ask again for more.")
