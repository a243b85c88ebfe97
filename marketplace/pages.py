"""The pages that are no API and no admin."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.public_pages import public_page


@public_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what this is and where to go."""
    return render(request, "marketplace/home.html")
