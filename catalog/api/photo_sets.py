"""Sets of photos over HTTP: upload them in pieces, have an inventory made, change and accept it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.callers import actor_of
from catalog.api.photo_serializers import (
    InventorySerializer,
    ListedPhotoSetSerializer,
    NewPhotoSetSerializer,
    PhotoSetSerializer,
    StartedSerializer,
)
from catalog.photos import sets, tus
from catalog.photos.files import PhotoFileAway, PhotoNotStored
from catalog.photos.inventory import IncompleteInventory, UnknownParts, accept_inventory, change_inventory
from catalog.photos.models import Photo, PhotoSet
from catalog.photos.uploads import MAX_BYTES, MAX_PHOTOS, PhotoRefused, take_whole
from jobs.admission import TooManyJobs
from marketplace.api import SYNC_POLL_S, AnotherSyncRuns, calling_seller
from marketplace.authentication import IsSeller
from marketplace.paging import NewestByTime
from marketplace.problems import Problem, Refused
from marketplace.serializers import SyncSerializer
from marketplace.syncs import SyncRunning

POLL_S = 2
FORM_BYTES = 64 * 1024  # what the form around files may add
TOO_LARGE = OpenApiResponse(OpenApiTypes.OBJECT, "The photo is larger than 20 MiB, or than was announced.")
CONFLICT = OpenApiResponse(OpenApiTypes.OBJECT, "Not now; the answer says why, and what to do.")
BUSY = OpenApiResponse(OpenApiTypes.OBJECT, "Too much work waits; Retry-After says when to come back.")
TUS_VERSION = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[tus.VERSION])


class Told(Problem):
    """A refusal of the core, with its own status and code."""

    title = "The photos cannot be taken so"

    def __init__(self, *, status_code: int, code: str, message: str) -> None:
        self.status_code, self.code = status_code, code
        super().__init__(message)


def told(error: Exception) -> Told:
    """Return the problem that tells of a refusal."""
    if isinstance(error, sets.SetRefused):
        return Told(status_code=status.HTTP_409_CONFLICT, code=error.code, message=str(error))
    if isinstance(error, PhotoFileAway):
        return Told(status_code=status.HTTP_503_SERVICE_UNAVAILABLE, code=error.code, message=str(error))
    refusal = error if isinstance(error, tus.TusRefused) else tus.refused(error)
    return Told(status_code=refusal.status, code=refusal.code, message=str(refusal))


class PhotoSetsView(ListAPIView[PhotoSet]):
    """The calling seller's sets of photos."""

    permission_classes = [IsSeller]
    serializer_class = ListedPhotoSetSerializer
    pagination_class = NewestByTime
    parser_classes = [JSONParser, MultiPartParser]

    def get_queryset(self) -> Any:
        """Find the seller's sets."""
        if getattr(self, "swagger_fake_view", False):
            return PhotoSet.objects.none()
        return sets.sets_of(calling_seller(self.request))

    @extend_schema(operation_id="list_photo_sets", tags=["photos"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the sets, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="begin_photo_set",
        request={"application/json": NewPhotoSetSerializer, "multipart/form-data": NewPhotoSetSerializer},
        responses={
            201: PhotoSetSerializer,
            202: StartedSerializer,
            409: CONFLICT,
            413: TOO_LARGE,
            422: OpenApiResponse(OpenApiTypes.OBJECT, "A photo cannot be used; the answer says which and why."),
            429: BUSY,
        },
        tags=["photos"],
    )
    def post(self, request: Request) -> Response:
        """Begin a set, to which photos are uploaded; or send all its photos as a form, and have it processed."""
        most = MAX_PHOTOS * MAX_BYTES + FORM_BYTES
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            raise Told(
                status_code=413, code="photo.too_large", message=f"Send {MAX_PHOTOS} photos of 20 MiB each at most."
            )
        form = NewPhotoSetSerializer(data=_fields_of(request))
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        photos = data.pop("photos", None)
        try:
            photo_set = sets.begin_set(calling_seller(request), **data)
        except sets.SetRefused as error:
            raise told(error) from error
        location = {"Location": reverse("photo-set", args=[photo_set.pk])}
        if not photos:
            return Response(PhotoSetSerializer(photo_set).data, status=status.HTTP_201_CREATED, headers=location)
        return _started(_with_photos(photo_set, photos))


def _fields_of(request: Request) -> Any:
    """Return the fields of a form without what browsers add, its files as a list; JSON as it is."""
    data = request.data
    if not isinstance(data, QueryDict):
        return data
    fields: dict[str, Any] = {name: data[name] for name in data if name != "photos"}
    return {**fields, "photos": data.getlist("photos")}


def _with_photos(photo_set: PhotoSet, photos: list[Any]) -> PhotoSet:
    """Upload and start; a set of which anything is refused is forgotten, so that the whole can be sent again."""
    try:
        for photo in photos:
            take_whole(photo_set.pk, name=photo.name, size_bytes=photo.size, pieces=photo.chunks())
        return sets.start_processing(photo_set, trigger="api")
    except (PhotoRefused, PhotoNotStored, sets.SetRefused, TooManyJobs) as error:
        sets.discard_set(photo_set, actor="upload")
        raise (Refused(error) if isinstance(error, TooManyJobs) else told(error)) from error


def _started(photo_set: PhotoSet) -> Response:
    body = {"jobId": photo_set.job_id, "status": "queued", "photo_set": str(photo_set.pk)}
    headers = {"Location": reverse("photo-set", args=[photo_set.pk]), "Retry-After": str(POLL_S)}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=headers)


