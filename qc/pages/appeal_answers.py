"""Appeals in the admin: what waits, and the page on which one is answered, with both sides before one's eyes."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from jobs.pages.lists import ReadOnlyAdmin
from jobs.pages.presentation import label, link
from marketplace.models import Picture
from qc.appeals import MAX_ANSWER_CHARS, CannotAppeal, answer, is_answerable
from qc.facts import facts_of
from qc.models import Appeal, Verdict
from qc.pages.asked import int_of
from qc.pages.differences import changes_between, text_of
from qc.pages.guarding import admin_page, reviewer_of
from qc.pages.verdicts import DECISION_LABELS, who_made
from qc.review import CannotDecide

STATE_LABELS = {
    Appeal.State.OPEN: "warning",
    Appeal.State.UPHELD: "info",
    Appeal.State.OVERTURNED: "success",
    Appeal.State.WITHDRAWN: None,
}
SHOWN_VERDICTS = 10
SHOWN_APPEALS = 10


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    """Sellers' appeals; each opens on the page on which it is answered."""

    list_display = ["id", "state_label", "product_text", "seller", "why_text", "opened_at", "answered_by"]
    list_filter = ["state"]
    list_select_related = ["product", "seller", "answered_by"]
    search_fields = ["seller__name", "product__title"]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead to the page of the appeal."""
        return HttpResponseRedirect(reverse("admin-appeal", args=[get_object_or_404(Appeal, pk=int_of(object_id)).pk]))

    @display(description="state", ordering="state")
    def state_label(self, appeal: Appeal) -> SafeString:
        """Show the state."""
        return label(appeal.get_state_display(), STATE_LABELS[Appeal.State(appeal.state)])

    @display(description="product", ordering="product__title")
    def product_text(self, appeal: Appeal) -> SafeString:
        """Link to the product."""
        return link("admin:marketplace_product_change", appeal.product_id, str(appeal.product)[:80])

    @display(description="why")
    def why_text(self, appeal: Appeal) -> str:
        """Show the beginning of what the seller says."""
        return appeal.why if len(appeal.why) <= 100 else f"{appeal.why[:99]}…"


class AnswerForm(forms.Form):
    """What the seller is told."""

    answer = forms.CharField(
        max_length=MAX_ANSWER_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="The seller reads it: why the verdict stays, or what was wrong with it.",
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)


def appeal_page(request: HttpRequest, appeal_id: int) -> HttpResponse:
    """Show both sides of an appeal, and take the answer."""
    related = ("product__seller", "verdict__made_by", "answered_by")
    appeal = get_object_or_404(Appeal.objects.select_related(*related), pk=appeal_id)
    facts = facts_of([appeal.product])[appeal.product_id]
    form = AnswerForm(request.POST or None, initial={"seen": facts.content_hash})
    if request.method == "POST" and form.is_valid():
        problem = _answered(request, appeal, form)
        if not problem:
            return HttpResponseRedirect(_after(request))
        form.add_error(None, problem)
    return admin_page(
        request, "qc/appeal_answer.html", f"Appeal {appeal.pk}", form=form, **_sides(appeal, content=facts.content)
    )


def _answered(request: HttpRequest, appeal: Appeal, form: AnswerForm) -> str:
    """Answer the appeal; return what is in the way, if anything is."""
    is_upheld = request.POST.get("act") != "overturn"
    said = form.cleaned_data
    try:
        answer(appeal, is_upheld=is_upheld, actor=reviewer_of(request), text=said["answer"], seen=said["seen"])
    except (CannotAppeal, CannotDecide) as error:
        return str(error)
    outcome = "The verdict stays" if is_upheld else "The product is approved"
    messages.success(request, f"{outcome}; the seller of {appeal.product} is told.")
    return ""


def _after(request: HttpRequest) -> str:
    """Return where to go after an answer: to the appeal that waits longest, else to the list."""
    following = Appeal.objects.filter(state=Appeal.State.OPEN).order_by("pk").first()
    return reverse("admin-appeal", args=[following.pk]) if following else reverse("admin:qc_appeal_changelist")


def _sides(appeal: Appeal, *, content: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows beside the form."""
    verdict = appeal.verdict
    verdicts = Verdict.objects.filter(product=appeal.product_id).select_related("made_by")[:SHOWN_VERDICTS]
    earlier = Appeal.objects.filter(seller=appeal.seller_id).exclude(pk=appeal.pk)
    latest = next(iter(verdicts), verdict)
    return {
        "appeal": appeal,
        "product": appeal.product,
        "is_open": appeal.state == Appeal.State.OPEN,
        "is_answerable": is_answerable(appeal),
        "state_label": label(appeal.get_state_display(), STATE_LABELS[Appeal.State(appeal.state)]),
        "verdict_who": who_made(verdict),
        "pictures": [it for it in Picture.objects.filter(product=appeal.product_id) if it.display],
        "content": [(name.replace("_", " "), text_of(value)) for name, value in content.items() if value],
        "changes": changes_between(verdict.content, content) if verdict.content else [],
        "newer": latest if latest.pk != verdict.pk else None,
        "history": [(it, label(it.decision, DECISION_LABELS[it.decision]), who_made(it)) for it in verdicts],
        "earlier": list(earlier.select_related("product")[:SHOWN_APPEALS]),
    }
