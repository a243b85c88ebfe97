"""Scraping jobs and previews over HTTP: for sellers by their key, for staff by their session."""

import re
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import previews, scraping_jobs
from catalog.api.callers import SellerOrStaffView, actor_of, seller_of
from catalog.api.scraping_serializers import (
    ListedScrapingJobSerializer,
    NewPreviewSerializer,
    NewScrapingJobSerializer,
    PreviewSerializer,
    ScrapingFilterSerializer,
    ScrapingJobSerializer,
)
from catalog.models import ScrapingJob
from catalog.remedies import remedy_for
from catalog.scraping_results import all_scraping_jobs, scraping_jobs_of
from jobs.admission import TooManyJobs
from jobs.models import FINAL_STATES, Job
from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.egress import AddressRefused
from marketplace.paging import NewestByTime
from marketplace.problems import Problem, Refused

POLL_S = 2  # seconds after which it is worth asking again
WAIT_S = 10.0
MAX_WAIT_S = 20.0
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})", re.IGNORECASE)  # RFC 7240, 4.3


class UnreadableAddress(Problem):
    """The address may not be read."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    code = AddressRefused.code
    title = "The address may not be read"


class HasEnded(Problem):
    """The scraping job has ended already."""

    status_code = status.HTTP_409_CONFLICT
    code = "scraping.has_ended"
    title = "The scraping job has ended"


class ScrapingView(SellerOrStaffView):
    """Scraping jobs: a seller sees the own ones alone, staff see all."""

    def jobs(self) -> QuerySet[ScrapingJob]:
        """Return the scraping jobs that the caller may see."""
        seller = seller_of(self.request)
        return all_scraping_jobs() if seller is None else scraping_jobs_of(seller)


def unreadable(error: AddressRefused) -> UnreadableAddress:
    """Return the problem that says why an address may not be read, and what to do."""
    return UnreadableAddress(f"{error}. {remedy_for(error.code)}")


class ScrapingJobsView(ScrapingView, ListAPIView[ScrapingJob]):
    """The caller's scraping jobs."""

    serializer_class = ListedScrapingJobSerializer
    pagination_class = NewestByTime

    def get_queryset(self) -> Any:
        """Find the scraping jobs that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return ScrapingJob.objects.none()
        query = ScrapingFilterSerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return self.jobs().filter(**query.validated_data)

    @extend_schema(operation_id="list_scraping_jobs", parameters=[ScrapingFilterSerializer], tags=["scraping"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the caller's scraping jobs, newest first, without their results."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="start_scraping",
        request=NewScrapingJobSerializer,
        responses={
            202: ScrapingJobSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Fields that need attention, each with what to do."),
            422: OpenApiResponse(OpenApiTypes.OBJECT, "The address may not be read."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much work waits; Retry-After says when to come back."),
        },
        tags=["scraping"],
    )
    def post(self, request: Request) -> Response:
        """Have a product, a category, a search or a whole site read. Follow it at Location."""
        seller = seller_of(request)
        form = NewScrapingJobSerializer(data=request.data, context={"is_staff": seller is None})
        form.is_valid(raise_exception=True)
        try:
            row = scraping_jobs.start_scraping(
                form.order(),
                seller=seller or form.validated_data.get("seller"),
                priority=form.validated_data["priority"],
                actor="" if seller else request.user.get_username(),
            )
        except AddressRefused as error:
            raise unreadable(error) from error
        except TooManyJobs as error:
            raise Refused(error) from error
        return Response(
            ScrapingJobSerializer(row).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("scraping-job", args=[row.pk]), "Retry-After": str(POLL_S)},
        )


class ScrapingJobView(ScrapingView):
    """One scraping job."""

    @extend_schema(operation_id="get_scraping_job", responses=ScrapingJobSerializer, tags=["scraping"])
    def get(self, request: Request, job_id: Any) -> Response:
        """Show how far a scraping job is, its summary, and all that it found."""
        row = get_object_or_404(self.jobs().defer(None).defer("frontier"), pk=job_id)
        headers = None if row.is_final else {"Retry-After": str(POLL_S)}
        return Response(ScrapingJobSerializer(row).data, headers=headers)

    @extend_schema(
        operation_id="cancel_scraping",
        responses={200: ScrapingJobSerializer, 409: OpenApiResponse(OpenApiTypes.OBJECT, "It has ended already.")},
        tags=["scraping"],
    )
    def delete(self, request: Request, job_id: Any) -> Response:
        """Cancel a scraping job; what it has found so far stays."""
        row = get_object_or_404(self.jobs(), pk=job_id)
        try:
            row = scraping_jobs.cancel_scraping(row, actor=actor_of(request), reason="asked for over the API")
        except scraping_jobs.HasEnded as error:
            raise HasEnded(str(error)) from error
        return Response(ScrapingJobSerializer(row).data)


class PreviewsView(APIView):
    """Look before connecting."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="preview_catalog",
        request=NewPreviewSerializer,
        parameters=[
            OpenApiParameter(
                "Prefer",
                str,
                OpenApiParameter.HEADER,
                description="`wait=10`: seconds to wait for the answer, 20 at most.",
            )
        ],
        responses={
            200: OpenApiResponse(PreviewSerializer, "The first products, or the reason why there are none."),
            202: OpenApiResponse(PreviewSerializer, "Not done yet; ask again at Location."),
            422: OpenApiResponse(OpenApiTypes.OBJECT, "The address may not be read."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "Too many previews; Retry-After says when to come back."),
        },
        tags=["scraping"],
    )
    def post(self, request: Request) -> Response:
        """Show the first five products at an address, within seconds, or the reason why not with a remedy."""
        form = NewPreviewSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        tenant = calling_seller(request).tenant
        taken = previews.take_preview_token(tenant=tenant, per_minute=settings.PREVIEWS_PER_MIN)
        if taken is not None and not taken.is_allowed:
            raise exceptions.Throttled(
                taken.wait_s, detail="You have asked for as many previews as you may in a minute."
            )
        try:
            job_id = previews.start_preview(form.validated_data["address"], tenant=tenant)
        except AddressRefused as error:
            raise unreadable(error) from error
        return _answer(previews.await_preview(job_id, tenant=tenant, for_s=preferred_wait_s(request)))


class PreviewView(APIView):
    """One preview."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_preview", responses=PreviewSerializer, tags=["scraping"])
    def get(self, request: Request, preview_id: int) -> Response:
        """Show a preview that was not done when it was asked for."""
        try:
            job = previews.preview_of(preview_id, tenant=calling_seller(request).tenant)
        except Job.DoesNotExist as error:
            raise Http404 from error
        return _answer(job, is_question=False)


def preferred_wait_s(request: Request) -> float:
    """Return the seconds that `Prefer: wait=N` asks for, 20 at most; 10 where it says nothing."""
    asked = _PREFER_WAIT.search(request.headers.get("Prefer", ""))
    return min(float(asked[1]), MAX_WAIT_S) if asked else WAIT_S


def _answer(job: Job, *, is_question: bool = True) -> Response:
    body = PreviewSerializer(job).data
    location = {"Location": reverse("preview", args=[job.pk])}
    if job.state in FINAL_STATES:
        return Response(body, headers=location)
    code = status.HTTP_202_ACCEPTED if is_question else status.HTTP_200_OK
    return Response(body, status=code, headers={**location, "Retry-After": str(POLL_S)})
