"""`category_search`: a category's metadata, its products' addresses page by page, and the categories below it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from catalog.discovery import read_list, start_reading
from catalog.extraction.json_ld import types
from catalog.models import ScrapingJob
from catalog.paced_reading import PacedReader
from catalog.ratings import json_ld_nodes
from catalog.scraping.contract import LIST, START, Found, Order, Step, Taken
from catalog.scraping.shown import shown_evidence, shown_listing, tree_size
from catalog.sources.source import Listing, ListPage

OTHER_CATEGORY = "category.another"


class CategorySearchScraper:
    """Reads the lists at the address: first the category's own pages, then, as far as max_pages goes, those below."""

    def take(self, reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
        """Read one page of a list.

        Raises:
            UnsupportedAddress, CatalogNotPublic: permanent; and what `reader` raises.
        """
        if step.kind != START:
            return _read(reader, order, _page_of(step))
        start = start_reading(reader, step.address)
        lists = lists_at(start.lists, step.address)
        more: Found = {
            "source": start.source,
            "evidence": shown_evidence(start.evidence),
            "category": category_metadata(reader, order, step.address),
        }
        if len(lists) == 1:
            return _read(reader, order, lists[0], is_start=True, found=more)
        following = [list_step(page) for page in lists]
        return Taken(more, following, message=f"found {len(lists)} lists", has_read_list=False)

    def summarise(self, order: Order, found: Found) -> dict[str, Any]:
        """Count products, lists and categories."""
        return summarise_lists(found, of_whole_site=False) | {"category": found.get("category", {}).get("name", "")}


def summarise_lists(found: Found, *, of_whole_site: bool) -> dict[str, Any]:
    """Count what lists showed: products, those that the site says there are, pages read, categories, what was left."""
    lists = found.get("lists", [])
    own = [it for it in lists if not it["categories"]] if of_whole_site else lists
    totals = [it["total"] for it in own if it.get("total") is not None]
    return {
        "source": found.get("source", ""),
        "products": len(found.get("products", [])),
        "total": totals[0] if totals else None,
        "pages": sum("products" in it for it in lists),
        "categories": tree_size(found.get("categories", [])),
        "skipped": found.get("skipped", {}),
        "left": found.get("left", 0),
    }


def list_step(page: ListPage) -> Step:
    """Return the step that reads a list."""
    return Step(LIST, page.address, page)


def _page_of(step: Step) -> ListPage:
    if step.page is None:
        raise ValueError(f"a step of kind {step.kind} names no list")
    return step.page


def _read(
    reader: PacedReader, order: Order, page: ListPage, *, is_start: bool = False, found: Found | None = None
) -> Taken:
    listing = read_list(reader, page, is_start=is_start)
    if order.scraping_type == ScrapingJob.Type.CATEGORY_SEARCH:
        listing = within(listing, page, order.target_url)
    more = shown_listing(page, listing, extra_path=order.path, with_images=order.extract_images)
    following = [list_step(it) for it in _in_order(page, listing)]
    message = f"{len(listing.products)} products on {page.address[:200]}"
    return Taken({**(found or {}), **more}, following, message)


def _in_order(page: ListPage, listing: Listing) -> list[ListPage]:
    """Put the further pages of the same category before the categories below it."""
    return sorted(listing.lists, key=lambda it: it.paths != page.paths)


def lists_at(lists: Sequence[ListPage], address: str) -> Sequence[ListPage]:
    """Return those of a site's lists that are of the category at the address; all of them where none is.

    A list is of the category when it stands at the address or below it, or when the last of a path leads there.
    """
    place = _place(address)
    if place[1] in ("", "/"):
        return lists
    chosen = [page for page in lists if any(_is_at(it, place) for it in (page.address, *_ends(page)))]
    return chosen or lists


def within(listing: Listing, page: ListPage, address: str) -> Listing:
    """Return of a list of the whole site what is in the category at the address, where the source tells that.

    A source tells it whose products carry categories with addresses; of another's list all is returned.
    """
    place = _place(address)
    is_own = place[1] in ("", "/") or _is_at(page.address, place) or any(_is_at(it, place) for it in _ends(page))
    if is_own or not any(step.address for product in listing.products for path in product.paths for step in path):
        return listing
    kept = [
        product
        for product in listing.products
        if any(step.address and _is_at(step.address, place) for path in product.paths for step in path)
    ]
    left_out = len(listing.products) - len(kept)
    skipped = {**listing.skipped, OTHER_CATEGORY: left_out} if left_out else listing.skipped
    return replace(listing, products=kept, total=None, skipped=skipped)


def _ends(page: ListPage) -> list[str]:
    return [path[-1].address for path in page.paths if path and path[-1].address]


def _place(address: str) -> tuple[str, str]:
    url = URL(address)
    return url.host_port_subcomponent or "", url.path.rstrip("/")


def _is_at(address: str, place: tuple[str, str]) -> bool:
    try:
        host, path = _place(address)
    except ValueError:
        return False
    return host == place[0] and (path == place[1] or path.startswith(f"{place[1]}/"))


def category_metadata(reader: PacedReader, order: Order, address: str) -> dict[str, Any]:
    """Return what is known of the category: what was asked for, else what its page says, where it was read."""
    told: dict[str, Any] = {
        "address": address,
        "name": order.category_name or (order.path[-1].name if order.path else ""),
        "parent": order.parent_category or (order.path[-2].name if len(order.path) > 1 else ""),
        "path": [step.name for step in order.path],
    }
    reply = reader.seen(address)
    if reply is None:
        return told
    tree = LexborHTMLParser(reply.text)
    crumbs = _breadcrumbs(tree)
    told["name"] = told["name"] or _text(tree, "h1") or (crumbs[-1] if crumbs else "") or _text(tree, "title")
    described = tree.css_first('meta[name="description"]')
    canonical = tree.css_first('link[rel="canonical"]')
    return told | {
        "title": _text(tree, "title"),
        "description": ((described and described.attributes.get("content")) or "").strip()[:2_000],
        "canonical_address": ((canonical and canonical.attributes.get("href")) or "")[:2_000],
        "breadcrumbs": crumbs,
    }


def _text(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return "" if node is None else " ".join(node.text().split())[:200]


def _breadcrumbs(tree: LexborHTMLParser) -> list[str]:
    """Return the names of the page's schema.org BreadcrumbList, from the root."""
    for node in json_ld_nodes(tree):
        entries = node.get("itemListElement")
        if "breadcrumblist" in types(node) and isinstance(entries, list):
            return [name[:200] for entry in entries if (name := _crumb(entry))]
    return []


def _crumb(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    item = entry.get("item")
    name = entry.get("name") or (item.get("name") if isinstance(item, dict) else "")
    return str(name or "").strip()
