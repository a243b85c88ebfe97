"""The API of jobs. A caller is known here by its tenant only: `request.user.tenant`."""

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.api.serializers import JobSerializer
from jobs.stats import queue_stats
from jobs.tenancy import jobs_of


class HasTenant(BasePermission):
    """The caller is a tenant of the job engine."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the caller names a tenant."""
        return bool(getattr(request.user, "tenant", ""))


class JobView(APIView):
    """One job of the caller's."""

    permission_classes = [HasTenant]

    @extend_schema(operation_id="get_job", responses=JobSerializer, tags=["jobs"])
    def get(self, request: Request, job_id: int) -> Response:
        """Show a job: its state, its attempts and what failed."""
        own = jobs_of(getattr(request.user, "tenant", "")).prefetch_related("attempts")
        return Response(JobSerializer(get_object_or_404(own, pk=job_id)).data)


class QueueStatsView(APIView):
    """The figures of the queues, for tenants and for staff."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [
        *APIView.authentication_classes,
        SessionAuthentication,
    ]
    permission_classes = [HasTenant | IsAdminUser]

    @extend_schema(operation_id="get_queue_stats", responses=OpenApiTypes.OBJECT, tags=["jobs"])
    def get(self, request: Request) -> Response:
        """Show how much waits on each queue, and how fast it goes."""
        return Response(queue_stats())
