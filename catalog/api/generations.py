"""Proposals over HTTP: a seller asks for them, follows them and decides; staff may ask and look."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.callers import SellerOrStaffView, actor_of, seller_of
from catalog.api.generation_serializers import (
    AcceptedSerializer,
    AcceptSerializer,
    GenerationSerializer,
    ListedGenerationSerializer,
    NewGenerationSerializer,
    ProposalSerializer,
    ProposedTextSerializer,
)
from catalog.generation.accepting import (
    NotAccepted,
    NotOpen,
    OutOfDate,
    accept_text,
    accept_texts,
    refuse_text,
    texts_of,
    undo_text,
)
from catalog.generation.edits import UnusableText
from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from catalog.generation.requests import TooManyGenerations, UnknownProducts, progress_of, start_generation
from jobs.admission import TooManyJobs
from marketplace.api import calling_seller
from marketplace.authentication import IsSeller
from marketplace.gemini.errors import GeminiNotSetUp
from marketplace.models import Product, Seller
from marketplace.paging import InOrder, NewestByTime
from marketplace.problems import Problem, Refused

POLL_S = 2
NOT_SET_UP = (
    "Proposals are not set up here: this marketplace has no key for the model that writes them. Ask its operators."
)


class NotSetUp(Problem):
    """Proposals are not set up here."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "generation.not_set_up"
    title = "Proposals are not set up"


