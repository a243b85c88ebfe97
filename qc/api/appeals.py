"""Appeals over the API."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.models import Product
from marketplace.paging import NewestFirst
from marketplace.problems import Problem
from marketplace.serializers import StrictSerializer
from qc.appeals import MAX_WHY_CHARS, CannotAppeal, TooManyAppeals, appeals_of, open_appeal, withdraw
from qc.models import Appeal, Verdict


class AppealRefused(Problem):
    """No appeal was made."""

    title = "There is no appeal now"

    def __init__(self, error: CannotAppeal) -> None:
        self.code = error.code
        is_later = isinstance(error, TooManyAppeals)
        self.status_code = status.HTTP_429_TOO_MANY_REQUESTS if is_later else status.HTTP_409_CONFLICT
        self.wait = 3600 if is_later else None
        super().__init__(str(error))


class NewAppealSerializer(StrictSerializer):
    """Why a product should be shown."""

    why = serializers.CharField(max_length=MAX_WHY_CHARS, help_text="Read by a person of our staff.")


class AppealReasonSerializer(serializers.Serializer[dict[str, str]]):
    """A reason of the verdict."""

    code = serializers.CharField()
    severity = serializers.CharField(required=False)
    field = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()


class AppealedVerdictSerializer(serializers.ModelSerializer[Verdict]):
    """The verdict that an appeal is about."""

    reasons = AppealReasonSerializer(many=True)

    class Meta:
        model = Verdict
        fields = ["decision", "reasons", "rule_version", "is_automatic", "made_at"]


class AppealSerializer(serializers.ModelSerializer[Appeal]):
    """An appeal, with the answer when there is one."""

    verdict = AppealedVerdictSerializer()

    class Meta:
        model = Appeal
        fields = ["id", "product", "state", "why", "verdict", "answer", "opened_at", "closed_at"]


class ProductAppealsView(APIView):
    """The appeals of one product."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="open_appeal",
        request=NewAppealSerializer,
        parameters=[OpenApiParameter("product_id", int, OpenApiParameter.PATH)],
        responses={
            201: AppealSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "There is nothing to appeal against, or you have asked already."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "You have asked for as many as you may in a day."),
        },
        tags=["products"],
    )
    def post(self, request: Request, product_id: int) -> Response:
        """Ask for another look at the verdict on a rejected product. A person answers; you are told."""
        product = get_object_or_404(Product, pk=product_id, seller=calling_seller(request))
        form = NewAppealSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            appeal = open_appeal(product.pk, why=form.validated_data["why"], asked_by="API key")
        except CannotAppeal as error:
            raise AppealRefused(error) from error
        return Response(
            AppealSerializer(appeal).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("appeal", args=[appeal.pk])},
        )


class AppealsView(ListAPIView[Appeal]):
    """The calling seller's appeals."""

    permission_classes = [IsSeller]
    serializer_class = AppealSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> Any:
        """Find them."""
        if getattr(self, "swagger_fake_view", False):
            return Appeal.objects.none()
        return appeals_of(calling_seller(self.request))

    @extend_schema(operation_id="list_appeals", tags=["products"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the calling seller's appeals, newest first."""
        return super().get(request, *args, **kwargs)


class AppealView(APIView):
    """One appeal."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_appeal", responses=AppealSerializer, tags=["products"])
    def get(self, request: Request, appeal_id: int) -> Response:
        """Show an appeal, and the answer when there is one."""
        appeal = get_object_or_404(appeals_of(calling_seller(request)), pk=appeal_id)
        return Response(AppealSerializer(appeal).data)

    @extend_schema(
        operation_id="withdraw_appeal",
        responses={200: AppealSerializer, 409: OpenApiResponse(OpenApiTypes.OBJECT, "It is not open any more.")},
        tags=["products"],
    )
    def delete(self, request: Request, appeal_id: int) -> Response:
        """Take an appeal back; the record of it stays."""
        appeal = get_object_or_404(appeals_of(calling_seller(request)), pk=appeal_id)
        try:
            withdrawn = withdraw(appeal)
        except CannotAppeal as error:
            raise AppealRefused(error) from error
        return Response(AppealSerializer(withdrawn).data)
