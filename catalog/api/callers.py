"""Who calls: a seller by a key, or staff by a session."""

from collections.abc import Sequence

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.authentication import Caller, IsSeller
from marketplace.models import Seller


class SellerOrStaffView(APIView):
    """What sellers and staff may call."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [
        *APIView.authentication_classes,
        SessionAuthentication,
    ]
    permission_classes = [IsSeller | IsAdminUser]


def seller_of(request: Request) -> Seller | None:
    """Return the calling seller; None for staff."""
    return request.user.seller if isinstance(request.user, Caller) else None


def actor_of(request: Request) -> str:
    """Name the caller for the audit log: "seller 7", or the member of staff."""
    seller = seller_of(request)
    return str(request.user.get_username()) if seller is None else f"seller {seller.pk}"
