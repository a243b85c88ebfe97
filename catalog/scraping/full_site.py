"""`full_site`: what a site is (its intelligence), its categories, and how much its catalog holds."""

from typing import Any

from catalog.discovery import start_reading
from catalog.paced_reading import PacedReader
from catalog.robots import Rules
from catalog.scraping.category_search import CategorySearchScraper, list_step, summarise_lists
from catalog.scraping.contract import START, Found, Order, Step, Taken
from catalog.scraping.shown import shown_evidence, shown_list, tree_of, tree_size
from catalog.sources.source import CategoryPath


class FullSiteScraper(CategorySearchScraper):
    """Looks at the site, then reads its lists as far as max_pages goes; the whole catalog is a sync's to read."""

    def take(self, reader: PacedReader, order: Order, step: Step, found: Found) -> Taken:
        """Look at the site, or read one of its lists.

        Raises:
            UnsupportedAddress, CatalogNotPublic: permanent; and what `reader` raises.
        """
        if step.kind != START:
            return super().take(reader, order, step, found)
        start = start_reading(reader, step.address)
        paths: dict[CategoryPath, int | None] = {path: None for page in start.lists for path in page.paths if path}
        more: Found = {
            "source": start.source,
            "evidence": shown_evidence(start.evidence),
            "robots": shown_rules(reader.rules(step.address)) if order.respect_robots_txt else None,
            "categories": tree_of(paths),
            "lists": [shown_list(page) for page in start.lists],
        }
        message = f"{start.source}: {len(start.lists)} lists, {tree_size(more['categories'])} categories"
        return Taken(more, [list_step(page) for page in start.lists], message, has_read_list=False)

    def summarise(self, order: Order, found: Found) -> dict[str, Any]:
        """Count categories, lists, and the products seen so far."""
        return summarise_lists(found, of_whole_site=True)


def shown_rules(rules: Rules) -> dict[str, Any]:
    """Return what robots.txt says to us: the pace it asks for, and its sitemaps."""
    return {
        "has_rules": rules.parsed is not None,
        "crawl_delay_s": rules.crawl_delay_s,
        "sitemaps": [it[:2_000] for it in rules.sitemaps][:100],
    }
