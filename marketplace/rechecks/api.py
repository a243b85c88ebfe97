"""Rechecks over the API."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.models import Product
from marketplace.problems import Problem
from marketplace.rechecks.asking import CannotRecheck, ask_recheck, standing_of
from marketplace.rechecks.models import Recheck

POLL_S = 2


class RecheckRefused(Problem):
    """The product is not checked now."""

    title = "The product is not checked now"

    def __init__(self, error: CannotRecheck) -> None:
        self.code = error.code
        is_later = error.retry_after_s is not None
        self.status_code = status.HTTP_429_TOO_MANY_REQUESTS if is_later else status.HTTP_409_CONFLICT
        self.wait = error.retry_after_s
        super().__init__(str(error))


class RecheckSerializer(serializers.Serializer[Recheck]):
    """A recheck, and how far it is."""

    id = serializers.IntegerField()
    product = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["checking", "done", "failed"])
    step = serializers.CharField(allow_blank=True, help_text="What is being done, in words; empty when it has ended.")
    error = serializers.CharField(allow_blank=True, help_text="Why it failed.")
    judged_by = serializers.ChoiceField(
        choices=Recheck.How.choices,
        allow_blank=True,
        help_text="page: its page was read again; stored: what its feed or interface said last; empty: not known yet.",
    )
    job = serializers.IntegerField(allow_null=True, help_text="The job that begins it.")
    asked_at = serializers.DateTimeField()

    def to_representation(self, recheck: Recheck) -> dict[str, Any]:
        """Join the row and the standing."""
        standing = standing_of(recheck)
        return super().to_representation(
            {  # type: ignore[arg-type]
                "id": recheck.pk,
                "product": recheck.product_id,
                "status": standing.status,
                "step": standing.step,
                "error": standing.error,
                "judged_by": recheck.how,
                "job": recheck.job_id,
                "asked_at": recheck.asked_at,
            }
        )


class ProductRecheckView(APIView):
    """A product that is mended."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="recheck_product",
        request=None,
        parameters=[OpenApiParameter("product_id", int, OpenApiParameter.PATH)],
        responses={
            202: RecheckSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "It is being checked already, or is gone from the catalog."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "Too soon, or too many; Retry-After says when to come back."),
        },
        tags=["products"],
    )
    def post(self, request: Request, product_id: int) -> Response:
        """Have a product read and judged again. Follow it at Location."""
        product = get_object_or_404(Product, pk=product_id, seller=calling_seller(request))
        try:
            recheck = ask_recheck(product.pk, asked_by="API key")
        except CannotRecheck as error:
            raise RecheckRefused(error) from error
        return Response(
            RecheckSerializer(recheck).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("api:recheck", args=[recheck.pk]), "Retry-After": str(POLL_S)},
        )


class RecheckView(APIView):
    """One recheck."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_recheck", responses=RecheckSerializer, tags=["products"])
    def get(self, request: Request, recheck_id: int) -> Response:
        """Show how far a recheck is."""
        recheck = get_object_or_404(Recheck, pk=recheck_id, seller=calling_seller(request))
        answer = RecheckSerializer(recheck).data
        headers = {"Retry-After": str(POLL_S)} if answer["status"] == "checking" else None
        return Response(answer, headers=headers)
