"""Groups in the review: products of one seller that wait for the same reasons, judged at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from marketplace.models import Picture, Product, Seller
from qc import review, review_figures, waiting
from qc.models import Verdict
from qc.pages.asked import int_of, narrowing_of
from qc.pages.guarding import admin_page, reviewer_of
from qc.review_groups import MAX_AT_ONCE, decide_group, first_of, seal
from qc.staff_reasons import AS_FOUND, BY_CODE, STAFF_REASONS

SHOWN = 24
APPROVE = "approve"


class GroupForm(forms.Form):
    """What to do with all of a group, why, and how many they are."""

    ruling = forms.ChoiceField(
        label="Decision",
        choices=[
            ("", "Choose…"),
            (APPROVE, "Approve all"),
            (AS_FOUND, "Reject all for what was found"),
            *((it.code, f"Reject all: {it.message}") for it in STAFF_REASONS),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For the audit log and for colleagues, with your name.",
    )
    count = forms.IntegerField(
        label="How many products?",
        widget=UnfoldAdminIntegerFieldWidget(attrs={"autocomplete": "off"}),
        help_text="Type the number that stands above.",
    )

    def __init__(self, *args: Any, expected: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_count(self) -> int:
        """Insist on the number that is shown."""
        count: int = self.cleaned_data["count"]
        if count != self.expected:
            raise ValidationError(f"There are {self.expected} products, not {count}.")
        return count


def groups_page(request: HttpRequest) -> HttpResponse:
    """List the groups."""
    groups = waiting.waiting_groups(reviewer_of(request), narrowing_of(request.GET))
    sellers = Seller.objects.in_bulk({it.seller_id for it in groups})
    rows = [(it, sellers[it.seller_id]) for it in groups if it.seller_id in sellers]
    return admin_page(request, "qc/review_groups.html", "Groups to review", rows=rows)


def group_page(request: HttpRequest) -> HttpResponse:
    """Show one group, and judge all of it when it is confirmed."""
    seller = Seller.objects.filter(pk=int_of(request.GET.get("seller")) or 0).first()
    codes = [it for it in request.GET.get("codes", "").split(",") if it]
    if seller is None or not codes:
        messages.error(request, "Choose one of the groups.")
        return HttpResponseRedirect(reverse("admin-review-groups"))
    group = waiting.group_of(seller.pk, codes, user=reviewer_of(request))
    taken = first_of(group)
    if not taken:
        messages.info(request, f"Nothing of {seller} waits for these reasons any more.")
        return HttpResponseRedirect(reverse("admin-review-groups"))
    form = GroupForm(request.POST or None, expected=len(taken))
    if request.method == "POST" and request.POST.get("seal") != seal(group):
        messages.warning(request, "The group changed since you looked. This is how it is now.")
        form = GroupForm(initial=request.POST.dict() | {"count": ""}, expected=len(taken))
    elif form.is_valid():
        return _decide(request, group, form)
    products = Product.objects.filter(pk__in=list(taken)[:SHOWN]).order_by("pk")
    return admin_page(
        request,
        "qc/review_group.html",
        f"{group.count} products of {seller}",
        group=group,
        seller=seller,
        seal=seal(group),
        expected=len(taken),
        is_part=group.count > MAX_AT_ONCE,
        products=_with_pictures(list(products)),
        more=len(taken) - SHOWN,
        form=form,
    )


def figures_page(request: HttpRequest) -> HttpResponse:
    """Show what waits, who decided what today, and which rules staff overturns."""
    return admin_page(
        request,
        "qc/review_figures.html",
        "Review figures",
        waiting=waiting.waiting_count(),
        since=review_figures.waiting_since(),
        today=review_figures.decided_today_by(),
        held=review_figures.held_now(),
        overturned=review_figures.overturned_by_code(),
        codes=waiting.reason_counts(),
    )


def _decide(request: HttpRequest, group: waiting.Group, form: GroupForm) -> HttpResponse:
    chosen, reason = form.cleaned_data["ruling"], form.cleaned_data["reason"]
    ruling = review.Ruling(
        Verdict.Decision.APPROVED if chosen == APPROVE else Verdict.Decision.REJECTED,
        actor=reviewer_of(request),
        reasons=[BY_CODE[chosen]] if chosen in BY_CODE else [],
        note=reason,
        is_as_found=chosen == AS_FOUND,
    )
    done = decide_group(group, ruling, reason=reason)
    messages.success(request, f"{done.decided} products {ruling.decision}.")
    if done.left:
        told = f"{done.left} changed meanwhile, or somebody looks at them: they still wait."
        messages.warning(request, told)
    return HttpResponseRedirect(reverse("admin-review-groups"))


def _with_pictures(products: list[Product]) -> list[tuple[Product, Picture | None]]:
    pictures: dict[int, Picture] = {}
    for picture in Picture.objects.filter(product__in=products).exclude(thumbnail="").order_by("-position"):
        pictures[picture.product_id] = picture
    return [(product, pictures.get(product.pk)) for product in products]
