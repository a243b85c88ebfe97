"""The public search: words and filters, products like one product, products that look like a picture."""

import base64
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from catalog.api.search import MAX_PICTURE_BYTES, MULTIPART_BYTES, picture_token
from catalog.index import IndexFilter
from catalog.pages.asked import MAX_PAGE, PAGE_SIZE, Asked, read_asked
from catalog.pages.presentation import Chip, card, search_context, starting_points
from catalog.pictures import OversizedPicture, UnusablePicture, render_picture
from catalog.search.answers import Answer, Suggestion
from catalog.search.asking import Search, Sort
from catalog.search.pictures import search_by_picture
from catalog.search.searching import search_products
from catalog.search.similar import NotShown, similar_products
from catalog.showing import shown_products
from marketplace.public_pages import public_page
from marketplace.throttling import TokenBucketThrottle

NBSP = "\u00a0"
SORTS = {
    Sort.RELEVANCE: "Best match",
    Sort.NEWEST: "Newest",
    Sort.PRICE: "Price, low to high",
    Sort.PRICE_DOWN: "Price, high to low",
}
NEWEST_FIRST = (Sort.RELEVANCE, Sort.NEWEST)  # without words
SHOWN_ALIKE = 24
TOO_LARGE = f"That picture is too large: {MAX_PICTURE_BYTES // 2**20} MB and 64 megapixels at most."
UNREADABLE = "That file is no picture that we can read. JPEG, PNG, WebP, GIF and AVIF work."


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
    product = shown_products([product_id]).get(product_id)
    if product is None:
        raise Http404
    try:
        answer = similar_products(product_id, limit=SHOWN_ALIKE)
    except NotShown as error:
        raise Http404 from error
    return render(request, "catalog/similar.html", {"product": product} | _results(answer))


@csrf_exempt  # it changes nothing and knows nobody; so the page needs no cookie
@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def image_page(request: HttpRequest) -> HttpResponse:
    """Ask for a picture, and show the products that look like it."""
    if request.method != "POST":
        return render(request, "catalog/image.html")
    taken = picture_token(TokenBucketThrottle().get_ident(request))  # type: ignore[arg-type]
    if taken is not None and not taken.is_allowed:
        problem = f"That were many pictures at once. Wait {taken.retry_after_s} s, then try again."
        return _refused(request, problem, status=429)
    picture, problem = _given_picture(request)
    if picture is None:
        return _refused(request, problem)
    try:
        preview = preview_address(picture)
        answer = search_by_picture(picture, where=IndexFilter(), limit=SHOWN_ALIKE)
    except OversizedPicture:
        return _refused(request, TOO_LARGE)
    except UnusablePicture:
        return _refused(request, UNREADABLE)
    return render(request, "catalog/image.html", {"preview": preview} | _results(answer))


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
    return {
        "answer": answer,
        "cards": [card(found) for found in answer.results],
        "took": took_text(answer.took_ms),
    }


def _refused(request: HttpRequest, problem: str, *, status: int = 400) -> HttpResponse:
    return render(request, "catalog/image.html", {"problem": problem}, status=status)


def _given_picture(request: HttpRequest) -> tuple[bytes | None, str]:
    """Return the picture of the form, or what is wrong with it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_PICTURE_BYTES + MULTIPART_BYTES:
        return None, TOO_LARGE
    given = next((file for file in request.FILES.getlist("picture") if file.size), None)
    if given is None:
        return None, "Choose a picture first."
    if given.size is not None and given.size > MAX_PICTURE_BYTES:
        return None, TOO_LARGE
    return given.read(), ""


def _ways_on(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return what helps whoever found nothing: what else the words may mean, and categories to start from."""
    if asked.page > 1 and answer.total:
        return {"first_address": asked.address()}
    points = starting_points(search_products(Search(limit=1)))
    # Under filters it is they that leave nothing over, whatever else the words may mean.
    suggested = [] if asked.is_filtered else _suggested(answer.suggestions)
    return {"suggested": suggested, "starting_points": points}


def _suggested(suggestions: Sequence[Suggestion]) -> list[Chip]:
    """Return where suggestions lead; categories stand apart."""
    return [
        Chip(
            each.text,
            reverse("product-page", args=[each.product_id]) if each.product_id else Asked(q=each.text).address(),
        )
        for each in suggestions
        if each.kind != "category"
    ]
