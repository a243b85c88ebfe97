"""The API of a seller who gives products otherwise than by an address that all can read."""

import csv
import io
from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import connections, feed_imports
from catalog.api.import_serializers import (
    ConnectionSerializer,
    FeedRowErrorSerializer,
    FeedSerializer,
    LinksSerializer,
    NewFeedSerializer,
)
from catalog.feed_files import FeedNotStored
from catalog.models import CatalogConnection, FeedImport, FeedRowError
from jobs.admission import TooManyJobs
from jobs.sealing import NoEncryptionKey
from marketplace.api import SYNC_POLL_S, AnotherSyncRuns, calling_seller
from marketplace.authentication import IsSeller
from marketplace.models import SyncRun
from marketplace.paging import InOrder, NewestFirst
from marketplace.problems import Problem, Refused
from marketplace.serializers import SyncSerializer
from marketplace.syncs import SyncRunning

MULTIPART_BYTES = 64 * 1024  # what the form around a file may add to it
STARTED = {
    202: SyncSerializer,
    409: OpenApiResponse(OpenApiTypes.OBJECT, "A sync of yours runs; try again when it has ended."),
    429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much work waits; Retry-After says when to come back."),
}


class FeedTooLarge(Problem):
    """The file is larger than we take."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    code = "feed.too_large"
    title = "The file is too large"


class NoRoom(Problem):
    """There is no room for the file now; try again later."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = FeedNotStored.code
    title = "There is no room"


class KeepsNoSecrets(Problem):
    """A token is kept encrypted only, and this marketplace has no key for that; its operators must set one."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "connection.no_encryption_key"
    title = "Tokens cannot be kept here"


class ConnectionView(APIView):
    """The calling seller's access to a platform's interface."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_connection", responses=ConnectionSerializer, tags=["sellers"])
    def get(self, request: Request) -> Response:
        """Show the connection, without its token."""
        found = CatalogConnection.objects.select_related("seller").filter(seller=calling_seller(request)).first()
        if found is None:
            raise NotFound("You have connected nothing.")
        return Response(ConnectionSerializer(found).data)

    @extend_schema(
        operation_id="set_connection", request=ConnectionSerializer, responses=ConnectionSerializer, tags=["sellers"]
    )
    def put(self, request: Request) -> Response:
        """Connect a WhatsApp catalog by Meta's Graph API; what was connected before is replaced."""
        form = ConnectionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            stored = connections.connect(calling_seller(request), **form.validated_data)
        except NoEncryptionKey as error:
            raise KeepsNoSecrets from error
        return Response(ConnectionSerializer(stored).data, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="delete_connection", responses={204: None}, tags=["sellers"])
    def delete(self, request: Request) -> Response:
        """Forget the connection and its token."""
        connections.disconnect(calling_seller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class FeedsView(ListAPIView[FeedImport]):
    """The calling seller's feeds."""

    permission_classes = [IsSeller]
    serializer_class = FeedSerializer
    pagination_class = NewestFirst
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> Any:
        """Find the seller's feeds."""
        if getattr(self, "swagger_fake_view", False):
            return FeedImport.objects.none()
        return FeedImport.objects.filter(seller=calling_seller(self.request))

    @extend_schema(operation_id="list_feeds", tags=["syncs"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the readings of feeds, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="upload_feed",
        request={"multipart/form-data": NewFeedSerializer},
        responses=STARTED | {413: OpenApiResponse(OpenApiTypes.OBJECT, "The file is larger than is read.")},
        tags=["syncs"],
    )
    def post(self, request: Request) -> Response:
        """Send a file of products. It stands for all that you send as files: what it lacks is taken down."""
        most = settings.FEED_MAX_MB * 2**20 + MULTIPART_BYTES
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            raise FeedTooLarge(
                f"The file has more than {settings.FEED_MAX_MB} MiB. Compress it, or send parts with keep_others."
            )
        form = NewFeedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        file = form.validated_data["file"]
        try:
            feed = feed_imports.import_file(
                seller=calling_seller(request),
                name=file.name,
                chunks=file.chunks(),
                keeps_others=form.validated_data["keep_others"],
                trigger="api",
                is_submission=True,
            )
        except SyncRunning as error:
            raise AnotherSyncRuns(error.sync) from error
        except TooManyJobs as error:
            raise Refused(error) from error
        except FeedNotStored as error:
            raise NoRoom from error
        return _followed(feed.sync)


class FeedView(APIView):
    """One reading of a feed."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_feed", responses=FeedSerializer, tags=["syncs"])
    def get(self, request: Request, feed_id: int) -> Response:
        """Show one of the calling seller's feeds with its counts."""
        feed = get_object_or_404(FeedImport, pk=feed_id, seller=calling_seller(request))
        return Response(FeedSerializer(feed).data)


class CsvRenderer(BaseRenderer):
    """Write rows as CSV; a text that a spreadsheet would take for a formula is marked as text."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the rows with their header; a problem as its words."""
        out = io.StringIO()
        rows = data if isinstance(data, list) else [data]
        writer = csv.DictWriter(out, list(FeedRowErrorSerializer.Meta.fields), extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _unformula(value) for name, value in row.items()} for row in rows)
        return out.getvalue().encode()


class ByRow(InOrder):
    """Pages in the order of the file."""

    page_size = 200
    max_page_size = 1000


class FeedErrorsView(ListAPIView[FeedRowError]):
    """What is wrong with the rows of a feed."""

    permission_classes = [IsSeller]
    serializer_class = FeedRowErrorSerializer
    pagination_class = ByRow
    renderer_classes = [JSONRenderer, CsvRenderer]

    def get_queryset(self) -> Any:
        """Find the errors of the seller's feed."""
        if getattr(self, "swagger_fake_view", False):
            return FeedRowError.objects.none()
        feed = get_object_or_404(FeedImport, pk=self.kwargs["feed_id"], seller=calling_seller(self.request))
        return FeedRowError.objects.filter(feed=feed).order_by("pk")

    @extend_schema(
        operation_id="list_feed_errors",
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"])],
        tags=["syncs"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what is wrong with a feed, row by row: JSON in pages, or all that is kept as one CSV file."""
        if not isinstance(request.accepted_renderer, CsvRenderer):
            return super().get(request, *args, **kwargs)
        rows = FeedRowErrorSerializer(self.get_queryset(), many=True).data
        name = f"feed-{kwargs['feed_id']}-errors.csv"
        return Response(list(rows), headers={"Content-Disposition": f'attachment; filename="{name}"'})


class LinksView(APIView):
    """Products by the addresses of their pages."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="send_product_links", request=LinksSerializer, responses=STARTED, tags=["syncs"])
    def post(self, request: Request) -> Response:
        """Send the links of products; their pages are read as those of a catalog."""
        form = LinksSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            sync = feed_imports.import_links(
                seller=calling_seller(request),
                addresses=form.validated_data["addresses"],
                keeps_others=form.validated_data["keep_others"],
                trigger="api",
                is_submission=True,
            )
        except SyncRunning as error:
            raise AnotherSyncRuns(error.sync) from error
        except TooManyJobs as error:
            raise Refused(error) from error
        return _followed(sync)


def _followed(sync: SyncRun | None) -> Response:
    """Answer with a sync that was started, and where to follow it."""
    if sync is None:
        raise NotFound
    return Response(
        SyncSerializer(sync).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": reverse("api:sync", args=[sync.pk]), "Retry-After": str(SYNC_POLL_S)},
    )


def _unformula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
