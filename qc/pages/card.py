"""The card of one product that staff looks at: what the seller says, what was found, and what is known of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from marketplace.models import Picture, Product, Seller
from marketplace.products import list_price_text, price_text
from qc.facts import facts_of
from qc.models import Appeal, Verdict
from qc.staff_reasons import AS_FOUND, STAFF_REASONS, holding_reasons

SEVERITY_LABELS = {
    "reject": ("block", "danger", "rejects"),
    "flag": ("flag", "warning", "flags"),
    "advise": ("lightbulb", "info", "advises"),
}
# What messages quote: in quotation marks, or after the last colon.
_QUOTED = re.compile(r"“([^“”]+)”|: ([^:“”]+?)\.?$")
MIN_QUOTED = 2


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a seller: their products by status, and what staff decided on them."""

    live: int
    rejected: int
    flagged: int
    approved_by_staff: int
    rejected_by_staff: int


def card_of(product: Product) -> dict[str, Any]:
    """Return what the template of a card shows of a product.

    `seen` is the digest of what the seller says of it: a decision names it, so that it is made on just that.
    """
    facts = facts_of([product])[product.pk]
    reasons = [_reason(it) for it in product.reasons]
    fields = {it.field for it in holding_reasons(product.reasons)}
    pictures = list(Picture.objects.filter(product=product).order_by("position"))
    return {
        "product": product,
        "seen": facts.content_hash,
        "title": marked(str(product), quoted_in(product.reasons, "title")),
        "description": marked(product.description, quoted_in(product.reasons, "description")),
        "named": fields,
        "price": price_text(product),
        "list_price": list_price_text(product),
        "web_address": product.address if product.address.startswith(("http://", "https://")) else "",
        "categories": [it.path for it in product.categories.all()[:5]],
        "shown": [it for it in pictures if it.display],
        "broken": [it for it in pictures if not it.display],
        "reasons": reasons,
        "verdict": Verdict.objects.filter(product=product).first(),
        "by_staff": list(
            Verdict.objects.filter(product=product, is_automatic=False).select_related("made_by")[:3],
        ),
        "appeals": list(Appeal.objects.filter(product=product, state=Appeal.State.OPEN)),
        "history": history_of(product.seller),
        "choices": _choices(product),
    }


def history_of(seller: Seller) -> History:
    """Count a seller's products by status, and the verdicts of staff on them that were not taken back."""
    statuses = dict(Product.objects.filter(seller=seller).order_by().values_list("status").annotate(n=Count("pk")))
    made = Verdict.objects.filter(product__seller=seller, is_automatic=False, undoes=None, undone_by=None)
    decisions = dict(made.order_by().values_list("decision").annotate(n=Count("pk")))
    return History(
        live=statuses.get(Product.Status.LIVE, 0),
        rejected=statuses.get(Product.Status.REJECTED, 0),
        flagged=statuses.get(Product.Status.FLAGGED, 0),
        approved_by_staff=decisions.get(Verdict.Decision.APPROVED, 0),
        rejected_by_staff=decisions.get(Verdict.Decision.REJECTED, 0),
    )


def quoted_in(reasons: Sequence[Mapping[str, str]], field: str) -> list[str]:
    """List what the messages about a field quote from it."""
    found = []
    for reason in reasons:
        if reason.get("field") == field:
            found += [a or b for a, b in _QUOTED.findall(reason.get("message", ""))]
    return [it.strip() for it in found if len(it.strip()) >= MIN_QUOTED]


def marked(text: str, quoted: Sequence[str]) -> SafeString:
    """Return the text as HTML, with what was quoted from it marked, in whatever case it stands there."""
    if not quoted:
        return escape(text)
    pattern = "|".join(re.escape(it) for it in sorted(set(quoted), key=len, reverse=True))
    pieces = re.split(f"({pattern})", text, flags=re.IGNORECASE)
    marked_up = (f"<mark>{escape(it)}</mark>" if number % 2 else escape(it) for number, it in enumerate(pieces))
    return mark_safe("".join(marked_up))  # noqa: S308 each piece is escaped


def _reason(entry: Mapping[str, str]) -> dict[str, str]:
    icon, variant, verb = SEVERITY_LABELS.get(entry.get("severity", ""), SEVERITY_LABELS["flag"])
    told = {key: entry.get(key, "") for key in ("code", "field", "message", "remedy")}
    return told | {"icon": icon, "variant": variant, "verb": verb}


def _choices(product: Product) -> list[dict[str, str]]:
    """List the reasons to reject for, each with its key."""
    choices = [
        {"key": str(number), "code": it.code, "text": it.message} for number, it in enumerate(STAFF_REASONS, start=1)
    ]
    found = holding_reasons(product.reasons)
    if found:
        codes = ", ".join(it.code for it in found)
        choices.insert(0, {"key": "0", "code": AS_FOUND, "text": f"For what was found: {codes}"})
    return choices
