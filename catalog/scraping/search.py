"""`search`: the products that a site's own search finds."""

from typing import Any

from catalog.paced_reading import PacedReader
from catalog.replies import Reply
from catalog.scraping.contract import PRODUCT, RESULTS, START, WORKING, Found, Order, Step, Taken
from catalog.scraping.pages import read_product
from catalog.scraping.shown import shown_evidence, shown_product
from catalog.scraping.site_search import (
    OPENSEARCH,
    SearchWay,
    find_search,
    links_of,
    next_page_of,
    read_description,
    read_results,
)
from catalog.sources import known
from catalog.sources.source import Clues, PageMalformed

MAX_ELSEWHERE = 2_000
MAX_READ_A_PAGE = 20  # results whose pages are read, of one page of results


class SearchScraper:
    """Finds the site's search, asks it, and reads what it links to; what turns out to be no product is left out."""

    def take(self, reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
        """Find the search, read a page of results, or read one result.

        Raises:
            SearchNotFound: the page has no search (permanent); and what `reader` raises.
        """
        if step.kind == START:
            return _begin(reader, order, step)
        if step.kind == RESULTS:
            return _results(reader, order, step, found)
        return _product(reader, order, step)

    def summarise(self, order: Order, found: Found) -> dict[str, Any]:
        """Count what the search found, and what of it was read."""
        products = found.get("products", [])
        return {
            "source": found.get("source", ""),
            "query": order.query,
            "products": len(products),
            "titles": [it["content"]["title"] for it in products if "content" in it][:20],
            "pages": len(found.get("searches", [])),
            "skipped": found.get("skipped", {}),
            "left": found.get("left", 0),
        }


def _begin(reader: PacedReader, order: Order, step: Step) -> Taken:
    reply = reader.get(step.address)
    way = find_search(reply.text, reply.address)
    if way.is_description:
        described = reader.get(way.address, accept=f"{OPENSEARCH},application/xml;q=0.9,*/*;q=0.1")
        way = read_description(described.body, described.address)
    evidence = known.probe(_clues(reply))
    found: Found = {
        "source": evidence[0].source if evidence else "",
        "evidence": shown_evidence(evidence),
        "search": {"found_by": way.evidence, "address": way.address},
        WORKING: {"elsewhere": list(links_of(reply.text, reply.address))[:MAX_ELSEWHERE]},
    }
    following = [Step(RESULTS, SearchWay(way.address, way.evidence).address_for(order.query))]
    return Taken(found, following, message=f"found the site's search ({way.evidence})", has_read_list=False)


def _results(reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
    reply = reader.get(step.address)
    elsewhere = found.get(WORKING, {}).get("elsewhere", [])
    results = read_results(reply.text, reply.address, query=order.query, elsewhere=elsewhere)
    skipped = {"search.beyond_the_first": len(results) - MAX_READ_A_PAGE} if len(results) > MAX_READ_A_PAGE else {}
    following = [Step(PRODUCT, it.address) for it in results[:MAX_READ_A_PAGE]]
    next_page = next_page_of(reply.text, reply.address)
    if next_page:
        following.append(Step(RESULTS, next_page))
    more: Found = {"searches": [{"address": step.address, "results": len(results)}], "skipped": skipped}
    return Taken(more, following, message=f"{len(results)} results on {step.address[:200]}")


def _product(reader: PacedReader, order: Order, step: Step) -> Taken:
    try:
        page = read_product(reader, step.address)
    except PageMalformed:
        return Taken({"skipped": {"search.not_a_product": 1}}, message=f"no product on {step.address[:200]}")
    content = shown_product(
        page.content,
        address=page.address,
        html=page.html,
        with_images=order.extract_images,
        with_reviews=order.extract_reviews,
    )
    found: Found = {
        "source": page.source,
        "products": [{"address": page.address, "categories": [], "content": content}],
    }
    return Taken(found, message=f"read {page.content.title[:100]}")


def _clues(reply: Reply) -> Clues:
    return Clues(reply.address, reply.text, reply.headers, reply.cookies, is_fetched=True)
