"""Suggestions for somebody who has begun to write."""

from catalog.search.answers import Suggestion
from catalog.search.showing import searchable_products

MAX_SUGGESTIONS = 20


def suggest(text: str, *, limit: int = 8) -> list[Suggestion]:
    """Suggest what begins like the text, the likeliest first; nothing for nothing."""
    words = " ".join(text.replace("\0", " ").split())
    if not words:
        return []
    titles = searchable_products().filter(title__istartswith=words).order_by("title", "pk").values_list("title", "pk")
    return [Suggestion(text=title, kind="product", product_id=pk) for title, pk in titles[:limit]]