class DayUsedUp(Problem):
    """As many proposals were asked for today as a seller may ask for."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    code = TooManyGenerations.code
    title = "Too many proposals for today"

    def __init__(self, refusal: TooManyGenerations) -> None:
        self.wait = refusal.retry_after_s
        super().__init__(str(refusal))


class CannotDecide(Problem):
    """The text cannot be decided on."""

    status_code = status.HTTP_409_CONFLICT
    title = "This cannot be done with the text now"

    def __init__(self, refusal: NotOpen | NotAccepted | OutOfDate) -> None:
        self.code = refusal.code
        super().__init__(str(refusal))


class GenerationView(SellerOrStaffView):
    """Requests for proposals: a seller sees the own ones alone, staff see all."""

    def requests(self) -> QuerySet[GenerationRequest]:
        """Return the requests that the caller may see."""
        seller, rows = seller_of(self.request), GenerationRequest.objects.all()
        return rows if seller is None else rows.filter(seller=seller)


class GenerationsView(GenerationView, ListAPIView[GenerationRequest]):
    """The caller's requests for proposals."""

    serializer_class = ListedGenerationSerializer
    pagination_class = NewestByTime

    def get_queryset(self) -> Any:
        """Find the requests."""
        return GenerationRequest.objects.none() if getattr(self, "swagger_fake_view", False) else self.requests()

    @extend_schema(operation_id="list_generations", tags=["generation"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the requests for proposals, newest first."""
        page: Any = self.paginate_queryset(self.get_queryset())
        rows = ListedGenerationSerializer(page, many=True, context={"progress": progress_of(page)})
        return self.get_paginated_response(rows.data)

    @extend_schema(
        operation_id="start_generation",
        request=NewGenerationSerializer,
        responses={
            202: GenerationSerializer,
            429: OpenApiResponse(OpenApiTypes.OBJECT, "The day's are used up, or too much work waits; Retry-After."),
            503: OpenApiResponse(OpenApiTypes.OBJECT, "There is no model here; nothing was enqueued."),
        },
        tags=["generation"],
    )
    def post(self, request: Request) -> Response:
        """Ask for proposals for products of one seller. Follow them at Location; nothing is published by itself."""
        form = NewGenerationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        order, product_ids = form.order(), form.validated_data["products"]
        seller = seller_of(request)
        try:
            row = start_generation(
                order,
                seller=seller or _seller_of(product_ids),
                product_ids=product_ids,
                trigger="api" if seller else "staff",
                actor="" if seller else actor_of(request),
            )
        except GeminiNotSetUp as error:
            raise NotSetUp(NOT_SET_UP) from error
        except UnknownProducts as error:
            raise serializers.ValidationError({"products": [str(error)]}, "unknown_products") from error
        except TooManyGenerations as error:
            raise DayUsedUp(error) from error
        except TooManyJobs as error:
            raise Refused(error) from error
        return Response(
            _shown(row),
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("generation", args=[row.pk]), "Retry-After": str(POLL_S)},
        )


class GenerationRequestView(GenerationView):
    """One request for proposals."""

    @extend_schema(operation_id="get_generation", responses=GenerationSerializer, tags=["generation"])
    def get(self, request: Request, generation_id: Any) -> Response:
        """Show how far a request is."""
        row = get_object_or_404(self.requests(), pk=generation_id)
        return Response(_shown(row), headers=None if row.finished_at else {"Retry-After": str(POLL_S)})


class ProposalsView(GenerationView, ListAPIView[Proposal]):
    """The proposals of one request."""

    serializer_class = ProposalSerializer
    pagination_class = InOrder

    def get_queryset(self) -> Any:
        """Find the proposals with their texts."""
        if getattr(self, "swagger_fake_view", False):
            return Proposal.objects.none()
        row = get_object_or_404(self.requests(), pk=self.kwargs["generation_id"])
        return row.proposals.prefetch_related("texts__proposal__product")

    @extend_schema(operation_id="list_proposals", tags=["generation"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what is proposed, product by product."""
        return super().get(request, *args, **kwargs)


class AcceptGenerationView(APIView):
    """All open texts of one request."""

    permission_classes = [IsSeller]

    @extend_schema(operation_id="accept_generation", request=None, responses=AcceptedSerializer, tags=["generation"])
    def post(self, request: Request, generation_id: Any) -> Response:
        """Accept the open texts as they are, but those that are out of date or claim what the listing does not say."""
        seller = calling_seller(request)
        row = get_object_or_404(GenerationRequest, pk=generation_id, seller=seller)
        open_texts = texts_of(seller.pk).filter(proposal__request=row, state=ProposedText.State.OPEN)
        accepted, left = accept_texts(open_texts, actor=actor_of(request))
        return Response({"accepted": accepted, "left": left})


class TextView(APIView):
    """One proposed text, which its seller decides on."""

    permission_classes = [IsSeller]

    def decide(self, text_id: int, act: Callable[[int, str], ProposedText]) -> Response:
        """Act on a text of the calling seller, and show it."""
        seller = calling_seller(self.request)
        get_object_or_404(texts_of(seller.pk), pk=text_id)
        try:
            act(text_id, actor_of(self.request))
        except UnusableText as error:
            raise serializers.ValidationError({"text": [str(error)]}) from error
        except (NotOpen, NotAccepted, OutOfDate) as error:
            raise CannotDecide(error) from error
        return Response(ProposedTextSerializer(texts_of(seller.pk).get(pk=text_id)).data)


CANNOT = {200: ProposedTextSerializer, 409: OpenApiResponse(OpenApiTypes.OBJECT, "Decided before, or out of date.")}


class AcceptTextView(TextView):
    """Taking a text."""

    @extend_schema(operation_id="accept_text", request=AcceptSerializer, responses=CANNOT, tags=["generation"])
    def post(self, request: Request, text_id: int) -> Response:
        """Lay the text, or your version of it, over what your catalog says; the product is checked anew."""
        form = AcceptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        changed_to = form.validated_data.get("text")
        return self.decide(text_id, lambda pk, actor: accept_text(pk, actor=actor, changed_to=changed_to))


class RefuseTextView(TextView):
    """Leaving a text."""

    @extend_schema(operation_id="refuse_text", request=None, responses=CANNOT, tags=["generation"])
    def post(self, request: Request, text_id: int) -> Response:
        """Refuse the text; the product stays as it is."""
        return self.decide(text_id, lambda pk, actor: refuse_text(pk, actor=actor))


class UndoTextView(TextView):
    """Taking a text back."""

    @extend_schema(operation_id="undo_text", request=None, responses=CANNOT, tags=["generation"])
    def post(self, request: Request, text_id: int) -> Response:
        """Let your catalog's own text stand again."""
        return self.decide(text_id, lambda pk, actor: undo_text(pk, actor=actor))


def _seller_of(product_ids: list[int]) -> Seller:
    """Return the one seller of the products that staff names."""
    sellers = list(Seller.objects.filter(products__in=Product.objects.filter(pk__in=product_ids)).distinct()[:2])
    if len(sellers) != 1:
        raise serializers.ValidationError({"products": ["Name products of one seller."]}, "not_one_seller")
    return sellers[0]


def _shown(row: GenerationRequest) -> Any:
    return GenerationSerializer(row, context={"progress": progress_of([row])}).data
