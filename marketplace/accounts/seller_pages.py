"""What holds for every page of a seller: who is logged in, for whom they act, a fair share, and nothing kept by others.

@seller_page
def products_page(request: SellerRequest) -> HttpResponse: ...
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketplace.accounts.members import memberships_of
from marketplace.accounts.models import SellerMember
from marketplace.accounts.navigation import NavigationItem, navigation
from marketplace.models import Seller
from marketplace.public_pages import CONTENT_POLICY
from marketplace.throttling import take_token

CHOSEN = "seller"  # of the session: whom its person acts for


class SellerRequest(HttpRequest):
    """A request by a person who may act for `seller`."""

    seller: Seller
    seller_memberships: list[SellerMember]  # all of the person's, the chosen one among them
    seller_navigation: list[NavigationItem]
    actor: str  # who acts, for the record


View = Callable[..., HttpResponse]


def seller_page(view: View) -> View:
    """Let in who may act for an active seller; the others log in, or are told why they may not."""

    @wraps(view)
    def page(request: Any, *args: object, **kwargs: object) -> HttpResponse:
        response = _answer(request, view, args, kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response

    return page


def _answer(request: Any, view: View, args: tuple[object, ...], kwargs: dict[str, object]) -> HttpResponse:
    user = request.user
    if not user.is_authenticated:
        # What was to be done is not done by logging in: who posted comes to the first page.
        back = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("seller-home")
        return redirect_to_login(back, login_url=reverse("seller-login"))
    taken = take_token(policy="seller-page", subject=str(user.pk), per_minute=settings.API_RATE_PER_KEY)
    request.rate_limit = taken
    if taken is not None and not taken.is_allowed:
        return render(request, "public/too_many.html", {"wait_s": taken.retry_after_s}, status=429)
    memberships = list(memberships_of(user))
    active = [it for it in memberships if it.seller.status == Seller.Status.ACTIVE]
    if not active:
        return render(request, "seller/no_shop.html", {"memberships": memberships}, status=403)
    chosen = request.session.get(CHOSEN)
    request.seller = next((it.seller for it in active if it.seller_id == chosen), active[0].seller)
    request.actor = user.get_username()
    request.seller_memberships = active
    request.seller_navigation = navigation(request, seller_id=request.seller.pk)
    return view(request, *args, **kwargs)
