"""The API of sellers: themselves, their syncs and their products."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.admission import TooManyJobs
from marketplace import sellers, syncs
from marketplace.authentication import Caller, IsSeller
from marketplace.models import Product, Seller, SyncRun
from marketplace.paging import NewestFirst
from marketplace.problems import Problem, Refused
from marketplace.products import matching_products, products_of
from marketplace.serializers import (
    ChangedSellerSerializer,
    NewSellerSerializer,
    ProductFilterSerializer,
    ProductSerializer,
    SellerSerializer,
    SyncSerializer,
    job_fields,
)

# Seconds after which it is worth asking for a sync again.
SYNC_POLL_S = 2


class NoCatalogAddress(Problem):
    """Give your catalog's address first: PATCH /api/sellers/me/ with catalog_address."""

    status_code = status.HTTP_409_CONFLICT
    code = "seller.no_catalog_address"
    title = "There is no catalog to read"


class AnotherSyncRuns(Problem):
    """A sync of yours runs already. Try again when it has ended."""

    status_code = status.HTTP_409_CONFLICT
    code = "sync.running"
    title = "A sync runs"

    def __init__(self, sync: SyncRun) -> None:
        self.wait = SYNC_POLL_S
        super().__init__(
            f"Your sync {sync.pk} runs. Try again when it has ended; {reverse('api:sync', args=[sync.pk])}"
        )


def calling_seller(request: Request) -> Seller:
    """Return the seller whose key the request carries."""
    caller = request.user
    if not isinstance(caller, Caller):
        raise TypeError("the view lets in callers that are no sellers")
    return caller.seller


class SellersView(APIView):
    """Registration."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="register_seller", request=SellerSerializer, responses={201: NewSellerSerializer}, tags=["sellers"]
    )
    def post(self, request: Request) -> Response:
        """Register a seller; the answer shows the API key, this once."""
        form = SellerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        joined = sellers.register_seller(**form.validated_data)
        answer = SellerSerializer(joined.seller).data | {"api_key": joined.raw_key} | job_fields(joined.embedding_job)
        return Response(
            answer,
            status=status.HTTP_201_CREATED,
            headers={"Location": reverse("api:me"), "Cache-Control": "no-store"},
        )


class MeView(APIView):
    """The calling seller."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_me", responses=SellerSerializer, tags=["sellers"])
    def get(self, request: Request) -> Response:
        """Show the calling seller."""
        return Response(SellerSerializer(calling_seller(request)).data)

    @extend_schema(
        operation_id="update_me",
        request=SellerSerializer(partial=True),
        responses=ChangedSellerSerializer,
        tags=["sellers"],
    )
    def patch(self, request: Request) -> Response:
        """Change some fields of the calling seller; the business directory follows."""
        seller = calling_seller(request)
        form = SellerSerializer(seller, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        seller, job = sellers.update_seller(seller, **form.validated_data)
        return Response(SellerSerializer(seller).data | job_fields(job))


class MySyncsView(APIView):
    """The syncs of the calling seller."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="start_sync",
        request=None,
        responses={
            202: SyncSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "No catalog address is known, or what you sent is being read."),
            429: OpenApiResponse(OpenApiTypes.OBJECT, "Too much work waits; Retry-After says when to come back."),
        },
        tags=["syncs"],
    )
    def post(self, request: Request) -> Response:
        """Start a sync; while one runs, it is the answer. Follow it at Location."""
        try:
            sync, _ = syncs.start_sync(seller=calling_seller(request), trigger="api", is_submission=True)
        except TooManyJobs as error:
            raise Refused(error) from error
        except syncs.SyncRunning as error:
            raise AnotherSyncRuns(error.sync) from error
        except syncs.NoCatalogAddress as error:
            raise NoCatalogAddress from error
        return Response(
            SyncSerializer(sync).data,
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("api:sync", args=[sync.pk]), "Retry-After": str(SYNC_POLL_S)},
        )


class SyncView(APIView):
    """One sync."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="get_sync", responses=SyncSerializer, tags=["syncs"])
    def get(self, request: Request, sync_id: int) -> Response:
        """Show how far a sync is, or how it ended."""
        sync = get_object_or_404(SyncRun, pk=sync_id, seller=calling_seller(request))
        is_running = sync.status == SyncRun.Status.RUNNING
        return Response(SyncSerializer(sync).data, headers={"Retry-After": str(SYNC_POLL_S)} if is_running else None)


class ProductsView(ListAPIView[Product]):
    """The calling seller's products."""

    permission_classes = [IsSeller]
    serializer_class = ProductSerializer
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_products", parameters=[ProductFilterSerializer], tags=["products"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the calling seller's products, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Find the products that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Product.objects.none()
        query = ProductFilterSerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return matching_products(products_of(calling_seller(self.request)), **query.validated_data)


class ProductView(APIView):
    """One product."""

    permission_classes = [IsSeller]

    @extend_schema(
        operation_id="get_product",
        parameters=[OpenApiParameter("product_id", int, OpenApiParameter.PATH)],
        responses=ProductSerializer,
        tags=["products"],
    )
    def get(self, request: Request, product_id: int) -> Response:
        """Show one of the calling seller's products."""
        product = get_object_or_404(products_of(calling_seller(request)), pk=product_id)
        return Response(ProductSerializer(product, context={"request": request}).data)
