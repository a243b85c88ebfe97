"""Checking a product again: by the rules as they are now, instead of what staff decided."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from jobs.pages.confirmation import ReasonForm, answered, ask
from marketplace.models import Product
from qc import review
from qc.pages.guarding import reviewer_of

EFFECT = (
    "The rules, and Gemini where it is asked, judge the product as it is stored now. What staff decided on it before "
    "ceases to hold; until the new verdict it stays what it is."
)


def check_again(request: HttpRequest, product_id: int) -> HttpResponse:
    """Ask why, and have the product checked again."""
    back = reverse("admin:marketplace_product_change", args=[product_id])
    form = answered(request, ReasonForm)
    if form is None:
        return ask(
            request,
            admin.site,
            form=ReasonForm,
            title="Check the product again",
            effect=EFFECT,
            button="Check again",
            back=back,
        )
    try:
        review.check_again(product_id, actor=reviewer_of(request), reason=form.cleaned_data["reason"])
    except review.CannotDecide as error:
        messages.error(request, str(error))
    except Product.DoesNotExist:
        messages.error(request, f"There is no product {product_id} any more.")
        return HttpResponseRedirect(reverse("admin-review"))
    else:
        messages.success(request, "The product is being checked again.")
    return HttpResponseRedirect(back)
