"""One product as its seller sees it: what buyers see of it, what was decided, why, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.models import Picture, Product
from marketplace.products import list_price_text, price_text, products_of
from marketplace.rechecks.asking import latest_recheck, refusal, standing_of
from qc.appeals import MAX_WHY_CHARS, appeals_of, ground_for
from qc.models import Appeal, Verdict
from qc.rules.contract import Severity
from qc.wording import APPEAL_CHIPS, DECISION_CHIPS, Chip, field_title, issue_title, status_chip

SHOWN_VERDICTS = 20
SHOWN_APPEALS = 10


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One reason, with the id that the fields of the listing point to."""

    anchor: str
    code: str
    title: str
    field: str  # its title; "" for the product as a whole
    message: str
    remedy: str
    is_advice: bool


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field of the listing, and the reasons that name it."""

    name: str
    title: str
    value: str
    reasons: Sequence[ShownReason]

    @property
    def tone(self) -> str:
        """The style of the field: whether a reason that holds the product back names it, or advice alone."""
        if not self.reasons:
            return ""
        return "advised" if all(reason.is_advice for reason in self.reasons) else "offending"


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """One verdict of the history."""

    verdict: Verdict
    chip: Chip
    by: str
    titles: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownAppeal:
    """One appeal with its answer."""

    appeal: Appeal
    chip: Chip


@require_safe
@seller_page
def product_page(request: SellerRequest, product_id: int) -> HttpResponse:
    """Show one of the seller's products."""
    product = get_object_or_404(products_of(request.seller), pk=product_id)
    return render(request, "qc/product.html", context_of(product))


@require_safe
@seller_page
def check_page(request: SellerRequest, product_id: int) -> HttpResponse:
    """Show how far the recheck is; when it has ended, have the whole page loaded again."""
    product = get_object_or_404(Product, pk=product_id, seller=request.seller)
    latest = latest_recheck(product)
    standing = standing_of(latest) if latest else None
    response = render(request, "qc/check.html", {"product": product, "recheck": latest, "check": standing})
    if standing is None or not standing.is_running:
        response["HX-Refresh"] = "true"
    return response


def context_of(product: Product, *, why: str = "", error: str = "") -> dict[str, Any]:
    """Return all that the page shows; why and error are of an appeal that was not accepted."""
    held_back, advice = split_reasons(product)
    verdict = Verdict.objects.filter(product=product.pk).first()
    verdicts = Verdict.objects.filter(product=product.pk)[:SHOWN_VERDICTS]
    ground = ground_for(product)
    recheck = latest_recheck(product)
    pictures = list(product.pictures.all())
    appeals = appeals_of(product.seller).filter(product=product.pk)[:SHOWN_APPEALS]
    return {
        "product": product,
        "chip": status_chip(product),
        "pictures": [it for it in pictures if it.display],
        "broken": [it for it in pictures if it.status == Picture.Status.BROKEN],
        "fields": fields_of(product, [*held_back, *advice]),
        "picture_reasons": [it for it in [*held_back, *advice] if it.field == field_title("pictures")],
        "held_back": held_back,
        "advice": advice,
        "verdict": verdict,
        "decided_by": decided_by(verdict) if verdict else "",
        "history": [
            ShownVerdict(it, DECISION_CHIPS[Verdict.Decision(it.decision)], decided_by(it), titles_of(it.reasons))
            for it in verdicts
        ],
        "appeals": [ShownAppeal(it, APPEAL_CHIPS[Appeal.State(it.state)]) for it in appeals],
        "appeal_refusal": ground.refusal,
        "may_appeal": ground.refusal is None,
        "max_why": MAX_WHY_CHARS,
        "why": why,
        "why_error": error,
        "recheck": recheck,
        "check": standing_of(recheck) if recheck else None,
        "recheck_refusal": refusal(product),
    }


def split_reasons(product: Product) -> tuple[list[ShownReason], list[ShownReason]]:
    """Return what holds the product back, and what would only make it better."""
    shown = [
        ShownReason(
            anchor=f"reason-{number}",
            code=entry["code"],
            title=issue_title(entry["code"]),
            field=field_title(entry["field"]) if entry["field"] else "",
            message=entry["message"],
            remedy=entry["remedy"],
            is_advice=entry.get("severity") == Severity.ADVISE,
        )
        for number, entry in enumerate(product.reasons, start=1)
    ]
    return [it for it in shown if not it.is_advice], [it for it in shown if it.is_advice]


def fields_of(product: Product, reasons: Sequence[ShownReason]) -> list[ShownField]:
    """Return the listing, field by field: what buyers see, and empty fields that a reason names."""
    values = {
        "title": product.title,
        "price": price_text(product),
        "list_price": list_price_text(product),
        "currency": product.currency,
        "description": product.description,
        "brand": product.brand,
        "sku": product.sku,
        "gtin": product.gtin,
        "category_path": "; ".join(sorted(category.path for category in product.categories.all())),
        "address": product.address,
    }
    shown = [
        ShownField(name, field_title(name), value, [it for it in reasons if it.field == field_title(name)])
        for name, value in values.items()
    ]
    return [it for it in shown if (it.value and it.name != "currency") or it.reasons or it.name == "title"]


def decided_by(verdict: Verdict) -> str:
    """Say who made a verdict, and with what."""
    if not verdict.is_automatic:
        return "by a person of our staff"
    return (
        f"automatically, by our rules and by the model {verdict.model}"
        if verdict.model
        else "automatically, by our rules"
    )


def titles_of(reasons: Sequence[dict[str, str]]) -> list[str]:
    """Return the reasons of a verdict in words."""
    return [issue_title(entry["code"]) for entry in reasons]
