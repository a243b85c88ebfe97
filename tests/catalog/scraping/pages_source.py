"""A source for the markup shop, as small as one can be: categories in its navigation, pages by rel=next."""

import re
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from catalog.reading import SiteReader
from catalog.sources.open_graph import read_open_graph
from catalog.sources.source import (
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
)


class PagesSource:
    """Reads a shop whose categories stand at /c/ and whose products stand at /p/."""

    name = "pages"

    def probe(self, clues: Clues) -> Evidence | None:
        if not clues.is_fetched:
            return None
        return Evidence(self.name, clues.address, "its navigation names categories", weight=40)

    def start(self, reader: SiteReader, clues: Clues) -> Sequence[ListPage] | None:
        found = re.findall(r'<a href="(/c/[a-z]+)">(\w+)</a>', clues.html.partition("</nav>")[0])
        return [
            ListPage(self.name, place, "category", ((CategoryStep(name, place),),))
            for link, name in found
            if (place := urljoin(clues.address, link))
        ] or None

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        html = reader.get(page.address).text.partition("</nav>")[2]
        products = [
            ListedProduct(f"pages:{link.rpartition('/')[2]}", urljoin(page.address, link))
            for link in re.findall(r'href="(/p/\d+)"', html)
        ]
        following = re.search(r'rel="next" href="([^"]+)"', html)
        lists = (
            [ListPage(page.source, urljoin(page.address, following[1]), "category", page.paths)] if following else []
        )
        return Listing(page.address, products, lists)

    def extract(self, html: str, address: str) -> ExtractedProduct:
        assert urlsplit(address).scheme
        return read_open_graph(html, address)
