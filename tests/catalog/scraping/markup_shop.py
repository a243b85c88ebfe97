"""A small shop with schema.org markup: categories with pages, a search of its own, products with reviews."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.sample_shop import Answer, small_site

PRODUCTS = {
    "1": ("Red lamp", "19.90", "lamps"),
    "2": ("Blue lamp", "24.50", "lamps"),
    "3": ("Green lamp", "12.00", "lamps"),
    "4": ("Red chair", "80.00", "chairs"),
}
PAGE = 2  # products a page of a category


@dataclass
class MarkupShop:
    """What the shop says of itself, and what it was asked."""

    site: str = ""
    search: str = "form"  # form, json-ld, opensearch, none
    asked: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Serve one address."""
        self.asked.append(path)
        url = urlsplit(path)
        if path in self.failing:
            return 404, {}, b""
        if url.path == "/robots.txt":
            return (
                200,
                {"Content-Type": "text/plain"},
                f"User-agent: *\nDisallow: /private\nSitemap: {self.site}/s.xml\n".encode(),
            )
        if url.path == "/opensearch.xml":
            return 200, {"Content-Type": "application/opensearchdescription+xml"}, self._description()
        parts = url.path.strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/":
            body = self._front()
        elif parts[0] == "c" and len(parts) == 2:
            body = self._category(parts[1], int(query.get("page", 1)))
        elif parts[0] == "p" and parts[1] in PRODUCTS:
            body = self._product(parts[1])
        elif url.path == "/find":
            body = self._results(query.get("what", ""))
        elif url.path in ("/about", "/private"):
            body = "<p>We sell lamps.</p>"
        else:
            return 404, {}, b""
        page = (
            f"<!doctype html><html><head>{self._head(parts[0] == 'p')}</head><body>{self._chrome()}{body}</body></html>"
        )
        return 200, {"Content-Type": "text/html; charset=utf-8"}, page.encode()

    def _head(self, is_product: bool) -> str:
        if self.search == "json-ld":
            target = {"@type": "EntryPoint", "urlTemplate": f"{self.site}/find?what={{search_term_string}}"}
            website = {"@type": "WebSite", "potentialAction": [{"@type": "SearchAction", "target": target}]}
            return _json_ld(website)
        if self.search == "opensearch":
            return '<link rel="search" type="application/opensearchdescription+xml" href="/opensearch.xml">'
        return ""

    def _chrome(self) -> str:
        links = '<nav><a href="/">Home</a><a href="/c/lamps">Lamps</a><a href="/c/chairs">Chairs</a></nav>'
        field_ = (
            '<form role="search" action="/find"><input type="hidden" name="in" value="shop"><input name="what"></form>'
        )
        return links + (field_ if self.search == "form" else "")

    def _front(self) -> str:
        return '<title>Lamp House</title><main><a href="/p/1">Red lamp</a><a href="/about">About us</a></main>'

    def _category(self, slug: str, page: int) -> str:
        own = [pk for pk, (_, _, category) in PRODUCTS.items() if category == slug]
        shown = own[(page - 1) * PAGE : page * PAGE]
        items = "".join(f'<a href="/p/{pk}">{PRODUCTS[pk][0]}</a>' for pk in shown)
        more = f'<a rel="next" href="/c/{slug}?page={page + 1}">next</a>' if page * PAGE < len(own) else ""
        crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"name": "Home"}, {"item": {"name": slug.title()}}]}
        return (
            f'<meta name="description" content="All {slug}"><title>{slug.title()} | Lamp House</title>'
            f"<h1>{slug.title()}</h1><main>{items}{more}</main>{_json_ld(crumbs)}"
        )

    def _product(self, pk: str) -> str:
        title, price, _ = PRODUCTS[pk]
        rating = {"@type": "AggregateRating", "ratingValue": "4,5", "reviewCount": 12}
        return (
            f'<meta property="og:title" content="{title}"><meta property="product:price:amount" content="{price}">'
            '<meta property="product:price:currency" content="EUR"><meta property="og:availability" content="in stock">'
            f'<meta property="og:image" content="{self.site}/i/{pk}.jpg">'
            f"{_json_ld({'@type': 'Product', 'name': title, 'aggregateRating': rating})}<h1>{title}</h1>"
        )

    def _results(self, query: str) -> str:
        hits = [pk for pk, (title, _, _) in PRODUCTS.items() if query.lower() in title.lower()]
        items = "".join(f'<a href="/p/{pk}">{PRODUCTS[pk][0]}</a>' for pk in hits)
        return f'<main>{items}<a href="/about">About us</a><a href="/help">Help with {query}</a></main>'

    def _description(self) -> bytes:
        return (
            '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
            f'<Url type="application/json" template="{self.site}/api?q={{searchTerms}}"/>'
            f'<Url type="text/html" template="{self.site}/find?what={{searchTerms}}&amp;page={{startPage?}}"/>'
            "</OpenSearchDescription>"
        ).encode()


def _json_ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


@contextmanager
def markup_shop(search: str = "form") -> Iterator[MarkupShop]:
    """Serve the shop on loopback."""
    shop = MarkupShop(search=search)
    with small_site(shop.answer) as site:
        shop.site = site
        yield shop
