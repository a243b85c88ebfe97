"""A seller's products by where they stand, and by what is wrong with them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.storable import storable_text
from marketplace.accounts.seller_pages import SellerRequest, seller_page
from marketplace.models import Picture, Product
from marketplace.products import matching_products, price_text, products_of
from qc.issues import TABS, Issue, issues_of, with_issue
from qc.pages.home import counts_of
from qc.wording import Chip, issue_title, status_chip

A_PAGE = 50
MAX_QUERY_CHARS = 200


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the list, with how many products it holds."""

    title: str
    address: str
    count: int
    is_here: bool


@dataclass(frozen=True, slots=True)
class IssueLink:
    """A reason that products of the tab have, and where the list of those is."""

    issue: Issue
    address: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One product of the list."""

    product: Product
    chip: Chip
    price: str
    picture: Picture | None
    reason: str
    more: int  # reasons beside the first


@require_safe
@seller_page
def products_page(request: SellerRequest) -> HttpResponse:
    """List the seller's products of one tab, those with one issue where it is named."""
    name = request.GET.get("tab", "all")
    tab = name if name in TABS else "all"
    code = storable_text(request.GET.get("issue", "")[:MAX_QUERY_CHARS])
    query = storable_text(request.GET.get("q", "")[:MAX_QUERY_CHARS]).strip()
    products = products_of(request.seller).filter(status__in=TABS[tab][1])
    if code:
        products = products.filter(with_issue(code))
    page = Paginator(matching_products(products, q=query), A_PAGE).get_page(request.GET.get("page"))
    counts = counts_of(request.seller)
    context = {
        "tab": tab,
        "tab_title": TABS[tab][0],
        "tabs": [
            Tab(title, address(it), sum(counts.get(status, 0) for status in statuses), it == tab)
            for it, (title, statuses) in TABS.items()
        ],
        "issues": [
            IssueLink(it, address(tab, issue=it.code), it.code == code) for it in issues_of(request.seller, tab=tab)
        ],
        "issue": issue_title(code) if code else "",
        "code": code,
        "q": query,
        "without_issue": address(tab, q=query),
        "lines": [line(product) for product in page.object_list],
        "page": page,
        "earlier": address(tab, issue=code, q=query, page=page.number - 1) if page.has_previous() else "",
        "later": address(tab, issue=code, q=query, page=page.number + 1) if page.has_next() else "",
    }
    return render(request, "qc/products.html", context)


def address(tab: str, *, issue: str = "", q: str = "", page: int = 1) -> str:
    """Return the address of a part of the list."""
    asked = {"tab": tab, "issue": issue, "q": q, "page": "" if page == 1 else str(page)}
    return f"{reverse('seller-products')}?{urlencode({name: it for name, it in asked.items() if it})}"


def line(product: Product) -> Line:
    """Return a product as the list shows it."""
    pictures = [picture for picture in product.pictures.all() if picture.thumbnail]
    return Line(
        product=product,
        chip=status_chip(product),
        price=price_text(product),
        picture=pictures[0] if pictures else None,
        reason=product.reasons[0]["message"] if product.reasons else "",
        more=max(0, len(product.reasons) - 1),
    )
