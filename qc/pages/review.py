"""The review queue: one flagged product after the other, by forms that work without a script and faster with one."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse

from marketplace.models import Product
from qc import holds, review, review_figures, waiting
from qc.appeals import open_count
from qc.models import Verdict
from qc.pages.asked import ids_in, int_of, narrowing_of, query_of, wants_json, written
from qc.pages.card import card_of
from qc.pages.guarding import admin_page, reviewer_of
from qc.staff_reasons import UnknownReason, chosen_reasons
from qc.waiting import Narrowing

Refused = (review.CannotDecide, UnknownReason)
SKIPPED = "review-skipped"
MAX_SKIPPED = 500
MAX_NOTE = 1000


# --- pages ------------------------------------------------------------------------------------------
def review_page(request: HttpRequest) -> HttpResponse:
    """Show the product whose turn it is."""
    user = reviewer_of(request)
    narrowing = narrowing_of(request.GET)
    skipped = request.session.get(SKIPPED, [])
    product = waiting.take_next(user, narrowing=narrowing, skipped=skipped)
    return admin_page(
        request,
        "qc/review.html",
        "Review",
        card=card_of(product) if product else None,
        narrowing=narrowing,
        query=query_of(narrowing),
        codes=waiting.reason_counts(),
        sellers=waiting.seller_counts(),
        standing=_standing(request, narrowing),
        last=review_figures.last_decision(user),
        skipped=len(skipped),
        held=[(name, count) for name, count in review_figures.held_now() if name != user.get_username()],
        appeals=open_count(),
        is_alone=False,
    )


def product_page(request: HttpRequest, product_id: int) -> HttpResponse:
    """Show one product, whatever its status, to judge it."""
    product = Product.objects.filter(pk=product_id).select_related("seller").first()
    if product is None:
        messages.error(request, f"There is no product {product_id} any more.")
        return HttpResponseRedirect(reverse("admin-review"))
    try:
        holds.take(product_id, user=reviewer_of(request))
    except holds.HeldByAnother as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(_page_of(product_id))
    return admin_page(
        request, "qc/review_product.html", "Judge", card=card_of(product), is_alone=True, narrowing=Narrowing()
    )


def next_card(request: HttpRequest) -> HttpResponse:
    """Return the card of a further product as a piece of HTML, held; 204 where none is left."""
    narrowing = narrowing_of(request.GET)
    product = waiting.take_next(
        reviewer_of(request),
        narrowing=narrowing,
        besides=ids_in(request.GET.get("besides", "")),
        skipped=request.session.get(SKIPPED, []),
    )
    if product is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return HttpResponse(_card_html(request, product, narrowing))


# --- acts -------------------------------------------------------------------------------------------
def decide(request: HttpRequest) -> HttpResponse:
    """Approve, reject or skip the product that the form names."""
    product_id, act = int_of(request.POST.get("product")), _act(request)
    if product_id is None or act not in ("approve", "reject", "skip"):
        return _refused(request, "The form is incomplete: load the page again.", HTTPStatus.BAD_REQUEST)
    if act == "skip":
        return _skip(request, product_id)
    try:
        verdict = _decide(request, product_id, is_approval=act == "approve")
    except Refused as error:
        return _refused(request, str(error), product_id=product_id)
    except Product.DoesNotExist:
        return _refused(request, "The product is not there any more.", product_id=product_id)
    said = f"{'Approved' if act == 'approve' else 'Rejected'} “{verdict.product}”."
    return _done(request, said, verdict=verdict.pk, alone=product_id)


def undo(request: HttpRequest) -> HttpResponse:
    """Take the named verdict back, and hold its product again."""
    verdict = Verdict.objects.filter(pk=int_of(request.POST.get("verdict")) or 0).select_related("product").first()
    if verdict is None:
        return _refused(request, "There is nothing to take back.", HTTPStatus.BAD_REQUEST)
    user = reviewer_of(request)
    try:
        with transaction.atomic():
            review.undo(verdict, user)
            holds.take(verdict.product_id, user=user)
    except Refused as error:
        return _refused(request, str(error), product_id=verdict.product_id)
    said = f"Took back the decision on “{verdict.product}”."
    if not wants_json(request):
        # The page shows what is held: without a script that is one product, and now it is this one.
        others = holds.held_by(user).exclude(product=verdict.product_id)
        holds.release(list(others.values_list("product_id", flat=True)), user=user)
        return _done(request, said)
    product = Product.objects.select_related("seller").get(pk=verdict.product_id)
    return _done(request, said, card=_card_html(request, product, narrowing_of(request.POST)))


def renew(request: HttpRequest) -> HttpResponse:
    """Keep the holds of a page on which somebody works; tell which ones are lost, and how much is left."""
    lost = holds.renew(ids_in(request.POST.get("products", "")), user=reviewer_of(request))
    return JsonResponse({"lost": sorted(lost), **_standing(request, narrowing_of(request.POST))})


def forget_skipped(request: HttpRequest) -> HttpResponse:
    """Offer again what was skipped."""
    request.session.pop(SKIPPED, None)
    return HttpResponseRedirect(_queue_address(request))


def _act(request: HttpRequest) -> str:
    """Return what the form's button says; the buttons of the reasons reject."""
    return "reject" if "reason" in request.POST else request.POST.get("act", "")