class OnePhotoSet(APIView):
    """What is asked about one set of the calling seller."""

    permission_classes = [IsSeller]

    def photo_set(self, set_id: UUID) -> PhotoSet:
        """Return the set, or raise Http404."""
        return get_object_or_404(
            sets.sets_of(calling_seller(self.request)).select_related("seller").prefetch_related("photos"), pk=set_id
        )

    def act(self, do: Callable[[], Any]) -> Any:
        """Do what was asked, and tell of a refusal."""
        try:
            return do()
        except TooManyJobs as error:
            raise Refused(error) from error
        except SyncRunning as error:
            raise AnotherSyncRuns(error.sync) from error
        except UnknownParts as error:
            raise serializers.ValidationError({"items": [str(error)]}, "unknown_parts") from error
        except IncompleteInventory as error:
            lines: dict[str, dict[str, list[str]]] = {}
            for lack in error.lacks:
                lines.setdefault(str(lack.position), {})[lack.field] = [lack.message]
            raise serializers.ValidationError({"items": lines}, "required") from error
        except (sets.SetRefused, PhotoFileAway) as error:
            raise told(error) from error


class PhotoSetView(OnePhotoSet):
    """One set."""

    @extend_schema(operation_id="get_photo_set", responses=PhotoSetSerializer, tags=["photos"])
    def get(self, request: Request, set_id: UUID) -> Response:
        """Show how far a set is, its photos, and its inventory."""
        body = PhotoSetSerializer(self.photo_set(set_id)).data
        is_moving = body["status"] in ("queued", "processing")
        return Response(body, headers={"Retry-After": str(POLL_S)} if is_moving else None)

    @extend_schema(operation_id="discard_photo_set", responses={204: None, 409: CONFLICT}, tags=["photos"])
    def delete(self, request: Request, set_id: UUID) -> Response:
        """Discard a set with its photos; what works on it stops."""
        photo_set = self.photo_set(set_id)
        self.act(lambda: sets.discard_set(photo_set, actor=actor_of(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class StartPhotoSetView(OnePhotoSet):
    """Having the inventory made."""

    @extend_schema(
        operation_id="start_photo_set",
        request=None,
        responses={202: StartedSerializer, 409: CONFLICT, 429: BUSY},
        tags=["photos"],
    )
    def post(self, request: Request, set_id: UUID) -> Response:
        """Have an inventory made of the photos. Follow it at Location."""
        photo_set = self.photo_set(set_id)
        return _started(self.act(lambda: sets.start_processing(photo_set, trigger="api")))


class StopPhotoSetView(OnePhotoSet):
    """Having it stopped."""

    @extend_schema(operation_id="stop_photo_set", request=None, responses=PhotoSetSerializer, tags=["photos"])
    def post(self, request: Request, set_id: UUID) -> Response:
        """Stop the work on a set, which takes photos again; what is done is not done again."""
        photo_set = self.photo_set(set_id)
        sets.stop_processing(photo_set, actor=actor_of(request))
        return Response(PhotoSetSerializer(self.photo_set(set_id)).data)


class PhotoItemsView(OnePhotoSet):
    """The inventory."""

    @extend_schema(
        operation_id="change_inventory",
        request=InventorySerializer,
        responses={200: PhotoSetSerializer, 409: CONFLICT},
        tags=["photos"],
    )
    def put(self, request: Request, set_id: UUID) -> Response:
        """Put your version in place of the inventory: join, part, drop and order lines, and move photos."""
        photo_set = self.photo_set(set_id)
        form = InventorySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        self.act(lambda: change_inventory(photo_set, form.drafts()))
        return Response(PhotoSetSerializer(self.photo_set(set_id)).data)


class AcceptPhotoSetView(OnePhotoSet):
    """Taking the inventory."""

    @extend_schema(
        operation_id="accept_inventory",
        request=None,
        responses={202: SyncSerializer, 409: CONFLICT, 429: BUSY},
        tags=["photos"],
    )
    def post(self, request: Request, set_id: UUID) -> Response:
        """Make products of the lines, each of which needs a title, a price with its currency, and a photo."""
        photo_set = self.photo_set(set_id)
        sync = self.act(lambda: accept_inventory(photo_set, trigger="api"))
        return Response(
            SyncSerializer(sync).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("api:sync", args=[sync.pk]), "Retry-After": str(SYNC_POLL_S)},
        )


class PieceParser(BaseParser):
    """Leaves the body alone: it is read piece by piece."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Return nothing."""
        return {}


class UploadView(OnePhotoSet):
    """Resumable uploads by the tus protocol 1.0.0."""

    parser_classes = [PieceParser]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Let a client that can only POST say its method in a header, as the protocol asks."""
        if request.method == "POST" and tus.method_of(request) in tus.METHODS:
            request.method = tus.method_of(request)
        return super().initialize_request(request, *args, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Add what the protocol wants on each answer."""
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == status.HTTP_412_PRECONDITION_FAILED:
            response.headers["Tus-Version"] = tus.VERSION
        response.headers.setdefault("Tus-Resumable", tus.VERSION)
        return response

    def handle(self, request: Request, set_id: UUID, photo_id: UUID | None = None) -> HttpResponse:
        """Answer by the protocol, and tell of a refusal as a problem."""
        try:
            return tus.answer(request._request, self.photo_set(set_id), photo_id, location=upload_address)
        except tus.TusRefused as error:
            raise told(error) from error


def upload_address(photo: Photo) -> str:
    """Return where a photo's pieces go."""
    return reverse("photo-upload", args=[photo.photo_set_id, photo.pk])


class PhotosView(UploadView):
    """Beginning uploads."""

    @extend_schema(
        operation_id="begin_upload",
        request=None,
        parameters=[
            TUS_VERSION,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Metadata", str, OpenApiParameter.HEADER, description="`filename` and its value in base64."
            ),
        ],
        responses={201: OpenApiResponse(description="Send the pieces to Location."), 409: CONFLICT, 413: TOO_LARGE},
        tags=["photos"],
    )
    def post(self, request: Request, set_id: UUID) -> HttpResponse:
        """Begin the upload of one photo (tus 1.0.0, creation). Photos stand in the order in which they are begun."""
        return self.handle(request, set_id)

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what of the protocol is here."""
        return self.handle(request, **kwargs)


class PhotoUploadView(UploadView):
    """One upload."""

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what of the protocol is here."""
        return self.handle(request, **kwargs)

    @extend_schema(exclude=True)
    def head(self, request: Request, set_id: UUID, photo_id: UUID) -> HttpResponse:
        """Say how much of the photo is here, in Upload-Offset."""
        return self.handle(request, set_id, photo_id)

    @extend_schema(
        operation_id="upload_piece",
        request={tus.PIECE_TYPE: OpenApiTypes.BINARY},
        parameters=[
            TUS_VERSION,
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Checksum", str, OpenApiParameter.HEADER, description="`sha1`, `sha256` or `md5`, then base64."
            ),
        ],
        responses={
            204: OpenApiResponse(description="Upload-Offset says where the next piece begins."),
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The piece begins elsewhere; ask by HEAD where it should."),
            413: TOO_LARGE,
            422: OpenApiResponse(OpenApiTypes.OBJECT, "It is whole, and no picture that can be used; it is gone."),
            460: OpenApiResponse(OpenApiTypes.OBJECT, "The piece does not have its checksum; it was thrown away."),
        },
        tags=["photos"],
    )
    def patch(self, request: Request, set_id: UUID, photo_id: UUID) -> HttpResponse:
        """Send a piece (tus 1.0.0). HEAD says, in Upload-Offset, where the next one begins."""
        return self.handle(request, set_id, photo_id)

    @extend_schema(operation_id="remove_photo", parameters=[TUS_VERSION], responses={204: None}, tags=["photos"])
    def delete(self, request: Request, set_id: UUID, photo_id: UUID) -> HttpResponse:
        """Remove a photo, whether it has come whole or not (tus 1.0.0, termination)."""
        return self.handle(request, set_id, photo_id)
