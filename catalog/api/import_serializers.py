"""What the API reads and writes about connections, feeds and links of products."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.feeds.models import FeedImport, FeedRowError
from catalog.models import CatalogConnection
from catalog.sources import known
from catalog.sources.source import Clues, Connection
from marketplace.serializers import StrictSerializer

MAX_LINKS = 1_000
DIGITS = r"^\d{1,40}$"


class ConnectionSerializer(StrictSerializer, serializers.ModelSerializer[CatalogConnection]):
    """A seller's access to Meta's Graph API; the token goes in and never comes out."""

    catalog_id = serializers.RegexField(
        DIGITS, required=False, allow_blank=True, help_text="Of the catalog, as Meta's Commerce Manager shows it."
    )
    account_id = serializers.RegexField(
        DIGITS,
        required=False,
        allow_blank=True,
        help_text="Of the WhatsApp Business Account, instead of the catalog's: then all its catalogs are read.",
    )
    token = serializers.CharField(
        write_only=True,
        min_length=20,
        max_length=2000,
        help_text="An access token with catalog_management and whatsapp_business_management. It is not shown again.",
    )
    is_used = serializers.SerializerMethodField(
        help_text="Whether your catalog address is one that is read by this connection."
    )

    class Meta:
        model = CatalogConnection
        fields = ["kind", "catalog_id", "account_id", "token", "is_used", "created_at", "updated_at"]
        read_only_fields = ["kind", "created_at", "updated_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two ids."""
        if not attrs.get("catalog_id") and not attrs.get("account_id"):
            raise serializers.ValidationError(
                {"catalog_id": "Name the catalog, or the WhatsApp Business Account in account_id."}, code="required"
            )
        return attrs

    def get_is_used(self, connection: CatalogConnection) -> bool:
        """Tell whether a sync of the seller's address would use the connection."""
        clues = Clues(connection.seller.catalog_address, connection=Connection(connection.pk, connection.kind))
        return any(evidence.source == connection.kind for evidence in known.probe(clues))


class NewFeedSerializer(StrictSerializer):
    """A file with products."""

    file = serializers.FileField(
        help_text="CSV, TSV, JSON Lines, JSON, or the XML of Google Merchant or Meta; .gz is fine."
    )
    keep_others = serializers.BooleanField(
        default=False, help_text="Keep the products of earlier files that this one lacks, instead of taking them down."
    )

    def validate_file(self, value: Any) -> Any:
        """Hold the file to the most that is read."""
        if value.size > settings.FEED_MAX_MB * 2**20:
            raise serializers.ValidationError(
                f"The file has more than {settings.FEED_MAX_MB} MiB. Compress it, or send parts with keep_others.",
                code="too_large",
            )
        return value


class FeedSerializer(serializers.ModelSerializer[FeedImport]):
    """A reading of a feed, with its counts."""

    class Meta:
        model = FeedImport
        fields = [
            "id",
            "name",
            "kind",
            "sync",
            "rows",
            "accepted",
            "refused",
            "problems",
            "not_carried",
            "started_at",
            "finished_at",
        ]


class FeedRowErrorSerializer(serializers.ModelSerializer[FeedRowError]):
    """What is wrong with one row."""

    row = serializers.IntegerField(source="number", help_text="Its number, from 1; a header is no row.")
    level = serializers.SerializerMethodField(help_text="error: the row was refused; note: a field was left out.")

    class Meta:
        model = FeedRowError
        fields = ["row", "line", "level", "field", "code", "message", "excerpt"]

    @extend_schema_field(serializers.ChoiceField(choices=["error", "note"]))
    def get_level(self, error: FeedRowError) -> str:
        """Tell whether the row was refused."""
        return "note" if error.is_note else "error"


class LinksSerializer(StrictSerializer):
    """The pages of single products."""

    addresses = serializers.ListField(
        child=serializers.CharField(max_length=2000),
        min_length=1,
        max_length=MAX_LINKS,
        help_text="Such as https://wa.me/p/<product>/<phone number>.",
    )
    keep_others = serializers.BooleanField(
        default=True,
        help_text="Keep the products of links that you sent before; false takes down those not among these.",
    )

    def validate_addresses(self, value: list[str]) -> list[str]:
        """Ask that a source knows each address as a product's."""
        errors = {
            str(number): [
                serializers.ErrorDetail(
                    "Souk does not know this as the page of one product. A link looks like "
                    "https://wa.me/p/<product>/<phone number>.",
                    code="unknown_product_address",
                )
            ]
            for number, address in enumerate(value)
            if known.product_at(address) is None
        }
        if errors:
            raise serializers.ValidationError(errors)
        return value
