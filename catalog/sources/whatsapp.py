"""WhatsApp's public catalogs.

A catalog's address is wa.me/c/<digits>, www.whatsapp.com/catalog/<digits>/ or api.whatsapp.com/c/<digits>; a product's
is wa.me/p/<product id>/<digits> or www.whatsapp.com/product/<product id>/<digits>/, a page with Open Graph data.
The digits are the shop's phone number. WhatsApp itself shows most catalogs only inside its application: then there is
nothing to list, and the seller is told what to do instead. Nothing is ever made up.
"""

import re
from dataclasses import dataclass, replace

from django.conf import settings
from yarl import URL

from catalog.reading import SiteReader
from catalog.replies import PageNotFound
from catalog.scrolling import scroll_through
from catalog.sources.open_graph import read_open_graph
from catalog.sources.source import (
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    ListIncomplete,
    Listing,
    ListPage,
)

NAME = "whatsapp"
OWN_HOSTS = frozenset({"wa.me", "www.whatsapp.com", "api.whatsapp.com"})

_CATALOG = re.compile(r"/(?:c|catalog)/(?P<digits>\d{6,20})(?:/(?P<slug>[\w%.~-]{1,200}))?/?")
PRODUCT = "product"  # the kind of a list that is one product's page

_PRODUCT = re.compile(r"/(?:p|product)/(?P<id>\d{1,40})/(?P<digits>\d{6,20})/?")


@dataclass(frozen=True, slots=True)
class WhatsAppSource:
    """Reads catalogs at WhatsApp's addresses, and at the hosts that settings.WHATSAPP_HOSTS names."""

    name: str = NAME
    reads_pages: bool = True

    def probe(self, clues: Clues) -> Evidence | None:
        """Recognise a catalog by its exact host and its path; query, fragment and credentials are dropped."""
        product = self.product_at(clues.address)
        if product is None:
            return self._recognise(clues.address)
        host = URL(product.address).host
        return Evidence(self.name, product.address, f"{host} serves WhatsApp catalogs, and the path names one product")

    def product_at(self, address: str) -> ListedProduct | None:
        """Return the product that an address names by its exact host and its path."""
        url = _own_url(address)
        match = _PRODUCT.fullmatch(url.raw_path) if url else None
        if url is None or match is None:
            return None
        return ListedProduct(f"{self.name}:{match['id']}", _normalised(url, url.raw_path.rstrip("/")))

    def start(self, reader: SiteReader, clues: Clues) -> list[ListPage]:
        """Begin with the catalog's own page, or with the one product that the address names."""
        return [ListPage(self.name, clues.address, kind=PRODUCT if self.product_at(clues.address) else "")]

    def _recognise(self, address: str) -> Evidence | None:
        url = _own_url(address)
        match = _CATALOG.fullmatch(url.raw_path) if url else None
        if url is None or match is None:
            return None
        start = "catalog" if url.host == "www.whatsapp.com" else "c"
        path = f"/{start}/{match['digits']}" + (f"/{match['slug']}" if match["slug"] else "")
        return Evidence(
            source=self.name,
            address=_normalised(url, path),
            reason=f"{url.host} serves WhatsApp catalogs, and the path names shop {match['digits']}",
        )

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Scroll through one list page and return the products and collections that it links to."""
        if page.kind == PRODUCT:
            product = self.product_at(page.address)
            return Listing(page.address, [product] if product else [])
        digits = _digits_of(page.address)
        pattern = rf"/(p|product)/\d+/{digits}/?$"
        seen = reader.browse(page.address, lambda tab: scroll_through(tab, page.address, item_pattern=pattern))
        products: dict[str, ListedProduct] = {}
        lists: dict[str, ListPage] = {}
        for link in seen.links:
            url = _own_url(link.address)
            if url is None:
                continue
            if (match := _PRODUCT.fullmatch(url.raw_path)) and match["digits"] == digits:
                found = ListedProduct(f"{self.name}:{match['id']}", str(url.with_query(None).with_fragment(None)))
                products.setdefault(found.external_id, found)
            elif (match := _CATALOG.fullmatch(url.raw_path)) and match["digits"] == digits and match["slug"]:
                inner = self._recognise(link.address)
                # A collection's own links to others lead nowhere new.
                if inner is not None and link.text and not page.paths:
                    step = CategoryStep(link.text[:200], inner.address)
                    lists.setdefault(inner.address, ListPage(self.name, inner.address, paths=((step,),)))
        if seen.total is not None and len(products) < seen.total:
            raise ListIncomplete(f"{page.address} shows {len(products)} products, but says that it has {seen.total}")
        return Listing(page.address, list(products.values()), list(lists.values()), seen.total)

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Read a product's Open Graph data; WhatsApp says "Page Not Found" there, with status 200.

        Its own pages have properties for title, description and picture, none for a price.
        """
        product = read_open_graph(html, address)
        if product.title == "Page Not Found":
            raise PageNotFound(f"{address} says that there is no such product")
        if product.price is None and URL(address).host in OWN_HOSTS:
            return replace(product, not_carried=["price"])
        return product


def _own_url(address: str) -> URL | None:
    """Return the address without credentials, if it is one of a host that serves WhatsApp catalogs."""
    try:
        url = URL(address.strip())
        port = url.port
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host:
        return None
    url = url.with_user(None)
    is_own = url.host in OWN_HOSTS and port in (80, 443)
    is_named = not {url.host, f"{url.host}:{port}"}.isdisjoint(settings.WHATSAPP_HOSTS)
    return url if is_own or is_named else None


def _normalised(url: URL, path: str) -> str:
    """Return the address of a path at this host; WhatsApp's own hosts are asked by https."""
    is_own = url.host in OWN_HOSTS
    scheme = "https" if is_own else url.scheme
    return f"{scheme}://{url.host if is_own else url.host_port_subcomponent}{path}"


def _digits_of(address: str) -> str:
    match = _CATALOG.fullmatch(URL(address).raw_path)
    return match["digits"] if match else ""
