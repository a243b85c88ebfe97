"""The staff's API of queues, tasks, tenants and gates."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import control
from jobs.api.staff import StaffView, actor_of, read
from jobs.api.staff_serializers import (
    GateSerializer,
    GivenReasonSerializer,
    PaceSerializer,
    PausedSerializer,
    SwitchSerializer,
    TaskSerializer,
    TenantChangesSerializer,
    TenantSerializer,
)
from jobs.control import Held
from jobs.depths import busiest_tenants
from jobs.models import Gate, TaskSwitch, Tenant
from jobs.registry import UnknownTask
from jobs.stats import queue_stats


class StaffQueuesView(StaffView):
    """The queues."""

    @extend_schema(operation_id="staff_queues", responses=OpenApiTypes.OBJECT, tags=["staff"])
    def get(self, request: Request) -> Response:
        """List the queues: depth by state, the oldest due job, workers, pauses; and the busiest tenants."""
        return Response({"queues": queue_stats()["queues"], "busiest_tenants": busiest_tenants()})


class StaffTasksView(StaffView):
    """The tasks."""

    @extend_schema(operation_id="staff_tasks", responses=TaskSerializer(many=True), tags=["staff"])
    def get(self, request: Request) -> Response:
        """List the declared tasks, and whether they are on, off, inline or paused."""
        return Response(TaskSerializer(control.tasks_with_switches(), many=True).data)


class HoldView(StaffView):
    """Pause or resume a queue, a task or a tenant."""

    kind = Held.QUEUE
    is_pausing = True

    def post(self, request: Request, name: str) -> Response:
        """Let none of its jobs start any more, or let them start again."""
        reason = read(GivenReasonSerializer, request).validated_data["reason"]
        act = control.pause if self.is_pausing else control.resume
        try:
            act(self.kind, name, actor=actor_of(request), reason=reason)
        except (control.UnknownQueue, UnknownTask) as error:
            raise exceptions.NotFound(str(error)) from error
        return Response({"name": name, "is_paused": self.is_pausing})


def hold_view(kind: Held, *, is_pausing: bool) -> type[HoldView]:
    """Return the view that pauses, or resumes, things of that kind."""
    verb = "pause" if is_pausing else "resume"
    view = type(f"{verb.title()}{kind.title()}View", (HoldView,), {"kind": kind, "is_pausing": is_pausing})
    described: type[HoldView] = extend_schema_view(
        post=extend_schema(
            operation_id=f"staff_{verb}_{kind}",
            request=GivenReasonSerializer,
            responses=PausedSerializer,
            tags=["staff"],
        )
    )(view)
    return described


class SwitchTaskView(StaffView):
    """Switch a task."""

    @extend_schema(operation_id="staff_switch_task", request=SwitchSerializer, responses=TaskSerializer, tags=["staff"])
    def post(self, request: Request, name: str) -> Response:
        """Switch a task on, off (what is enqueued waits) or to its inline path."""
        form = read(SwitchSerializer, request).validated_data
        try:
            control.switch_task(name, TaskSwitch.Mode(form["mode"]), actor=actor_of(request), reason=form["reason"])
        except UnknownTask as error:
            raise exceptions.NotFound(str(error)) from error
        found = next(task for task in control.tasks_with_switches() if task["name"] == name)
        return Response(TaskSerializer(found).data)


class StaffTenantView(StaffView):
    """One tenant's share and limits."""

    may_look = "jobs.view_tenant"
    may_act = "jobs.change_tenant"

    @extend_schema(operation_id="staff_tenant", responses=TenantSerializer, tags=["staff"])
    def get(self, request: Request, name: str) -> Response:
        """Show a tenant's share and limits; one that is not particular has weight 1 and no limits."""
        return Response(TenantSerializer(Tenant.objects.filter(pk=name).first() or Tenant(name=name)).data)

    @extend_schema(
        operation_id="staff_change_tenant",
        request=TenantChangesSerializer(partial=True),
        responses=TenantSerializer,
        tags=["staff"],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a tenant's share or limits."""
        changes = dict(read(TenantChangesSerializer, request).validated_data)
        reason = changes.pop("reason")
        tenant = control.change_tenant(name, changes=changes, actor=actor_of(request), reason=reason)
        return Response(TenantSerializer(tenant).data)


class StaffGatesView(StaffView):
    """The gates."""

    may_look = "jobs.view_gate"

    @extend_schema(operation_id="staff_gates", responses=GateSerializer(many=True), tags=["staff"])
    def get(self, request: Request) -> Response:
        """List the gates by key, up to 1,000."""
        return Response(GateSerializer(Gate.objects.order_by("key")[:1_000], many=True).data)


class StaffGateView(StaffView):
    """One gate."""

    may_look = "jobs.view_gate"
    may_act = "jobs.change_gate"

    @extend_schema(operation_id="staff_gate", responses=GateSerializer, tags=["staff"])
    def get(self, request: Request, key: str) -> Response:
        """Show a gate: its declared pace, staff's, and whether it is shut."""
        return Response(GateSerializer(_gate(key)).data)

    @extend_schema(operation_id="staff_override_gate", request=PaceSerializer, responses=GateSerializer, tags=["staff"])
    def put(self, request: Request, key: str) -> Response:
        """Put a pace before the one that the code declares."""
        form = read(PaceSerializer, request).validated_data
        control.override_pace(
            key,
            rate_per_s=form["rate_per_s"],
            burst=form.get("burst"),
            actor=actor_of(request),
            reason=form["reason"],
        )
        return Response(GateSerializer(_gate(key)).data)

    @extend_schema(
        operation_id="staff_remove_gate_override",
        parameters=[OpenApiParameter("reason", str, OpenApiParameter.QUERY, required=True)],
        request=None,
        responses={204: None},
        tags=["staff"],
    )
    def delete(self, request: Request, key: str) -> Response:
        """Go back to the pace that the code declares; the reason stands in the query."""
        form = GivenReasonSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        _gate(key)
        control.remove_pace_override(key, actor=actor_of(request), reason=form.validated_data["reason"])
        return Response(status=status.HTTP_204_NO_CONTENT)


def _gate(key: str) -> Gate:
    gate = Gate.objects.filter(pk=key).first()
    if gate is None:
        raise exceptions.NotFound(f"No gate has the key {key!r}.")
    return gate
