"""The API of a seller's webhooks."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.admission import TooManyJobs
from jobs.sealing import NoEncryptionKey
from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.paging import NewestFirst
from marketplace.problems import Problem, Refused
from marketplace.webhooks import deliveries, endpoints
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.serializers import (
    RedeliveredSerializer,
    SinceSerializer,
    WebhookChangeSerializer,
    WebhookDeliverySerializer,
    WebhookFieldsSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
    WholeWebhookDeliverySerializer,
)

TAGS = ["webhooks"]
ENDPOINT = OpenApiParameter("endpoint_id", int, OpenApiParameter.PATH)
DELIVERY = OpenApiParameter("delivery_id", int, OpenApiParameter.PATH)
REFUSED = OpenApiResponse(OpenApiTypes.OBJECT, "Too much work waits; Retry-After says when to come back.")
NO_KEY = OpenApiResponse(OpenApiTypes.OBJECT, "This marketplace has no key to keep secrets with.")
NO_STORE = {"Cache-Control": "no-store"}


class TooManyWebhooks(Problem):
    """You have ten webhooks, which is the most. Delete one, or change it."""

    status_code = status.HTTP_409_CONFLICT
    code = "webhook.too_many"
    title = "There are ten webhooks"


class KeepsNoSecrets(Problem):
    """A secret is kept encrypted only, and this marketplace has no key for that; its operators must set one."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "webhook.no_encryption_key"
    title = "Secrets cannot be kept here"


class IsRotating(Problem):
    """The secret before this one still signs beside it. Make another when `previous_until` is over."""

    status_code = status.HTTP_409_CONFLICT
    code = "webhook.still_rotating"
    title = "Two secrets sign now"


class IsBeingSent(Problem):
    """The message is being sent at this moment. Look at its attempts in a few seconds."""

    status_code = status.HTTP_409_CONFLICT
    code = "webhook.being_sent"
    title = "The message is being sent"


def own_endpoint(request: Request, endpoint_id: int) -> WebhookEndpoint:
    """Return an endpoint of the calling seller."""
    return get_object_or_404(WebhookEndpoint, pk=endpoint_id, seller=calling_seller(request))


