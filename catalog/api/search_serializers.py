"""Search as the API says it."""

import math
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models.fields.files import FieldFile
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.index import IndexFilter
from catalog.search.answers import Found
from catalog.search.asking import MAX_LIMIT, MAX_OFFSET, MAX_QUERY_CHARS, Search, Sort
from catalog.search.similar import MAX_LIMIT as MAX_SIMILAR
from catalog.search.suggesting import MAX_SUGGESTIONS
from marketplace.models import Picture, Product
from marketplace.money import Money
from marketplace.products import amount_text

MAX_VALUES = 50


class FilterParameters(serializers.Serializer[Any]):
    """What a result must have. Of a parameter that is given several times any value will do."""

    seller = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MAX_VALUES,
        help_text="Its id; may be given several times.",
    )
    category = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=1000),
        required=False,
        max_length=MAX_VALUES,
        help_text="A category's name or its path (`Home > Lamps`), with all below it; may be given several times.",
    )
    availability = serializers.ListField(
        child=serializers.ChoiceField(choices=Product.Availability.choices),
        required=False,
        max_length=MAX_VALUES,
        help_text="May be given several times.",
    )
    min_price = serializers.DecimalField(required=False, max_digits=18, decimal_places=4, min_value=Decimal(0))
    max_price = serializers.DecimalField(required=False, max_digits=18, decimal_places=4, min_value=Decimal(0))
    currency = serializers.RegexField(
        r"^[A-Za-z]{3}$", required=False, allow_blank=True, default="", help_text="ISO 4217; prices compare within one."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range of prices that is empty by itself."""
        if attrs.get("min_price", Decimal(0)) > attrs.get("max_price", Decimal(math.inf)):
            raise serializers.ValidationError({"max_price": "This is less than min_price."})
        return attrs

    def where(self) -> IndexFilter:
        """Return the filter, once it is valid."""
        values = self.validated_data
        return IndexFilter(
            seller_ids=tuple(dict.fromkeys(values.get("seller", ()))),
            categories=tuple(dict.fromkeys(name for name in values.get("category", ()) if name.strip())),
            availabilities=tuple(dict.fromkeys(values.get("availability", ()))),
            min_price=values.get("min_price"),
            max_price=values.get("max_price"),
            currency=values["currency"].upper(),
        )


class SearchParameters(FilterParameters):
    """The query string of a search."""

    q = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_QUERY_CHARS, help_text="Empty: newest first."
    )
    sort = serializers.ChoiceField(
        required=False,
        default=Sort.RELEVANCE.value,
        choices=[sort.value for sort in Sort],
        help_text="By price: within `currency`, else the most frequent one; products without a price come last.",
    )
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=MAX_LIMIT)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=MAX_OFFSET)
    facets = serializers.BooleanField(required=False, default=False, help_text="Count what narrows the search.")
    explain = serializers.BooleanField(required=False, default=False, help_text="Say why each result is there.")

    def search(self) -> Search:
        """Return what was asked for, once it is valid."""
        values = self.validated_data
        return Search(
            query=values["q"],
            where=self.where(),
            sort=Sort(values["sort"]),
            limit=values["limit"],
            offset=values["offset"],
            with_facets=values["facets"],
        )


class SuggestParameters(serializers.Serializer[Any]):
    """The query string of suggestions."""

    q = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_QUERY_CHARS, help_text="What was written so far."
    )
    limit = serializers.IntegerField(required=False, default=8, min_value=1, max_value=MAX_SUGGESTIONS)


class SimilarParameters(serializers.Serializer[Any]):
    """The query string of what is similar."""

    limit = serializers.IntegerField(required=False, default=12, min_value=1, max_value=MAX_SIMILAR)


class PictureParameters(FilterParameters):
    """The form of a search by picture."""

    picture = serializers.FileField(
        help_text="JPEG, PNG, WebP, GIF, AVIF, BMP or TIFF; at most 10 MiB and 64 megapixels."
    )
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=MAX_LIMIT)


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


class Explanation(serializers.Serializer[Any]):
    """Why a product was found; null without `explain`."""

    legs = serializers.DictField(
        child=serializers.FloatField(), help_text="The score that each leg gave: words, meaning, exact."
    )
    matched = serializers.ListField(child=serializers.CharField(), help_text="The words of the query that it holds.")


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
    explanation = serializers.SerializerMethodField()

    @extend_schema_field(Explanation(allow_null=True))
    def get_explanation(self, found: Found) -> dict[str, Any] | None:
        """Say why it was found, where that was asked for."""
        if not self.context.get("explain") or found.score is None:
            return None
        return {"legs": dict(found.legs), "matched": list(found.matched)}

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


class FacetValueSerializer(serializers.Serializer[Any]):
    """A value to narrow by."""

    value = serializers.CharField(
        help_text="Of a price a range with both ends (`25-50`, `100-`): ask by min_price, max_price and currency."
    )
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(help_text="Results with it, under the filters of all other facets.")
    selected = serializers.BooleanField(source="is_selected")


class FacetSerializer(serializers.Serializer[Any]):
    """One way to narrow a search."""

    name = serializers.ChoiceField(choices=["category", "price", "seller", "availability"])
    currency = serializers.CharField(allow_blank=True, help_text="Of price; else empty.")
    values = FacetValueSerializer(many=True)


class SuggestionSerializer(serializers.Serializer[Any]):
    """What may be meant."""

    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=["word", "brand", "category", "product"])
    product_id = serializers.IntegerField(allow_null=True)


class SuggestAnswer(serializers.Serializer[Any]):
    """What somebody who has begun to write may mean, the likeliest first of each kind."""

    suggestions = SuggestionSerializer(many=True)


class SimilarAnswer(serializers.Serializer[Any]):
    """Products, the nearest first."""

    results = FoundProduct(many=True)
    total = serializers.IntegerField(help_text="How many were found.")
    total_is_capped = serializers.BooleanField(help_text="There are more than the total.")
    took_ms = serializers.FloatField()
    cached = serializers.BooleanField(source="is_cached", help_text="The order comes from the cache, products never.")
    degraded = serializers.BooleanField(
        source="is_degraded", help_text="The index is away: these were found without meaning or likeness."
    )


class SearchAnswer(SimilarAnswer):
    """A page of what was found."""

    has_more = serializers.BooleanField(help_text="There are more after these: ask with a greater offset.")
    corrected = serializers.CharField(
        allow_blank=True, help_text="The query as it was understood, where that differs from what was written."
    )
    facets = FacetSerializer(
        many=True,
        help_text="Where the query without filters finds more than are ranked, counts are the least there are.",
    )
    suggestions = SuggestionSerializer(many=True, help_text="What else to look for, where nothing was found.")
