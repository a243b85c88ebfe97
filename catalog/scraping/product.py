"""`product`: one complete product, from its own page."""

from typing import Any

from catalog.paced_reading import PacedReader
from catalog.scraping.contract import Found, Order, Step, Taken
from catalog.scraping.pages import read_product
from catalog.scraping.shown import names_of, shown_evidence, shown_product


class ProductScraper:
    """Reads the page at the address, and nothing else."""

    def take(self, reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
        """Return the product with the evidence for each field.

        Raises:
            PageMalformed, PageNotFound: there is no product (permanent); and what `reader` raises.
        """
        page = read_product(reader, step.address)
        product = shown_product(
            page.content,
            address=page.address,
            html=page.html,
            with_images=order.extract_images,
            with_reviews=order.extract_reviews,
        )
        path = names_of(order.path)
        more: Found = {
            "source": page.source,
            "evidence": shown_evidence(page.evidence),
            "product": product,
            "products": [{"address": page.address, "categories": [path] if path else []}],
        }
        return Taken(more, message=f"read {page.content.title[:100]}")

    def summarise(self, order: Order, found: Found) -> dict[str, Any]:
        """Return the product in one line, and which of the fields that buyers need it has."""
        product = found.get("product")
        if product is None:
            return {"source": found.get("source", ""), "products": 0}
        needed = ("title", "price", "availability", *(["images"] if order.extract_images else []))
        has = {name: bool(product.get(name)) and product.get(name) != "unknown" for name in needed}
        return {
            "source": found["source"],
            "products": 1,
            "title": product["title"],
            "price": product["price"],
            "availability": product["availability"],
            "missing": [name for name, is_there in has.items() if not is_there],
        }
