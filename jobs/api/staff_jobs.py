"""The staff's API of jobs: find, look, add, cancel, retry, prioritise."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import control
from jobs.api.directory_serializers import JobReportSerializer, RequeuedSerializer
from jobs.api.staff import Refused, StaffView, actor_of, read
from jobs.api.staff_serializers import (
    AcceptedJobsSerializer,
    CancelledSerializer,
    CancelSerializer,
    ChosenJobsSerializer,
    CountSerializer,
    GivenReasonSerializer,
    JobFilterSerializer,
    NewJobSerializer,
    NewJobsSerializer,
    PrioritiseChosenSerializer,
    PrioritiseSerializer,
    PriorityName,
    StaffJobSerializer,
    job_filter,
)
from jobs.cancellation import AlreadyFinal, cancel_job, cancel_matching, cancel_tree
from jobs.models import Job
from jobs.selection import jobs_matching

# A request cancels so many at most, and says when there are more.
MAX_CANCELLED_A_REQUEST = 20_000


class NewestJobsFirst(CursorPagination):
    """Pages that stay put while jobs come and go."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"


class StaffJobsView(StaffView, ListAPIView[Job]):
    """All jobs."""

    serializer_class = StaffJobSerializer
    pagination_class = NewestJobsFirst

    def get_queryset(self) -> Any:
        """Find the jobs that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Job.objects.none()
        query = JobFilterSerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return jobs_matching(query.wanted)

    @extend_schema(operation_id="staff_list_jobs", parameters=[JobFilterSerializer], tags=["staff"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List jobs, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="staff_add_jobs",
        request=NewJobsSerializer,
        responses={202: AcceptedJobsSerializer},
        tags=["staff"],
    )
    def post(self, request: Request) -> Response:
        """Enqueue up to 1,000 jobs, all or none."""
        form = read(NewJobsSerializer, request)
        one = NewJobSerializer()
        new_jobs = [one.new_job(data) for data in form.validated_data["jobs"]]
        answers = control.add_jobs(
            new_jobs, actor=actor_of(request), reason=form.validated_data["reason"], source="admin-api"
        )
        jobs = [
            {"id": answer.job_id, "task": new.task, "status": "duplicate" if answer.is_duplicate else "queued"}
            for new, answer in zip(new_jobs, answers, strict=True)
        ]
        return Response({"jobs": jobs}, status=status.HTTP_202_ACCEPTED)


class StaffJobView(StaffView):
    """One job."""

    @extend_schema(operation_id="staff_get_job", responses=JobReportSerializer, tags=["staff"])
    def get(self, request: Request, job_id: int) -> Response:
        """Show a job: its state, progress, attempts, what failed, what it logged."""
        jobs = Job.objects.select_related("worker").prefetch_related("attempts")
        return Response(JobReportSerializer(get_object_or_404(jobs, pk=job_id)).data)


class CancelJobView(StaffView):
    """Cancel one job."""

    @extend_schema(
        operation_id="staff_cancel_job", request=CancelSerializer, responses=CancelledSerializer, tags=["staff"]
    )
    def post(self, request: Request, job_id: int) -> Response:
        """Cancel a job, or with `tree` also all that came of it; a running one ends as cancelled."""
        form = read(CancelSerializer, request).validated_data
        get_object_or_404(Job.objects.only("pk"), pk=job_id)
        cancel = cancel_tree if form["tree"] else cancel_job
        try:
            done = cancel(job_id, actor=actor_of(request), reason=form["reason"])
        except AlreadyFinal as error:
            raise Refused(str(error)) from error
        return Response(CancelledSerializer(done).data)


class RetryJobView(StaffView):
    """Retry one job."""

    @extend_schema(
        operation_id="staff_retry_job",
        request=GivenReasonSerializer,
        responses={202: RequeuedSerializer},
        tags=["staff"],
    )
    def post(self, request: Request, job_id: int) -> Response:
        """Try a failed, dead or cancelled job again, as a new job with all its attempts."""
        form = read(GivenReasonSerializer, request).validated_data
        get_object_or_404(Job.objects.only("pk"), pk=job_id)
        try:
            new_id = control.retry_job(job_id, actor=actor_of(request), reason=form["reason"]).job_id
        except control.NotRetryable as error:
            raise Refused(str(error)) from error
        return requeued(new_id, job_id, status_code=status.HTTP_202_ACCEPTED)


class PrioritiseJobView(StaffView):
    """Change one job's priority."""

    @extend_schema(
        operation_id="staff_prioritise_job", request=PrioritiseSerializer, responses=CountSerializer, tags=["staff"]
    )
    def post(self, request: Request, job_id: int) -> Response:
        """Change the priority of a job that has not ended."""
        form = read(PrioritiseSerializer, request).validated_data
        get_object_or_404(Job.objects.only("pk"), pk=job_id)
        priority = PriorityName(form["priority"]).priority
        try:
            control.prioritise_job(job_id, priority, actor=actor_of(request), reason=form["reason"])
        except control.NotLive as error:
            raise Refused(str(error)) from error
        return Response({"count": 1})


class CancelJobsView(StaffView):
    """Cancel all jobs that match."""

    @extend_schema(
        operation_id="staff_cancel_jobs", request=ChosenJobsSerializer, responses=CancelledSerializer, tags=["staff"]
    )
    def post(self, request: Request) -> Response:
        """Cancel all live jobs that match, up to 20,000 a request; the answer says whether there are more."""
        form = read(ChosenJobsSerializer, request).validated_data
        wanted = job_filter(form["filter"])
        done = cancel_matching(
            jobs_matching(wanted),
            matching=wanted.as_json(),
            actor=actor_of(request),
            reason=form["reason"],
            limit=MAX_CANCELLED_A_REQUEST,
        )
        return Response(CancelledSerializer(done).data)


class PrioritiseJobsView(StaffView):
    """Change the priority of all jobs that match."""

    @extend_schema(
        operation_id="staff_prioritise_jobs",
        request=PrioritiseChosenSerializer,
        responses=CountSerializer,
        tags=["staff"],
    )
    def post(self, request: Request) -> Response:
        """Change the priority of all live jobs that match."""
        form = read(PrioritiseChosenSerializer, request).validated_data
        wanted = job_filter(form["filter"])
        count = control.prioritise_matching(
            jobs_matching(wanted),
            PriorityName(form["priority"]).priority,
            matching=wanted.as_json(),
            actor=actor_of(request),
            reason=form["reason"],
        )
        return Response({"count": count})


def requeued(new_id: int, old_id: int, *, status_code: int) -> Response:
    """Answer that a job is tried again, and where."""
    return Response(
        {"status": "requeued", "jobId": new_id, "retryOf": old_id},
        status=status_code,
        headers={"Location": reverse("api:staff-job", args=[new_id])},
    )
