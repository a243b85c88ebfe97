"""A seller's appeals: all of them, asking for one, taking one back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.products import products_of
from qc.appeals import BadWhy, CannotAppeal, appeals_of, open_appeal, withdraw
from qc.models import Appeal
from qc.pages.product import ShownAppeal, context_of, titles_of
from qc.wording import APPEAL_CHIPS

A_PAGE = 50


@require_safe
@seller_page
def appeals_page(request: SellerRequest) -> HttpResponse:
    """List the seller's appeals, newest first."""
    page = Paginator(appeals_of(request.seller), A_PAGE).get_page(request.GET.get("page"))
    lines = [
        (ShownAppeal(it, APPEAL_CHIPS[Appeal.State(it.state)]), titles_of(it.verdict.reasons))
        for it in page.object_list
    ]
    return render(request, "qc/appeals.html", {"lines": lines, "page": page})


@require_POST
@seller_page
def appeal_page(request: SellerRequest, product_id: int) -> HttpResponse:
    """Ask for another look at one of the seller's products."""
    product = get_object_or_404(products_of(request.seller), pk=product_id)
    why = request.POST.get("why", "")
    try:
        open_appeal(product.pk, why=why, asked_by=request.actor)
    except BadWhy as error:
        return render(request, "qc/product.html", context_of(product, why=why, error=str(error)), status=400)
    except CannotAppeal as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Our staff will look at this product again. You are told when they have answered.")
    return redirect("seller-product", product.pk)


@require_POST
@seller_page
def withdraw_page(request: SellerRequest, appeal_id: int) -> HttpResponse:
    """Take one of the seller's appeals back."""
    appeal = get_object_or_404(Appeal, pk=appeal_id, seller=request.seller)
    try:
        withdraw(appeal)
    except CannotAppeal as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "You took the appeal back.")
    return redirect("seller-product", appeal.product_id)
