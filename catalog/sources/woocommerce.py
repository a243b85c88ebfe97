"""WooCommerce shops, by the Store API that every one of them answers unless its owner has closed it.

`products/categories` confirms that it is such a shop, and is its tree of categories; `products` lists all, a hundred a
page, with the number of pages in a header. WordPress may stand in a folder, and may have no pretty addresses: then the
route is a parameter. Where the API is closed, WordPress' sitemaps name the pages of products and of categories.
A list that shows only addresses knows a product by its address; see ListedProduct.alias.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from catalog.extraction.document import absolute
from catalog.platforms import WOOCOMMERCE, probe_platform
from catalog.reading import SiteReader
from catalog.sitemaps.names import product_rank
from catalog.sources.archives import read_archive
from catalog.sources.interfaces import Answer, InterfaceClosed, items_of, read_json, text_of
from catalog.sources.sitemap_lists import SitemapFile, find_sitemap, read_sitemap_file
from catalog.sources.source import (
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
)
from catalog.sources.woocommerce_pages import read_product_page
from catalog.sources.woocommerce_products import Tree, paths_of, read_product, tree_of

PAGE = 100  # the most that one page shows
BLOCK = 10  # pages that are named at once
VARIATION_REQUESTS = 8  # in one job; the products beyond are read by following jobs
MAX_TREE_BYTES = 200_000  # carried from list to list; a larger tree is read anew for each
MAX_ARCHIVE_PAGES = 400

PRODUCTS, VARIABLE, ARCHIVE, SITEMAP = "products", "variable", "archive", "sitemap"
NAMESPACES = ("wc/store/v1", "wc/store")  # the second: before WooCommerce 6.4
SITEMAPS = ("wp-sitemap.xml", "sitemap_index.xml", "sitemap.xml")  # WordPress, Yoast and Rank Math, others
SKIPPED_BROKEN = "a product without id, address or name"
SKIPPED_SHOP_PAGE = "an address above those of products: the shop's own page"
# WooCommerce's templates and blocks; a sub-category is shown as a card among the products.
CARDS = "li.product:not(.product-category), .wc-block-product, .wc-block-grid__product"
TRAIL = ".woocommerce-breadcrumb"

_API_LINK = re.compile(r"<([^<>]+)>\s*;\s*rel=\"?https://api\.w\.org/")
_PLUGIN = re.compile(r"""["'](https?:[^"'\s]{1,200}?/|/[^"'\s]{0,200}?)wp-content/plugins/woocommerce/""")


@dataclass(frozen=True, slots=True)
class WooCommerceSource:
    """Reads WooCommerce shops."""

    name: str = WOOCOMMERCE
    reads_pages: bool = True

    def probe(self, clues: Clues) -> Evidence | None:
        """Weigh what the page shows of WooCommerce."""
        return probe_platform(WOOCOMMERCE, clues)

    def start(self, reader: SiteReader, clues: Clues) -> Sequence[ListPage] | None:
        """Confirm by the tree of categories, or where the API is closed by the sitemap; None without either."""
        home = home_of(clues)
        for root in _rest_roots(clues, home):
            for namespace in NAMESPACES:
                api = f"{root}{namespace}/"
                try:
                    categories = self._categories(reader, api)
                except InterfaceClosed:
                    continue  # the next way to write the route may be the shop's
                cursor = {"api": api, "page": 1, "last": 1, "tree": _carried(categories)}
                return [self._products(cursor)]
        found = find_sitemap(reader, home, places=SITEMAPS)
        return self._files(found) or None if found else None

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one list: of products, of the variable ones among them, a category's own page, or a sitemap's file."""
        match page.kind:
            case "archive":
                return self._read_archive(reader, page)
            case "sitemap":
                return self._read_sitemap(reader, page)
            case _:
                return self._read_products(reader, page)

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Read a product's page."""
        return read_product_page(html, address)

    def _categories(self, reader: SiteReader, api: str) -> Tree:
        answer = read_json(reader, rest_address(api, "products/categories"))
        if not isinstance(answer.data, list):
            raise InterfaceClosed(f"{answer.reply.address} answers with something else than a list")
        return tree_of(items_of(answer.data))

    def _products(self, cursor: Mapping[str, Any]) -> ListPage:
        # By id: a product that is added meanwhile comes last, and moves no other to a page that was read.
        query = {"per_page": PAGE, "page": cursor["page"], "orderby": "id", "order": "asc"}
        return ListPage(self.name, rest_address(cursor["api"], "products", **query), PRODUCTS, cursor=cursor)

    def _read_products(self, reader: SiteReader, page: ListPage) -> Listing:
        answer = read_json(reader, page.address)
        items = items_of(answer.data)
        tree = _tree_in(page.cursor)
        if tree is None:
            tree = self._categories(reader, page.cursor["api"])
        now, later = _split_variable(items)
        variations = self._variations(reader, page.cursor["api"], now)
        waiting = {str(identity) for chunk in later for identity, _ in chunk}
        shown = [item for item in items if text_of(item.get("id")) not in waiting]
        listed = [self._listed(item, variations.get(text_of(item.get("id")), []), tree) for item in shown]
        products = {product.external_id: product for product in listed if product is not None}
        lists = [self._variable(page.cursor, chunk) for chunk in later]
        if page.kind == PRODUCTS:
            lists += self._following(page, answer, len(items))
        skipped = {SKIPPED_BROKEN: listed.count(None)} if None in listed else {}
        total = _header(answer, "X-WP-Total") if page.kind == PRODUCTS else None
        return Listing(page.address, list(products.values()), lists, total, skipped)

    def _listed(
        self, item: Mapping[str, Any], variations: Sequence[Mapping[str, Any]], tree: Tree
    ) -> ListedProduct | None:
        identity, address = text_of(item.get("id"), 40), text_of(item.get("permalink"), 2000)
        content = read_product(item, variations)
        if content is None or not identity or not address.startswith(("http://", "https://")):
            return None
        return ListedProduct(
            f"{self.name}:{identity}", address, content, paths_of(item, tree), alias=self._alias(address)
        )

    def _alias(self, address: str) -> str:
        return f"{self.name}:@{hashlib.sha256(address.encode()).hexdigest()[:32]}"

    def _following(self, page: ListPage, answer: Answer, shown: int) -> list[ListPage]:
        """Return the next block of pages, when this is the last that is named; without the header, the next page."""
        number = page.cursor["page"]
        if number != page.cursor["last"]:
            return []
        pages = _header(answer, "X-WP-TotalPages")
        last = min(number + BLOCK, pages) if pages is not None else number + (shown >= PAGE)
        return [
            self._products({**page.cursor, "page": following, "last": last})
            for following in range(number + 1, last + 1)
        ]

    def _variable(self, cursor: Mapping[str, Any], chunk: Sequence[tuple[int, int]]) -> ListPage:
        ids = ",".join(str(identity) for identity, _ in chunk)
        address = rest_address(cursor["api"], "products", per_page=PAGE, include=ids)
        return ListPage(self.name, address, VARIABLE, cursor={**cursor, "page": 1, "last": 1})

    def _variations(
        self, reader: SiteReader, api: str, chunks: Sequence[Sequence[tuple[int, int]]]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the variations of products, by their parent's id; none where the shop does not list them."""
        found: dict[str, list[dict[str, Any]]] = {}
        for chunk in chunks:
            parents = ",".join(str(identity) for identity, _ in chunk)
            pages = min(_requests_for(chunk), VARIATION_REQUESTS)
            for number in range(1, pages + 1):
                query = {"type": "variation", "parent": parents, "per_page": PAGE, "page": number, "orderby": "id"}
                try:
                    answer = read_json(reader, rest_address(api, "products", **query, order="asc"))
                except InterfaceClosed:
                    return found
                for variation in items_of(answer.data):
                    found.setdefault(text_of(variation.get("parent")), []).append(variation)
        return found

    def _files(self, found: SitemapFile) -> list[ListPage]:
        """Return the files of products, and of their categories, that a sitemap's index names."""
        lists: list[ListPage] = []
        for address in found.subs:
            if product_rank(address) == 0:
                lists.append(ListPage(self.name, address, SITEMAP, cursor={"of": "products"}))
            elif "product_cat" in address:
                lists.append(ListPage(self.name, address, SITEMAP, cursor={"of": "categories"}))
        return lists if any(page.cursor["of"] == "products" for page in lists) else []

    def _read_sitemap(self, reader: SiteReader, page: ListPage) -> Listing:
        found = read_sitemap_file(reader, page.address)
        if page.cursor["of"] == "categories":
            lists = [ListPage(self.name, address, ARCHIVE, cursor={"page": 1}) for address in found.entries]
            return Listing(page.address, (), lists, skipped=found.skipped)
        above = {entry for entry in found.entries if any(_is_above(entry, other) for other in found.entries[:50])}
        products = [self._by_address(entry) for entry in found.entries if entry not in above]
        skipped = {**found.skipped, SKIPPED_SHOP_PAGE: len(above)} if above else found.skipped
        return Listing(page.address, products, skipped=skipped)

    def _by_address(self, address: str, page: ListPage | None = None) -> ListedProduct:
        alias = self._alias(address)
        return ListedProduct(alias, address, paths=page.paths if page else (), alias=alias)

    def _read_archive(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read a category's own page: its products, its place in the tree, and its next page."""
        reply = reader.get(page.address)
        shown = read_archive(reply.text, reply.address, cards=CARDS, trail=TRAIL)
        if not page.paths and shown.heading:
            steps = [CategoryStep(name, address) for name, address in shown.trail[1:]]  # the first is the front page
            page = replace(page, paths=((*steps, CategoryStep(shown.heading, page.address)),))
        products = [self._by_address(link, page) for link in shown.links]
        lists: list[ListPage] = []
        if shown.following and products and page.cursor["page"] < MAX_ARCHIVE_PAGES:
            cursor = {"page": page.cursor["page"] + 1}
            lists = [ListPage(self.name, shown.following, ARCHIVE, paths=page.paths, cursor=cursor)]
        return Listing(page.address, products, lists)


def home_of(clues: Clues) -> str:
    """Return the address of WordPress' folder, with a last slash: where its plugin's files lie, else the origin."""
    found = _PLUGIN.search(clues.html)
    return (absolute(found[1], clues.address) if found else "") or absolute("/", clues.address)


def rest_address(api: str, route: str, **query: Any) -> str:
    """Return the address of a route; where the route is itself a parameter, the others follow it."""
    written = urlencode(query, safe=",")
    if not written:
        return f"{api}{route}"
    return f"{api}{route}{'&' if '?' in api else '?'}{written}"


def _rest_roots(clues: Clues, home: str) -> list[str]:
    """Return where the REST interface may stand: where the page says, else at WordPress' own places.

    A page that names another host than its own, as one behind a proxy may, is first asked at its own.
    """
    said = LexborHTMLParser(clues.html).css_first('link[rel="https://api.w.org/"]')
    named = (said.attributes.get("href") or "") if said else ""
    links = ", ".join(value for name, value in clues.headers.items() if name.lower() == "link")
    if not named and (found := _API_LINK.search(links)):
        named = found[1]
    own = URL(clues.address)
    try:
        root = own.join(URL(named or f"{home}wp-json/"))
        here = root.with_scheme(own.scheme).with_host(own.host or "").with_port(own.explicit_port)
    except ValueError:
        root = here = own.join(URL(f"{home}wp-json/"))
    roots = [str(here), f"{home}?rest_route=/", str(root)]
    return list(dict.fromkeys(root if root.endswith("/") else f"{root}/" for root in roots))


def _carried(tree: Tree) -> list[tuple[int, int, str, str]] | None:
    """Return the tree as lists carry it; None where it is too large for that."""
    rows = [(identity, *category) for identity, category in tree.items()]
    return rows if len(json.dumps(rows)) <= MAX_TREE_BYTES else None


def _tree_in(cursor: Mapping[str, Any]) -> Tree | None:
    rows = cursor["tree"]
    return None if rows is None else {identity: (parent, name, link) for identity, parent, name, link in rows}


def _split_variable(
    items: Sequence[Mapping[str, Any]],
) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    """Return the products with variations, as (id, variations), in chunks of one request: those for now, and for later.

    What waits is put together for jobs of their own, as much for each as one job may ask for.
    """
    chunks: list[list[tuple[int, int]]] = []
    room = 0
    for item in items:
        identity, count = item.get("id"), len(items_of(item.get("variations")))
        if not isinstance(identity, int) or not count:
            continue
        if count > room:
            chunks.append([])
            room = PAGE
        chunks[-1].append((identity, count))
        room -= count
    jobs: list[list[list[tuple[int, int]]]] = [[]]
    spent = 0
    for chunk in chunks:
        requests = _requests_for(chunk)
        if jobs[-1] and spent + requests > VARIATION_REQUESTS:
            jobs.append([])
            spent = 0
        jobs[-1].append(chunk)
        spent += requests
    return jobs[0], [[product for chunk in job for product in chunk] for job in jobs[1:]]


def _requests_for(chunk: Sequence[tuple[int, int]]) -> int:
    return -(-sum(count for _, count in chunk) // PAGE)


def _is_above(address: str, other: str) -> bool:
    return address != other and other.startswith(address if address.endswith("/") else f"{address}/")


def _header(answer: Answer, name: str) -> int | None:
    value = answer.reply.headers.get(name, "").strip()
    return int(value) if value.isdecimal() and len(value) < 9 else None