def _decide(request: HttpRequest, product_id: int, *, is_approval: bool) -> Verdict:
    found: Sequence[dict[str, str]] = ()
    if not is_approval:
        found = Product.objects.filter(pk=product_id).values_list("reasons", flat=True).first() or ()
    words = written(request.POST, "words")
    return review.decide(
        product_id,
        decision=Verdict.Decision.APPROVED if is_approval else Verdict.Decision.REJECTED,
        actor=reviewer_of(request),
        reasons=[] if is_approval else chosen_reasons(request.POST.get("reason", ""), words=words, found=found),
        note=written(request.POST, "note").strip()[:MAX_NOTE],
        seen=request.POST.get("seen", ""),
        must_hold=True,
    )


def _skip(request: HttpRequest, product_id: int) -> HttpResponse:
    skipped = [it for it in request.session.get(SKIPPED, []) if it != product_id]
    request.session[SKIPPED] = [*skipped, product_id][-MAX_SKIPPED:]
    holds.release([product_id], user=reviewer_of(request))
    return _done(request, "Skipped.", alone=product_id)


# --- answers ----------------------------------------------------------------------------------------
def _standing(request: HttpRequest, narrowing: Narrowing) -> dict[str, int]:
    return {
        "waiting": waiting.waiting_count(narrowing),
        "today": review_figures.decided_today(reviewer_of(request)),
    }


def _card_html(request: HttpRequest, product: Product, narrowing: Narrowing) -> str:
    context = {"card": card_of(product), "narrowing": narrowing, "is_alone": False}
    return render_to_string("qc/card.html", context, request)


def _done(request: HttpRequest, said: str, *, alone: int | None = None, **told: Any) -> HttpResponse:
    """Answer a script with what to show, and a form with the page that it came from."""
    if wants_json(request):
        return JsonResponse({"said": said, **_standing(request, narrowing_of(request.POST)), **told})
    messages.success(request, said)
    return HttpResponseRedirect(_back(request, alone))


def _refused(
    request: HttpRequest, why: str, status: HTTPStatus = HTTPStatus.CONFLICT, *, product_id: int | None = None
) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"refused": why, "product": product_id}, status=status)
    messages.error(request, why)
    return HttpResponseRedirect(_back(request, product_id))


def _back(request: HttpRequest, product_id: int | None) -> str:
    if request.POST.get("alone") and product_id is not None:
        return _page_of(product_id)
    return _queue_address(request)


def _queue_address(request: HttpRequest) -> str:
    query = query_of(narrowing_of(request.POST))
    return reverse("admin-review") + (f"?{query}" if query else "")


def _page_of(product_id: int) -> str:
    return reverse("admin:marketplace_product_change", args=[product_id])
