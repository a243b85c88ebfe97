"""The public search: words and filters, products like one product, products that look like a picture."""

import base64
import logging
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from catalog.index import IndexFilter
from catalog.milvus import IndexMissing, IndexNotLoaded, IndexUnavailable
from catalog.pages.asked import MAX_PAGE, PAGE_SIZE, Asked, read_asked
from catalog.pages.presentation import Chip, card, search_context, starting_points
from catalog.pictures import MAX_BYTES, UnusablePicture, render_picture
from catalog.search.answers import Answer, Suggestion
from catalog.search.asking import Search, Sort
from catalog.search.pictures import search_by_picture
from catalog.search.searching import search_products
from catalog.search.showing import shown_products
from catalog.search.similar import NotShown, similar_products
from marketplace.public_pages import public_page

logger = logging.getLogger(__name__)

NBSP = "\u00a0"
SORTS = {
    Sort.RELEVANCE: "Best match",
    Sort.NEWEST: "Newest",
    Sort.PRICE: "Price, low to high",
    Sort.PRICE_DOWN: "Price, high to low",
}
NEWEST_FIRST = (Sort.RELEVANCE, Sort.NEWEST)  # without words
SHOWN_ALIKE = 24
MAX_FORM_BYTES = 64 * 1024  # what a form weighs beside its picture
INDEX_AWAY = (IndexUnavailable, IndexMissing, IndexNotLoaded)


@public_page
@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Show what was found, and what narrows it."""
    asked, problems = read_asked(request.GET)
    answer = search_products(asked.search())
    context = search_context(asked, answer) | {
        "problems": problems,
        "sorts": sorts(asked),
        "chosen_sort": Sort.RELEVANCE if asked.sort in NEWEST_FIRST and not asked.q else asked.sort,
        "took": took_text(answer.took_ms),
        "pages": None if answer.total_is_capped else min(MAX_PAGE, -(-answer.total // PAGE_SIZE)),
        "canonical_address": request.build_absolute_uri(asked.address(page=asked.page, sort=Sort.RELEVANCE)),
        "is_noindex": bool(asked.q or asked.is_filtered or problems or not answer.results),
        "is_live": True,
    }
    if not answer.results:
        context |= _ways_on(asked, answer)
    response = render(request, "catalog/search.html", context)
    if "HX-Request" in request.headers:
        response["HX-Push-Url"] = asked.address(page=asked.page)  # without the empty fields of the form
    return response


@public_page
@require_safe
def similar_page(request: HttpRequest, product_id: int) -> HttpResponse:
    """Show the products that are like one product."""
    product = shown_products([product_id]).first()
    if product is None:
        raise Http404
    context: dict[str, Any] = {"product": product}
    try:
        context["cards"] = [card(found) for found in similar_products(product_id, limit=SHOWN_ALIKE).results]
    except NotShown as error:
        raise Http404 from error
    except INDEX_AWAY as error:
        logger.warning("similar products cannot be shown: %s", error)
        return render(request, "catalog/similar.html", context | {"is_away": True}, status=503)
    return render(request, "catalog/similar.html", context)


@csrf_exempt  # it changes nothing and knows nobody; so the page needs no cookie
@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def image_page(request: HttpRequest) -> HttpResponse:
    """Ask for a picture, and show the products that look like it."""
    if request.method != "POST":
        return render(request, "catalog/image.html")
    picture, problem = _given_picture(request)
    if picture is None:
        return render(request, "catalog/image.html", {"problem": problem}, status=400)
    try:
        preview = preview_address(picture)
        answer = search_by_picture(picture, where=IndexFilter(), limit=SHOWN_ALIKE)
    except UnusablePicture as error:
        logger.info("a picture to search by cannot be read: %s", error)
        problem = "That file is no picture that we can read. JPEG, PNG, WebP, GIF and AVIF work."
        return render(request, "catalog/image.html", {"problem": problem}, status=400)
    except INDEX_AWAY as error:
        logger.warning("search by picture is away: %s", error)
        problem = "Search by picture is away just now. Try again in a minute, or search by words."
        return render(request, "catalog/image.html", {"problem": problem}, status=503)
    return render(request, "catalog/image.html", {"answer": answer, "preview": preview} | _results(answer))


def sorts(asked: Asked) -> list[tuple[str, str]]:
    """Return the orders to choose from.

    Without words newest comes first by itself: were it chosen by name, it would stay when words are asked for.
    """
    if asked.q:
        return [(sort.value, label) for sort, label in SORTS.items()]
    by_itself = (Sort.RELEVANCE.value, SORTS[Sort.NEWEST])
    return [by_itself, *((sort.value, label) for sort, label in SORTS.items() if sort not in NEWEST_FIRST)]


def took_text(took_ms: float) -> str:
    """Write a duration as people read it."""
    return f"{took_ms / 1000:.1f}{NBSP}s" if took_ms >= 1000 else f"{took_ms:.0f}{NBSP}ms"


def preview_address(picture: bytes) -> str:
    """Return a small copy of a picture as an address that holds it.

    Raises:
        UnusablePicture: it cannot be decoded, or is too large.
    """
    return f"data:image/webp;base64,{base64.b64encode(render_picture(picture).thumbnail).decode()}"


def _results(answer: Answer) -> dict[str, Any]:
    return {"cards": [card(found) for found in answer.results], "took": took_text(answer.took_ms)}


def _given_picture(request: HttpRequest) -> tuple[bytes | None, str]:
    """Return the picture of the form, or what is wrong with it."""
    too_large = f"That picture is too large: {MAX_BYTES // 1024**2} MB at most."
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > 2 * MAX_BYTES + MAX_FORM_BYTES:
        return None, too_large
    given = next((file for file in request.FILES.getlist("picture") if file.size), None)
    if given is None:
        return None, "Choose a picture first."
    if given.size is not None and given.size > MAX_BYTES:
        return None, too_large
    return given.read(), ""


def _ways_on(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return what helps whoever found nothing: other words, and categories to start from."""
    if asked.page > 1 and answer.total:
        return {"first_address": asked.address()}
    points = starting_points(search_products(Search(limit=1)))
    # Under filters it is they that leave nothing over, whatever else the words may mean.
    suggested = [] if asked.is_filtered else _suggested(answer.suggestions)
    return {"suggested": suggested, "starting_points": points}


def _suggested(suggestions: Sequence[Suggestion]) -> list[Chip]:
    return [
        Chip(
            each.text,
            reverse("product-page", args=[each.product_id]) if each.product_id else Asked(q=each.text).address(),
        )
        for each in suggestions
    ]
