"""The seller's page on which proposals are asked for."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from catalog.generation.orders import LANGUAGES, BadOrder, Kind, Length, Order, Tone, make_order
from catalog.generation.requests import (
    MAX_PRODUCTS,
    TooManyGenerations,
    UnknownProducts,
    left_today,
    start_generation,
    writable_products,
)
from jobs.admission import TooManyJobs
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.gemini.errors import GeminiNotSetUp
from marketplace.models import Product
from marketplace.products import matching_products

LISTED = 50
KINDS = [
    (Kind.TITLE, "Titles"),
    (Kind.DESCRIPTION, "Descriptions"),
    (Kind.ATTRIBUTES, "Attributes, such as colour and material"),
    (Kind.TRANSLATION, "Translations of title and description"),
]
NOT_SET_UP = "Proposals are not set up on this marketplace: it has no key for the model that writes them."


class GenerationForm(forms.Form):
    """What to propose, and how to write it."""

    kinds = forms.MultipleChoiceField(
        choices=KINDS,
        widget=forms.CheckboxSelectMultiple,
        label="What shall we propose?",
        error_messages={"required": "Choose at least one."},
    )
    tone = forms.ChoiceField(choices=[(it, it.capitalize()) for it in Tone], label="Tone")
    length = forms.ChoiceField(choices=[(it, it.capitalize()) for it in Length], label="Descriptions", initial="medium")
    language = forms.ChoiceField(
        choices=[("", "As your catalog is"), *LANGUAGES.items()], required=False, label="Language"
    )
    languages = forms.MultipleChoiceField(
        choices=list(LANGUAGES.items()), required=False, widget=forms.CheckboxSelectMultiple, label="Translate into"
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what does not go together, at the field to change."""
        data = super().clean() or {}
        if "kinds" in data:
            try:
                data["order"] = make_order(data["kinds"], data)
            except BadOrder as error:
                self.add_error(error.field if error.field in self.fields else None, str(error))
        return data


@require_http_methods(["GET", "POST"])
@seller_page
def ask_page(request: SellerRequest) -> HttpResponse:
    """Choose products and what to propose for them; a request that is accepted leads to its progress."""
    asked = request.POST if request.method == "POST" else request.GET
    q = asked.get("q", "").strip()[:200]
    products = matching_products(writable_products(request.seller.pk), q=q)
    ticked = [int(pk[:18]) for pk in asked.getlist("product") if pk.isdecimal()]
    if request.method == "POST" and "search" not in request.POST:
        form = GenerationForm(request.POST)
        status = 200
        if form.is_valid():
            takes_all = request.POST.get("scope") == "all"
            chosen = list(products.order_by("-pk").values_list("pk", flat=True)[: MAX_PRODUCTS + 1])
            answer = _start(request, form, chosen if takes_all else ticked)
            if isinstance(answer, HttpResponse):
                return answer
            status = answer
    else:
        form, status = GenerationForm(initial={"kinds": [Kind.TITLE, Kind.DESCRIPTION]}), 200
    return _form_page(request, form, products, q=q, ticked=ticked, status=status)


def _start(request: SellerRequest, form: GenerationForm, product_ids: list[int]) -> HttpResponse | int:
    """Start the request and lead to it; or say on the form why not, and return the page's status."""
    order: Order = form.cleaned_data["order"]
    if not product_ids:
        form.add_error(None, "Tick the products to write for.")
        return 200
    if len(product_ids) > MAX_PRODUCTS:
        form.add_error(None, f"One request takes at most {MAX_PRODUCTS} products: search for fewer.")
        return 200
    try:
        started = start_generation(order, seller=request.seller, product_ids=product_ids, trigger="page")
    except GeminiNotSetUp:
        form.add_error(None, NOT_SET_UP)
        return 503
    except UnknownProducts as error:
        form.add_error(None, str(error))
        return 200
    except (TooManyGenerations, TooManyJobs) as error:
        form.add_error(None, str(error))
        return 429
    return redirect("seller-generation", started.pk)


def _form_page(
    request: SellerRequest, form: GenerationForm, products: QuerySet[Product], *, q: str, ticked: list[int], status: int
) -> HttpResponse:
    rows = products.only("pk", "title", "external_id", "sku").order_by("-pk")
    listed = list(rows.filter(pk__in=ticked)[:MAX_PRODUCTS])
    listed += list(rows.exclude(pk__in=ticked)[: max(0, LISTED - len(listed))])
    count = products.order_by()[: MAX_PRODUCTS + 1].count()
    context = {
        "form": form,
        "listed": listed,
        "ticked": set(ticked),
        "count": count,
        "is_too_many": count > MAX_PRODUCTS,
        "most": MAX_PRODUCTS,
        "q": q,
        "scope": request.POST.get("scope", "ticked"),
        "left_today": left_today(request.seller.pk, now=timezone.now()),
        "not_set_up": "" if settings.GEMINI_API_KEY else NOT_SET_UP,
    }
    return render(request, "catalog/proposals/ask.html", context, status=status)
