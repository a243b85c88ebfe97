"""Search of the business directory over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.directory.searching import CANDIDATES, MAX_LIMIT, MAX_QUERY_CHARS, DirectoryAnswer, search_directory
from marketplace.directory_serializers import BusinessSerializer


class DirectoryParameters(serializers.Serializer[Any]):
    """The query string of a search."""

    q = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_QUERY_CHARS, help_text="Empty: by name."
    )
    category = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=MAX_LIMIT)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2 * CANDIDATES)


class FoundBusinessSerializer(serializers.Serializer[Any]):
    """One result."""

    business = BusinessSerializer(source="entry")
    score = serializers.FloatField(allow_null=True, help_text="Comparable within one answer only.")
    legs = serializers.DictField(child=serializers.FloatField(), help_text="The score by words, and by meaning.")


class DirectoryAnswerSerializer(serializers.Serializer[DirectoryAnswer]):
    """The answer to a search."""

    results = FoundBusinessSerializer(many=True)
    has_more = serializers.BooleanField(help_text="There are more after these: ask with a greater offset.")
    took_ms = serializers.FloatField()
    degraded = serializers.BooleanField(
        source="is_degraded", help_text="The embedder is away: these were found by their words alone."
    )


class DirectorySearchView(APIView):
    """Search all businesses; needs no key."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="search_directory",
        parameters=[DirectoryParameters],
        responses=DirectoryAnswerSerializer,
        auth=[],
        tags=["directory"],
    )
    def get(self, request: Request) -> Response:
        """Find businesses by words and by meaning, best first; without a query, by name."""
        form = DirectoryParameters(data=request.query_params)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        answer = search_directory(asked["q"], category=asked["category"], limit=asked["limit"], offset=asked["offset"])
        return Response(DirectoryAnswerSerializer(answer).data)
