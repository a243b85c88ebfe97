"""The first page of a seller: what needs a hand, what is being worked on, and how the last sync went."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.accounts.seller_pages import SellerRequest, seller_page


@require_safe
@seller_page
def home_page(request: SellerRequest) -> HttpResponse:
    """Show where the seller stands."""
    return render(request, "qc/home.html", {})
