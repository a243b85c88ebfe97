"""Search over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.search_serializers import SearchAnswer, SearchParameters
from catalog.search.searching import search_products


class SearchView(APIView):
    """Search all live products; needs no key."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="search_products", parameters=[SearchParameters], responses=SearchAnswer, auth=[], tags=["search"]
    )
    def get(self, request: Request) -> Response:
        """Find products by meaning and by words, best first; without a query, newest first."""
        parameters = SearchParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        answer = search_products(parameters.search())
        return Response(SearchAnswer(answer, context={"request": request}).data)
