"""Search as the API says it."""

import math
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models.fields.files import FieldFile
from rest_framework import serializers

from catalog.index import IndexFilter
from catalog.search.answers import Found
from catalog.search.asking import MAX_LIMIT, MAX_OFFSET, MAX_QUERY_CHARS, Search
from marketplace.models import Picture
from marketplace.money import Money
from marketplace.products import amount_text


class SearchParameters(serializers.Serializer[Any]):
    """The query string of a search."""

    q = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_QUERY_CHARS, help_text="Empty: newest first."
    )
    seller = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    category = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=200, help_text="A category's name or its path."
    )
    min_price = serializers.DecimalField(required=False, max_digits=18, decimal_places=4, min_value=Decimal(0))
    max_price = serializers.DecimalField(required=False, max_digits=18, decimal_places=4, min_value=Decimal(0))
    currency = serializers.RegexField(
        r"^[A-Za-z]{3}$", required=False, allow_blank=True, default="", help_text="ISO 4217; prices compare within one."
    )
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=MAX_LIMIT)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=MAX_OFFSET)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range of prices that is empty by itself."""
        if attrs.get("min_price", Decimal(0)) > attrs.get("max_price", Decimal(math.inf)):
            raise serializers.ValidationError({"max_price": "This is less than min_price."})
        return attrs

    def search(self) -> Search:
        """Return what was asked for, once it is valid."""
        values = self.validated_data
        return Search(
            query=values["q"],
            where=IndexFilter(
                seller_ids=(values["seller"],) if "seller" in values else (),
                categories=(values["category"],) if values["category"] else (),
                min_price=values.get("min_price"),
                max_price=values.get("max_price"),
                currency=values["currency"].upper(),
            ),
            limit=values["limit"],
            offset=values["offset"],
        )


class SellerName(serializers.Serializer[Any]):
    """Whose product it is."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class FoundPrice(serializers.Serializer[Money]):
    """An exact amount; currency is empty when the catalog names none."""

    amount = serializers.SerializerMethodField()
    currency = serializers.CharField(allow_blank=True)
    raw = serializers.CharField(allow_blank=True)

    def get_amount(self, money: Money) -> str:
        """Return the decimal number, exact."""
        return amount_text(money)


class FoundProduct(serializers.Serializer[Found]):
    """One result."""

    id = serializers.IntegerField(source="product.id")
    title = serializers.CharField(source="product.title")
    description = serializers.CharField(source="product.description")
    price = FoundPrice(source="product.money", allow_null=True)
    availability = serializers.CharField(source="product.availability")
    seller = SellerName(source="product.seller")
    categories = serializers.SerializerMethodField()
    address = serializers.URLField(source="product.address", help_text="Its page in the seller's catalog.")
    picture = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()
    score = serializers.FloatField(allow_null=True, help_text="Comparable within one answer only.")

    def get_categories(self, found: Found) -> list[str]:
        """List the paths of the categories that it was found in."""
        return [category.path for category in found.product.categories.all()]

    def get_picture(self, found: Found) -> str | None:
        """Return the address of its first picture, 1,200 px at most."""
        picture = self._first_picture(found)
        return None if picture is None else self._absolute(picture.display)

    def get_thumbnail(self, found: Found) -> str | None:
        """Return the address of its first picture's thumbnail, 320 px at most."""
        picture = self._first_picture(found)
        return None if picture is None else self._absolute(picture.thumbnail)

    def _first_picture(self, found: Found) -> Picture | None:
        return next(iter(found.product.pictures.all()), None)

    def _absolute(self, file: FieldFile) -> str:
        request = self.context.get("request")
        address = f"{settings.MEDIA_URL}{file.name}"
        return request.build_absolute_uri(address) if request is not None else address


class SearchAnswer(serializers.Serializer[Any]):
    """The answer to a search."""

    results = FoundProduct(many=True)
    has_more = serializers.BooleanField(help_text="There may be more after these: ask with a greater offset.")
    took_ms = serializers.FloatField()
    cached = serializers.BooleanField(source="is_cached")
    degraded = serializers.BooleanField(
        source="is_degraded", help_text="The index is away: these were found by their words alone."
    )