class WebhooksView(APIView):
    """The calling seller's webhooks."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="list_webhooks", responses=WebhookSerializer(many=True), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List your webhooks; there are ten at most."""
        found = WebhookEndpoint.objects.filter(seller=calling_seller(request)).order_by("pk")
        return Response(WebhookSerializer(found, many=True).data)

    @extend_schema(
        operation_id="create_webhook",
        request=WebhookFieldsSerializer,
        responses={
            201: WebhookWithSecretSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "There are ten already."),
            503: NO_KEY,
        },
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Make a webhook. The answer shows the secret by which you verify what is sent."""
        form = WebhookFieldsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            endpoint, secret = endpoints.create_endpoint(calling_seller(request), **form.validated_data)
        except endpoints.TooManyEndpoints as error:
            raise TooManyWebhooks from error
        except NoEncryptionKey as error:
            raise KeepsNoSecrets from error
        return Response(
            {**WebhookSerializer(endpoint).data, "secret": secret},
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api:webhook", args=[endpoint.pk]), **NO_STORE},
        )


class WebhookView(APIView):
    """One webhook."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_webhook", parameters=[ENDPOINT], responses=WebhookSerializer, tags=TAGS)
    def get(self, request: Request, endpoint_id: int) -> Response:
        """Show a webhook, without its secret."""
        return Response(WebhookSerializer(own_endpoint(request, endpoint_id)).data)

    @extend_schema(
        operation_id="update_webhook",
        parameters=[ENDPOINT],
        request=WebhookChangeSerializer(partial=True),
        responses=WebhookSerializer,
        tags=TAGS,
    )
    def patch(self, request: Request, endpoint_id: int) -> Response:
        """Change a webhook, or switch it on or off."""
        endpoint = own_endpoint(request, endpoint_id)
        form = WebhookChangeSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(WebhookSerializer(endpoints.change_endpoint(endpoint, **form.validated_data)).data)

    @extend_schema(operation_id="delete_webhook", parameters=[ENDPOINT], responses={204: None}, tags=TAGS)
    def delete(self, request: Request, endpoint_id: int) -> Response:
        """Delete a webhook and the log of what was sent there; what waits is not sent."""
        own_endpoint(request, endpoint_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecretView(APIView):
    """A webhook's secret."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="rotate_webhook_secret",
        parameters=[ENDPOINT],
        request=None,
        responses={
            200: WebhookWithSecretSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The secret before this one still signs; see previous_until."),
            503: NO_KEY,
        },
        tags=TAGS,
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Make a new secret, and show it. For 24 hours what is sent carries the signatures of both."""
        endpoint = own_endpoint(request, endpoint_id)
        try:
            secret = endpoints.rotate_secret(endpoint, now=timezone.now())
        except endpoints.StillRotating as error:
            raise IsRotating(str(error)) from error
        except NoEncryptionKey as error:
            raise KeepsNoSecrets from error
        endpoint.refresh_from_db()
        return Response({**WebhookSerializer(endpoint).data, "secret": secret}, headers=NO_STORE)


class TryWebhookView(APIView):
    """A try."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="test_webhook",
        parameters=[ENDPOINT],
        request=None,
        responses={202: WebhookDeliverySerializer, 429: REFUSED},
        tags=TAGS,
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Send the event webhook.test, once. Location shows how it went."""
        try:
            delivery = endpoints.send_test(own_endpoint(request, endpoint_id))
        except TooManyJobs as error:
            raise Refused(error) from error
        return accepted(delivery)


def accepted(delivery: WebhookDelivery) -> Response:
    """Answer that a delivery is under way."""
    location = reverse("api:webhook-delivery", args=[delivery.endpoint_id, delivery.pk])
    return Response(
        WebhookDeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED, headers={"Location": location}
    )


class DeliveriesView(ListAPIView[WebhookDelivery]):
    """What was sent to a webhook."""

    permission_classes = [IsSeller]
    serializer_class = WebhookDeliverySerializer
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_webhook_deliveries", parameters=[ENDPOINT], tags=TAGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what was sent to a webhook in the last 30 days, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Find the deliveries of the webhook."""
        if getattr(self, "swagger_fake_view", False):
            return WebhookDelivery.objects.none()
        endpoint = own_endpoint(self.request, self.kwargs["endpoint_id"])
        return WebhookDelivery.objects.filter(endpoint=endpoint).select_related("message")


class DeliveryView(APIView):
    """One delivery."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="get_webhook_delivery",
        parameters=[ENDPOINT, DELIVERY],
        responses=WholeWebhookDeliverySerializer,
        tags=TAGS,
    )
    def get(self, request: Request, endpoint_id: int, delivery_id: int) -> Response:
        """Show a message, and each attempt to deliver it."""
        return Response(WholeWebhookDeliverySerializer(own_delivery(request, endpoint_id, delivery_id)).data)


def own_delivery(request: Request, endpoint_id: int, delivery_id: int) -> WebhookDelivery:
    """Return a delivery of the calling seller."""
    own = WebhookDelivery.objects.filter(endpoint=own_endpoint(request, endpoint_id)).select_related("message")
    return get_object_or_404(own, pk=delivery_id)


class RedeliverView(APIView):
    """One delivery, again."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="redeliver_webhook",
        parameters=[ENDPOINT, DELIVERY],
        request=None,
        responses={
            202: WebhookDeliverySerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "It is being sent at this moment."),
            429: REFUSED,
        },
        tags=TAGS,
    )
    def post(self, request: Request, endpoint_id: int, delivery_id: int) -> Response:
        """Send a message again at once, under its old webhook-id, with all ten tries."""
        delivery = own_delivery(request, endpoint_id, delivery_id)
        try:
            deliveries.redeliver(delivery)
        except deliveries.BeingSent as error:
            raise IsBeingSent from error
        except TooManyJobs as error:
            raise Refused(error) from error
        delivery.refresh_from_db()
        return accepted(delivery)


class RedeliverFailedView(APIView):
    """What a webhook has not taken, again."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="redeliver_failed_webhooks",
        parameters=[ENDPOINT],
        request=SinceSerializer,
        responses={202: RedeliveredSerializer, 429: REFUSED},
        tags=TAGS,
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Send again, oldest first, what the webhook has not taken since then: failed, waiting, or missed while off."""
        form = SinceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            count = deliveries.redeliver_failed(own_endpoint(request, endpoint_id), **form.validated_data)
        except TooManyJobs as error:
            raise Refused(error) from error
        return Response({"redelivered": count}, status=status.HTTP_202_ACCEPTED)
