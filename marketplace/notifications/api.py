"""The API of what a seller is told."""

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.notifications.kinds import Kind, MailMode
from marketplace.notifications.models import Notification
from marketplace.notifications.reading import mark_read, notifications_of, unread_count
from marketplace.notifications.serializers import (
    MailModesSerializer,
    NotificationFilterSerializer,
    NotificationSerializer,
    ReadAnswerSerializer,
    ReadSerializer,
    SubjectsFilterSerializer,
    WholeNotificationSerializer,
)
from marketplace.notifications.unsubscribing import mail_modes, set_mail_mode
from marketplace.paging import NewestFirst


class NotificationsView(ListAPIView[Notification]):
    """What the calling seller was told."""

    permission_classes = [IsSeller]
    serializer_class = NotificationSerializer
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_notifications", parameters=[NotificationFilterSerializer], tags=["notifications"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what you were told, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Find the notifications that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Notification.objects.none()
        query = NotificationFilterSerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        found = notifications_of(calling_seller(self.request).pk)
        if query.validated_data["unread"]:
            found = found.filter(read_at=None)
        if kind := query.validated_data.get("kind"):
            found = found.filter(kind=kind)
        return found


class NotificationView(APIView):
    """One notification."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="get_notification",
        parameters=[OpenApiParameter("notification_id", int, OpenApiParameter.PATH), SubjectsFilterSerializer],
        responses=WholeNotificationSerializer,
        tags=["notifications"],
    )
    def get(self, request: Request, notification_id: int) -> Response:
        """Show one notification with what it is about, 1,000 at once; showing it does not mark it read."""
        query = SubjectsFilterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        notification = get_object_or_404(notifications_of(calling_seller(request).pk), pk=notification_id)
        return Response(WholeNotificationSerializer(notification, context={"subjects": query.validated_data}).data)


class ReadNotificationsView(APIView):
    """What was read."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="mark_notifications_read",
        request=ReadSerializer,
        responses=ReadAnswerSerializer,
        tags=["notifications"],
    )
    def post(self, request: Request) -> Response:
        """Mark notifications as read; twice is as good as once."""
        form = ReadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        seller = calling_seller(request)
        marked = mark_read(seller.pk, **form.validated_data)
        return Response(ReadAnswerSerializer({"marked": marked, "unread": unread_count(seller.pk)}).data)


class MailModesView(APIView):
    """When what is mailed."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_mail_preferences", responses=MailModesSerializer, tags=["notifications"])
    def get(self, request: Request) -> Response:
        """Show when each kind is mailed to you."""
        return Response({"mail": mail_modes(calling_seller(request).pk)})

    @extend_schema(
        operation_id="set_mail_preferences",
        request=MailModesSerializer,
        responses=MailModesSerializer,
        tags=["notifications"],
    )
    def patch(self, request: Request) -> Response:
        """Change when some kinds are mailed to you; the others stay as they are."""
        form = MailModesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        seller = calling_seller(request)
        with transaction.atomic():
            for kind, mode in form.validated_data["mail"].items():
                set_mail_mode(seller.pk, Kind(kind), MailMode(mode))
        return self.get(request)
