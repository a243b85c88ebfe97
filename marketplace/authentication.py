"""Who calls the API: a seller, by an API key."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, permissions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from marketplace import api_keys
from marketplace.models import ApiKey, Seller
from marketplace.problems import Problem
from marketplace.throttling import TokenBucketThrottle


@dataclass(frozen=True, slots=True)
class Caller:
    """The seller behind a request, as DRF's `request.user`."""

    seller: Seller
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False

    @property
    def pk(self) -> int:
        """The seller's id."""
        return self.seller.pk

    @property
    def tenant(self) -> str:
        """The name under which the job engine knows the seller."""
        return self.seller.tenant


class SellerIsSuspended(Problem):
    """This seller is suspended; write to us to have it lifted."""

    status_code = 403
    code = "seller.suspended"
    title = "The seller is suspended"


class ApiKeyAuthentication(BaseAuthentication):
    """Accept `Authorization: Bearer KEY` and `X-API-Key: KEY`."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey] | None:
        """Return the caller and the key; None when no key was given."""
        raw = presented_key(request)
        if raw is None:
            return None
        key = api_keys.authenticate(raw)
        if key is None:
            self._charge_address(request)
            raise exceptions.AuthenticationFailed("The API key is not known, or it was revoked.")
        if key.seller.status != Seller.Status.ACTIVE:
            raise SellerIsSuspended
        return Caller(seller=key.seller), key

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme to use, on a 401."""
        return 'Bearer realm="api"'

    def _charge_address(self, request: Request) -> None:
        """Make wrong keys cost their address a token: a refused key never reaches the view's throttle."""
        taken = TokenBucketThrottle().take_for_address(request)
        if taken is not None and not taken.is_allowed:
            raise exceptions.Throttled(wait=taken.retry_after_s)


def presented_key(request: Request) -> str | None:
    """Return the key that a request presents, or None.

    Raises:
        AuthenticationFailed: the Authorization header is not `Bearer KEY`.
    """
    header = get_authorization_header(request).decode("latin-1").split()
    if not header:
        return request.headers.get("X-API-Key")
    if header[0].lower() != "bearer" or len(header) != 2:
        raise exceptions.AuthenticationFailed("Write the header as: Authorization: Bearer KEY.")
    return header[1]


class IsSeller(permissions.BasePermission):
    """The request carries a seller's API key."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether a seller is calling."""
        return isinstance(request.user, Caller)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe both ways to present a key in the OpenAPI schema."""

    target_class = "marketplace.authentication.ApiKeyAuthentication"
    name = ["ApiKeyBearer", "ApiKeyHeader"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Return one definition for each name."""
        return [
            {"type": "http", "scheme": "bearer", "description": "The key that registering answered with."},
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]
