"""The button "I fixed it, check again"."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.models import Product
from marketplace.rechecks.asking import CannotRecheck, ask_recheck


@require_POST
@seller_page
def recheck_page(request: SellerRequest, product_id: int) -> HttpResponse:
    """Have one of the seller's products checked again, and show it."""
    product = get_object_or_404(Product, pk=product_id, seller=request.seller)
    try:
        ask_recheck(product.pk, asked_by=request.actor)
    except CannotRecheck as error:
        messages.warning(request, str(error))
    return redirect("seller-product", product.pk)
