"""Search over HTTP; needs no key."""

from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.conditional import conditional
from catalog.api.search_serializers import (
    PictureParameters,
    SearchAnswer,
    SearchParameters,
    SimilarAnswer,
    SimilarParameters,
    SuggestAnswer,
    SuggestParameters,
)
from catalog.pictures import OversizedPicture, UnusablePicture
from catalog.search.pictures import search_by_picture
from catalog.search.searching import search_products
from catalog.search.similar import NotShown, similar_products
from catalog.search.suggesting import suggest
from marketplace.models import ApiKey
from marketplace.problems import Problem
from marketplace.throttling import Taken, TokenBucketThrottle, take_token

MAX_PICTURE_BYTES = 10 * 2**20
MULTIPART_BYTES = 64 * 1024  # what a form weighs beside its picture
SUGGEST_MAX_AGE_S = 10


class PictureTooLarge(Problem):
    """The picture has more than 10 MiB, or too many pixels."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    code = "picture.too_large"
    title = "The picture is too large"


class PictureUnreadable(Problem):
    """The file is no picture that can be read; JPEG, PNG, WebP, GIF, AVIF, BMP and TIFF are."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    code = "picture.undecodable"
    title = "The picture cannot be read"


class PictureThrottle(TokenBucketThrottle):
    """Let each key, and each address without one, search by SEARCH_PICTURES_PER_MIN pictures a minute."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Take a token for this picture."""
        subject = f"key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else self.get_ident(request)
        self.taken = picture_token(str(subject))
        request._request.rate_limit = self.taken  # type: ignore[attr-defined]
        return self.taken is None or self.taken.is_allowed


def picture_token(subject: str) -> Taken | None:
    """Take one token for a search by picture; None when Redis is away."""
    return take_token(policy="picture", subject=subject, per_minute=settings.SEARCH_PICTURES_PER_MIN)


class SearchView(APIView):
    """Search all live products."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="search_products", parameters=[SearchParameters], responses=SearchAnswer, auth=[], tags=["search"]
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Find products by meaning and by words, best first; without a query, newest first.

        All pages of a query are cut from one ranking. Misspelt words are corrected (`corrected`); where no word is
        found, products of like meaning are, and where there are none either, `suggestions` says what else there is.
        """
        parameters = SearchParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        context = {"request": request, "explain": parameters.validated_data["explain"]}
        body = SearchAnswer(search_products(parameters.search()), context=context).data
        return conditional(request, body, volatile=("took_ms", "cached"))


class SuggestView(APIView):
    """Suggestions while somebody writes."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="suggest", parameters=[SuggestParameters], responses=SuggestAnswer, auth=[], tags=["search"]
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Suggest words, brands, categories and products that begin with what was written."""
        parameters = SuggestParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        values = parameters.validated_data
        body = SuggestAnswer({"suggestions": suggest(values["q"], limit=values["limit"])}).data
        return conditional(request, body, max_age_s=SUGGEST_MAX_AGE_S)


class SimilarView(APIView):
    """Products like one product."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="similar_products",
        parameters=[SimilarParameters],
        responses=SimilarAnswer,
        auth=[],
        tags=["search"],
    )
    def get(self, request: Request, product_id: int) -> HttpResponseBase:
        """Find the products that mean most alike, without the product itself and its copies."""
        parameters = SimilarParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        try:
            answer = similar_products(product_id, limit=parameters.validated_data["limit"])
        except NotShown as error:
            raise NotFound(str(error)) from error
        body = SimilarAnswer(answer, context={"request": request}).data
        return conditional(request, body, volatile=("took_ms", "cached"))


class SearchByPictureView(APIView):
    """Products that look like a picture."""

    permission_classes = [AllowAny]
    parser_classes = [MultiPartParser]
    throttle_classes = [TokenBucketThrottle, PictureThrottle]

    @extend_schema(
        operation_id="search_by_picture",
        request={"multipart/form-data": PictureParameters},
        responses={
            200: SimilarAnswer,
            413: OpenApiResponse(OpenApiTypes.OBJECT, "The picture has more than 10 MiB, or 64 megapixels."),
            415: OpenApiResponse(OpenApiTypes.OBJECT, "The file is no picture that can be read, or no form was sent."),
        },
        auth=[],
        tags=["search"],
    )
    def post(self, request: Request) -> Response:
        """Find the products whose pictures look most like this one. The picture is not kept."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_PICTURE_BYTES + MULTIPART_BYTES:
            raise PictureTooLarge
        form = PictureParameters(data=request.data)
        form.is_valid(raise_exception=True)
        file = form.validated_data["picture"]
        if file.size > MAX_PICTURE_BYTES:
            raise PictureTooLarge
        try:
            answer = search_by_picture(file.read(), where=form.where(), limit=form.validated_data["limit"])
        except OversizedPicture as error:
            raise PictureTooLarge(f"The picture is too large: {error}.") from error
        except UnusablePicture as error:
            raise PictureUnreadable from error
        body = SimilarAnswer(answer, context={"request": request}).data
        return Response(body, headers={"Cache-Control": "no-store"})
