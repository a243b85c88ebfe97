"""The API of the business directory: everybody reads it, staff write it, and ask for vectors."""

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import audit
from jobs.api.directory_serializers import OptionalReasonSerializer
from jobs.api.staff import StaffMay, StaffView, actor_of, read
from marketplace import directory
from marketplace.directory_serializers import (
    BulkEmbeddingAnswer,
    BulkEmbeddingSerializer,
    BusinessJobSerializer,
    BusinessSerializer,
    WrittenBusinessSerializer,
)
from marketplace.models import DirectoryEntry
from marketplace.paging import NewestFirst
from marketplace.problems import Problem
from marketplace.serializers import job_fields

NO_REASON = "(none given; by the API)"
BUSINESS_ID = OpenApiParameter("business_id", int, OpenApiParameter.PATH)


class BusinessOfSeller(Problem):
    """This is a seller's own entry, which stays as long as the seller does. Suspend the seller to hide it."""

    status_code = status.HTTP_409_CONFLICT
    code = "directory.of_seller"
    title = "The business is a seller"


class EverybodyReads(StaffMay):
    """Everybody may look; staff who have the permission for it act."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the caller may do this."""
        if request.method in SAFE_METHODS:
            return True
        acts = {"POST": "add", "PATCH": "change", "DELETE": "delete"}
        may_act = f"marketplace.{acts.get(request.method or '', 'change')}_directoryentry"
        return bool(request.user.is_staff and request.user.has_perm(may_act))


class BusinessesView(StaffView, ListAPIView[DirectoryEntry]):
    """All businesses."""

    permission_classes = [EverybodyReads]
    serializer_class = BusinessSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> Any:
        """Find the businesses that everybody may see."""
        return directory.shown_entries()

    @extend_schema(operation_id="list_businesses", tags=["directory"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the businesses, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_business",
        request=BusinessSerializer,
        responses={201: WrittenBusinessSerializer},
        tags=["directory"],
    )
    def post(self, request: Request) -> Response:
        """Write a new business (staff); it is found by its words at once, and by its meaning after its job."""
        form = read(BusinessSerializer, request)
        with transaction.atomic():
            entry, job = directory.create_entry(by=actor_of(request), **form.validated_data)
            _note(request, "create business", entry)
        return Response(
            _told(entry, request) | job_fields(job),
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api:business", args=[entry.pk])},
        )


class BusinessView(StaffView):
    """One business."""

    permission_classes = [EverybodyReads]

    @extend_schema(
        operation_id="get_business", parameters=[BUSINESS_ID], responses=BusinessSerializer, tags=["directory"]
    )
    def get(self, request: Request, business_id: int) -> Response:
        """Show a business."""
        is_staff = request.user.is_staff
        entries = DirectoryEntry.objects.defer("words", "embedding") if is_staff else directory.shown_entries()
        return Response(_told(get_object_or_404(entries, pk=business_id), request))

    @extend_schema(
        operation_id="update_business",
        parameters=[BUSINESS_ID],
        request=BusinessSerializer(partial=True),
        responses=WrittenBusinessSerializer,
        tags=["directory"],
    )
    def patch(self, request: Request, business_id: int) -> Response:
        """Change some fields of a business (staff); a seller changes its own by PATCH /api/sellers/me/."""
        form = BusinessSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                entry, job = directory.update_entry(business_id, by=actor_of(request), **form.validated_data)
                _note(request, "change business", entry)
        except DirectoryEntry.DoesNotExist as error:
            raise _unknown(business_id) from error
        return Response(_told(entry, request) | job_fields(job))

    @extend_schema(
        operation_id="delete_business",
        parameters=[BUSINESS_ID],
        request=None,
        responses={204: None, 409: OpenApiResponse(OpenApiTypes.OBJECT, "It is a seller's own.")},
        tags=["directory"],
    )
    def delete(self, request: Request, business_id: int) -> Response:
        """Take a business off the directory (staff); not a seller's own, which goes with the seller."""
        try:
            directory.delete_entry(business_id, by=actor_of(request), reason=NO_REASON)
        except DirectoryEntry.DoesNotExist as error:
            raise _unknown(business_id) from error
        except directory.EntryOfSeller as error:
            raise BusinessOfSeller from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmbeddingsView(StaffView):
    """A view of businesses' vectors."""

    may_look = "marketplace.view_directoryentry"
    may_act = "marketplace.change_directoryentry"


class BulkEmbeddingsView(EmbeddingsView):
    """Many vectors."""

    @extend_schema(
        operation_id="embed_businesses",
        request=BulkEmbeddingSerializer,
        responses={202: BulkEmbeddingAnswer, 404: OpenApiResponse(OpenApiTypes.OBJECT, "None of them exists.")},
        tags=["staff"],
    )
    def post(self, request: Request) -> Response:
        """Ask for the vectors of up to 1,000 businesses; what has its vector is not embedded again."""
        form = read(BulkEmbeddingSerializer, request).validated_data
        requested = directory.request_embeddings_for_staff(
            form["businessIds"],
            operation="bulk",
            actor=actor_of(request),
            source="admin",
            reason=form.get("reason", NO_REASON),
        )
        if not requested.jobs:
            raise exceptions.NotFound("No business has any of these ids. See GET /api/directory/.")
        jobs = [{"businessId": pk, "jobId": job.id, "status": job.status} for pk, job in requested.jobs.items()]
        answer = {"queued": requested.queued, "jobs": jobs, "unknown": requested.unknown}
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class RetryEmbeddingView(EmbeddingsView):
    """One vector."""

    @extend_schema(
        operation_id="retry_business_embedding",
        parameters=[BUSINESS_ID],
        request=OptionalReasonSerializer,
        responses={202: BusinessJobSerializer},
        tags=["staff"],
    )
    def post(self, request: Request, business_id: int) -> Response:
        """Ask for the vector of a business once more."""
        reason = read(OptionalReasonSerializer, request).validated_data.get("reason", NO_REASON)
        requested = directory.request_embeddings_for_staff(
            [business_id], operation="retry", actor=actor_of(request), source="admin", reason=reason
        )
        if not requested.jobs:
            raise _unknown(business_id)
        job = requested.jobs[business_id]
        return Response(
            {"businessId": business_id, "jobId": job.id, "status": job.status},
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("api:staff-job", args=[job.id])},
        )


def _told(entry: DirectoryEntry, request: Request) -> dict[str, Any]:
    return dict(BusinessSerializer(entry, context={"request": request}).data)


def _note(request: Request, action: str, entry: DirectoryEntry) -> None:
    audit.record(actor=actor_of(request), action=action, subject=f"business {entry.pk}: {entry.name}", reason=NO_REASON)


def _unknown(business_id: int) -> exceptions.NotFound:
    return exceptions.NotFound(f"There is no business {business_id}.")
