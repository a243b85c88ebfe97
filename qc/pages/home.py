"""The first page of a seller: what needs a hand, what is being worked on, and how the last sync went."""

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace import syncs
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.models import Product, Seller, SyncRun
from qc.appeals import open_appeals
from qc.issues import HELD_BACK, issues_of

Status = Product.Status


@require_safe
@seller_page
def home_page(request: SellerRequest) -> HttpResponse:
    """Show where the seller stands."""
    counts = counts_of(request.seller)
    last = SyncRun.objects.filter(seller=request.seller).first()
    issues = issues_of(request.seller)
    context = {
        "live": counts.get(Status.LIVE, 0),
        "needs_action": sum(counts.get(status, 0) for status in HELD_BACK),
        "working_on": counts.get(Status.FLAGGED, 0) + counts.get(Status.PENDING, 0),
        "open_appeals": open_appeals().filter(seller=request.seller).count(),
        "issues": [it for it in issues if not it.is_advice],
        "advice": [it for it in issues if it.is_advice],
        "total": sum(counts.values()),
        "last_sync": last,
        "progress": syncs.progress(last) if last else None,
    }
    return render(request, "qc/home.html", context)


def counts_of(seller: Seller) -> dict[str, int]:
    """Count the seller's products by status."""
    rows = Product.objects.filter(seller=seller).order_by().values_list("status")
    return dict(rows.annotate(count=Count("pk")))
