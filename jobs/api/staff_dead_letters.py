"""The staff's API of the dead-letter queue."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import bulk
from jobs.api.directory_serializers import (
    DeadLettersSerializer,
    OptionalReasonSerializer,
    RequeuedSerializer,
)
from jobs.api.staff import Refused, StaffView, actor_of, read
from jobs.api.staff_jobs import requeued
from jobs.api.staff_serializers import (
    BulkRetrySerializer,
    GivenReasonSerializer,
    NewBulkRetrySerializer,
)
from jobs.dead_letters import AlreadyResolved, retry_dead_letter
from jobs.failures import alert_for, open_letter_count
from jobs.models import BulkRetry, DeadLetter
from jobs.stats import MAX_COUNT

RECENT = 10
NO_REASON = "(none given; retried by the API)"


class DeadLetterView(StaffView):
    """A view of dead letters."""

    may_look = "jobs.view_deadletter"
    may_act = "jobs.change_deadletter"


class DeadLettersView(DeadLetterView):
    """The dead-letter queue."""

    @extend_schema(operation_id="staff_dead_letters", responses=DeadLettersSerializer, tags=["staff"])
    def get(self, request: Request) -> Response:
        """Show how many dead letters are open, the ten most recent, the oldest, and an alert above 50."""
        letters = DeadLetter.objects.filter(resolution="").select_related("job").prefetch_related("job__attempts")
        count = open_letter_count()
        body = {
            "count": count,
            "count_limit": MAX_COUNT,
            "recent": letters.order_by("-pk")[:RECENT],
            "oldest": letters.order_by("pk").first(),
            "alert": alert_for(count),
        }
        return Response(DeadLettersSerializer(body).data)


class RetryDeadLetterView(DeadLetterView):
    """Retry one."""

    @extend_schema(
        operation_id="staff_retry_dead_letter",
        request=OptionalReasonSerializer,
        responses=RequeuedSerializer,
        tags=["staff"],
    )
    def post(self, request: Request, job_id: int) -> Response:
        """Try the dead job again, as a new job with all its attempts."""
        reason = read(OptionalReasonSerializer, request).validated_data.get("reason", NO_REASON)
        letter = get_object_or_404(DeadLetter.objects.only("pk"), job_id=job_id)
        try:
            answer = retry_dead_letter(letter.pk, actor=actor_of(request), reason=reason)
        except AlreadyResolved as error:
            raise Refused(f"It was already {error}.") from error
        return requeued(answer.job_id, job_id, status_code=status.HTTP_200_OK)


class BulkRetriesView(DeadLetterView):
    """Retry all that match."""

    @extend_schema(operation_id="staff_bulk_retries", responses=BulkRetrySerializer(many=True), tags=["staff"])
    def get(self, request: Request) -> Response:
        """List the latest bulk retries."""
        return Response(BulkRetrySerializer(BulkRetry.objects.all()[:50], many=True).data)

    @extend_schema(
        operation_id="staff_start_bulk_retry",
        request=NewBulkRetrySerializer,
        responses={202: BulkRetrySerializer},
        tags=["staff"],
    )
    def post(self, request: Request) -> Response:
        """Begin to retry all open dead letters that match: a few first, the others when those do well."""
        form = read(NewBulkRetrySerializer, request)
        chosen = {name: form.validated_data[name] for name in ("rate_per_s", "canary") if name in form.validated_data}
        try:
            started = bulk.start_bulk_retry(
                form.wanted, actor=actor_of(request), reason=form.validated_data["reason"], **chosen
            )
        except bulk.NothingToRetry as error:
            raise exceptions.NotFound(str(error)) from error
        return Response(
            BulkRetrySerializer(started).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("api:staff-bulk-retry", args=[started.pk])},
        )


class BulkRetryView(DeadLetterView):
    """One bulk retry."""

    @extend_schema(operation_id="staff_bulk_retry", responses=BulkRetrySerializer, tags=["staff"])
    def get(self, request: Request, bulk_id: int) -> Response:
        """Show how far a bulk retry is."""
        return Response(BulkRetrySerializer(get_object_or_404(BulkRetry, pk=bulk_id)).data)


class ContinueBulkRetryView(DeadLetterView):
    """Let a held bulk retry go on."""

    @extend_schema(
        operation_id="staff_continue_bulk_retry",
        request=GivenReasonSerializer,
        responses=BulkRetrySerializer,
        tags=["staff"],
    )
    def post(self, request: Request, bulk_id: int) -> Response:
        """Let a held bulk retry go on, although some of its first ones failed again."""
        return _steer(request, bulk_id, bulk.continue_bulk_retry)


class StopBulkRetryView(DeadLetterView):
    """End a bulk retry."""

    @extend_schema(
        operation_id="staff_stop_bulk_retry",
        request=GivenReasonSerializer,
        responses=BulkRetrySerializer,
        tags=["staff"],
    )
    def post(self, request: Request, bulk_id: int) -> Response:
        """End a bulk retry early; what it has retried stays retried."""
        return _steer(request, bulk_id, bulk.stop_bulk_retry)


def _steer(request: Request, bulk_id: int, act: Any) -> Response:
    reason = read(GivenReasonSerializer, request).validated_data["reason"]
    get_object_or_404(BulkRetry.objects.only("pk"), pk=bulk_id)
    try:
        steered = act(bulk_id, actor=actor_of(request), reason=reason, now=timezone.now())
    except (bulk.NotHeld, bulk.HasEnded) as error:
        raise Refused(str(error)) from error
    return Response(BulkRetrySerializer(steered).data)
