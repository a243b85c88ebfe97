"""The API of a job's log, to be followed while it runs and read afterwards."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.api.own_jobs import HasTenant
from jobs.lines import lines_after, progress_of
from jobs.models import FINAL_STATES, JobLine
from jobs.sensitive import shown_line
from jobs.tenancy import jobs_of


class JobLineSerializer(serializers.ModelSerializer[JobLine]):
    """One line."""

    message = serializers.SerializerMethodField()

    class Meta:
        model = JobLine
        fields = ["id", "at", "level", "message", "progress_pct"]

    def get_message(self, line: JobLine) -> str:
        """Return the message, as far as it may be seen."""
        return shown_line(line.message)


class JobLogSerializer(serializers.Serializer[Any]):
    """A piece of a job's log, and where the next one begins."""

    lines = JobLineSerializer(many=True)
    after = serializers.IntegerField(help_text="Ask for what follows with this.")
    progress_pct = serializers.FloatField(allow_null=True)
    progress_message = serializers.CharField(allow_blank=True)
    is_final = serializers.BooleanField(help_text="The job is over: no line follows but those already written.")


class AfterSerializer(serializers.Serializer[Any]):
    """Where to begin."""

    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=0)


class JobLogView(APIView):
    """What one job of the caller's says."""

    permission_classes = [HasTenant]

    @extend_schema(
        operation_id="get_job_log",
        parameters=[OpenApiParameter("after", int, description="The id of the last line that is known.")],
        responses=JobLogSerializer,
        tags=["jobs"],
    )
    def get(self, request: Request, job_id: int) -> Response:
        """Show the lines after a known one, oldest first, and how far the job is."""
        query = AfterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        own = jobs_of(getattr(request.user, "tenant", ""))
        job = get_object_or_404(own.only("id", "state"), pk=job_id)  # its state first: then no line is missed
        after: int = query.validated_data["after"]
        lines = list(lines_after(job.pk, after))
        progress_pct, message = progress_of([job.pk]).get(job.pk, (None, ""))
        piece = {
            "lines": lines,
            "after": lines[-1].pk if lines else after,
            "progress_pct": progress_pct,
            "progress_message": shown_line(message),
            "is_final": job.state in FINAL_STATES,
        }
        return Response(JobLogSerializer(piece).data)
