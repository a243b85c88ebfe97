"""The front page: where to search, where to start, and what is new."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.pages.presentation import card, starting_points
from catalog.search.asking import Search
from catalog.search.searching import search_products
from marketplace.public_pages import public_page

SHOWN_NEW = 12


@public_page
@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Show what this is, what is new in it, and where to go."""
    newest = search_products(Search(limit=SHOWN_NEW))
    context = {
        "cards": [card(found) for found in newest.results],
        "total": newest.total,
        "starting_points": starting_points(newest),
    }
    return render(request, "catalog/home.html", context)
