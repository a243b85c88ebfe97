"""Shopify shops, by the JSON that every public storefront answers unless its owner has closed it.

`/collections.json` confirms that it is such a shop and names its categories; `/collections/<handle>/products.json` says
what is in each, `/products.json` lists all. Lists hold the whole product, so that no product page is read. They are
paged by number until a page is empty; page times limit may not exceed 25,000, what lies beyond is found in collections
and in the sitemap. Where the JSON is closed, the sitemap's files, whose addresses carry parameters, name the pages.
A list that shows only addresses knows a product by its handle; see ListedProduct.alias.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from catalog.platforms import SHOPIFY, probe_platform
from catalog.reading import SiteReader
from catalog.replies import ReplyTooLarge
from catalog.sources.archives import read_archive
from catalog.sources.interfaces import Answer, InterfaceClosed, currency_of, items_of, read_json, text_of
from catalog.sources.page_products import product_of_page
from catalog.sources.shopify_pages import embedded_product, handle_of, is_password_page, shop_currency, shop_root
from catalog.sources.shopify_products import HUNDREDTHS, read_product
from catalog.sources.sitemap_lists import SitemapFile, find_sitemap, read_sitemap_file
from catalog.sources.source import (
    CatalogNotPublic,
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
)
from marketplace.models import Product

PAGE = 250  # the most that one page shows
SMALLER_PAGE = 25  # where 250 products are more than we take in one reply
OFFSET_LIMIT = 25_000  # of page * limit: beyond, `{"errors":"Page * Limit exceeds the 25000 limit."}` with status 400
MAX_ARCHIVE_PAGES = 400
MAX_ALIAS = 150  # characters; the column of external ids holds 200

PRODUCTS, COLLECTIONS, COLLECTION, ARCHIVE, SITEMAP = "products", "collections", "collection", "archive", "sitemap"
SHUT_REMEDY = (
    "The shop is behind its password page. Open it to the public in Shopify under Online Store, Preferences, "
    "Password protection, and connect it again, or upload the products as a CSV file."
)
SKIPPED_BEYOND = "beyond the 25,000 products that products.json shows; looked for in collections and the sitemap"
SKIPPED_CLOSED = "the shop has closed its JSON here; its pages are read instead"
SKIPPED_BROKEN = "a product without id, handle or title"


@dataclass(frozen=True, slots=True)
class ShopifySource:
    """Reads Shopify shops, at hosts of their own and at *.myshopify.com."""

    name: str = SHOPIFY
    reads_pages: bool = True

    def probe(self, clues: Clues) -> Evidence | None:
        """Weigh what the page shows of Shopify."""
        return probe_platform(SHOPIFY, clues)

    def start(self, reader: SiteReader, clues: Clues) -> Sequence[ListPage] | None:
        """Confirm by the collections, which are the first lists; None where neither JSON nor sitemap is Shopify's.

        Raises:
            CatalogNotPublic: the shop shows its password page (permanent).
        """
        if is_password_page(clues.address):
            raise CatalogNotPublic(f"{clues.address} asks for a password. {SHUT_REMEDY}")
        root = shop_root(clues)
        cursor = {"root": root, "currency": "", "page": 1, "limit": PAGE}
        products = ListPage(self.name, _paged(f"{root}products.json", 1, PAGE), PRODUCTS, cursor=cursor)
        try:
            answer = self._json(reader, _paged(f"{root}collections.json", 1, PAGE))
            is_shop = isinstance(_field(answer, "collections"), list)
        except InterfaceClosed:
            answer = None
            is_shop = self._shows_products(reader, root)
        if not is_shop:
            return self._sitemap(reader, cursor)
        priced = {**cursor, "currency": self._currency(reader, root, clues)}
        collections = ListPage(self.name, _paged(f"{root}collections.json", 1, PAGE), COLLECTIONS, cursor=priced)
        found = [] if answer is None else self._collections(collections, answer)
        return [replace(products, cursor=priced), *found]

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one list: of products, of collections, a collection's own page, or a file of the sitemap."""
        match page.kind:
            case "collections":
                answer = self._json(reader, page.address)
                return Listing(page.address, (), self._collections(page, answer))
            case "archive":
                return self._read_archive(reader, page)
            case "sitemap":
                return self._read_sitemap(reader, page)
            case _:
                return self._read_products(reader, page)

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Read the product that the theme put into the page as JSON, else what its markup says."""
        if is_password_page(address):
            raise CatalogNotPublic(f"{address} asks for a password. {SHUT_REMEDY}")
        found = embedded_product(html, address)
        if found is not None:
            is_minor = all(isinstance(variant.get("price"), int) for variant in items_of(found.get("variants")))
            product = read_product(
                found,
                currency=shop_currency(html) or "",
                address=address,
                minor_unit=HUNDREDTHS if is_minor else 0,
                evidence="embedded-state",
            )
            if product is not None:
                return product
        return _of_shown_variant(product_of_page(html, address))

    def _json(self, reader: SiteReader, address: str) -> Answer:
        try:
            return read_json(reader, address)
        except InterfaceClosed as closed:
            if closed.shown_at and is_password_page(closed.shown_at):
                raise CatalogNotPublic(f"{address} asks for a password. {SHUT_REMEDY}") from closed
            raise

    def _shows_products(self, reader: SiteReader, root: str) -> bool:
        try:
            return isinstance(_field(self._json(reader, f"{root}products.json?limit=1"), "products"), list)
        except InterfaceClosed:
            return False

    def _currency(self, reader: SiteReader, root: str, clues: Clues) -> str:
        """Return the shop's currency, as the page or the cart says it; empty where neither may be asked or is clear."""
        shown = shop_currency(clues.html)
        if shown is not None:
            return shown
        try:
            return currency_of(_field(self._json(reader, f"{root}cart.js"), "currency"))
        except InterfaceClosed:  # Shopify's own robots.txt forbids the cart
            return ""

    def _sitemap(self, reader: SiteReader, cursor: Mapping[str, Any]) -> list[ListPage] | None:
        """Return the lists that the sitemap's index names; None if it is not one of Shopify's."""
        root = str(cursor["root"])
        found = find_sitemap(reader, root, places=("sitemap.xml",))
        return self._files(found, cursor) or None if found else None

    def _files(self, found: SitemapFile, cursor: Mapping[str, Any]) -> list[ListPage]:
        """Return the index's files of products and collections; those of other languages name the same products."""
        lists: list[ListPage] = []
        # The same whichever list leads here, so that each file is read once.
        cursor = {"root": cursor["root"], "currency": cursor["currency"], "page": 1, "limit": PAGE}
        for address in found.subs:
            path = urlsplit(address).path
            for start in ("sitemap_products_", "sitemap_collections_"):
                if path.startswith(urlsplit(str(cursor["root"])).path + start):
                    lists.append(ListPage(self.name, address, SITEMAP, cursor=cursor))
        return lists

    def _collections(self, page: ListPage, answer: Answer) -> list[ListPage]:
        """Return the lists of each collection, and the next page of collections where this one is full."""
        root, number, limit = page.cursor["root"], page.cursor["page"], page.cursor["limit"]
        collections = items_of(_field(answer, "collections"))
        lists: list[ListPage] = []
        for collection in collections:
            handle, title = text_of(collection.get("handle"), 300), text_of(collection.get("title"), 200)
            if not handle or not title:
                continue
            own = f"{root}collections/{quote(handle)}"
            count = collection.get("products_count")
            cursor = {**page.cursor, "page": 1, "count": count if isinstance(count, int) else 0}
            path = (CategoryStep(title, own),)
            lists.append(
                ListPage(self.name, _paged(f"{own}/products.json", 1, limit), COLLECTION, paths=(path,), cursor=cursor)
            )
        if len(collections) >= limit:
            lists.append(_following(page, number + 1))
        return lists

    def _read_products(self, reader: SiteReader, page: ListPage) -> Listing:
        number, limit = page.cursor["page"], page.cursor["limit"]
        try:
            answer = self._json(reader, page.address)
            shown = items_of(_field(answer, "products"))
        except ReplyTooLarge:
            if limit <= SMALLER_PAGE:
                raise
            smaller = replace(page, cursor={**page.cursor, "limit": SMALLER_PAGE})
            return Listing(page.address, (), [_following(smaller, (number - 1) * limit // SMALLER_PAGE + 1)])
        except InterfaceClosed:
            return Listing(page.address, (), self._instead(reader, page), skipped={SKIPPED_CLOSED: 1})
        listed = [self._listed(item, page.cursor) for item in shown]
        products = list({product.external_id: product for product in listed if product is not None}.values())
        skipped = {SKIPPED_BROKEN: listed.count(None)} if None in listed else {}
        lists: list[ListPage] = []
        if page.kind == COLLECTION and not shown and number == 1 and page.cursor["count"]:
            lists = self._instead(reader, page)  # seen: no JSON of a collection that its page shows
        elif _goes_on(page, len(shown)):
            if (number + 1) * limit <= OFFSET_LIMIT:
                lists = [_following(page, number + 1)]
            elif len(shown) >= limit:
                lists = self._beyond(reader, page)
                skipped = {**skipped, SKIPPED_BEYOND: 1}
        return Listing(page.address, products, lists, skipped=skipped)

    def _listed(self, item: Mapping[str, Any], cursor: Mapping[str, Any]) -> ListedProduct | None:
        identity, handle = text_of(item.get("id"), 40), text_of(item.get("handle"), 300)
        address = f"{cursor['root']}products/{quote(handle)}"
        content = read_product(
            item, currency=cursor["currency"], address=address, minor_unit=0, evidence="shopify-json"
        )
        if content is None or not identity or not handle:
            return None
        return ListedProduct(f"{self.name}:{identity}", address, content, alias=self._alias(handle))

    def _alias(self, handle: str) -> str:
        name = handle if len(handle) <= MAX_ALIAS else hashlib.sha256(handle.encode()).hexdigest()
        return f"{self.name}:@{name}"

    def _instead(self, reader: SiteReader, page: ListPage) -> list[ListPage]:
        """Return what is read where a list's JSON is closed: the collection's own page, or the sitemap."""
        if page.kind == COLLECTION and page.paths:
            cursor = {**page.cursor, "page": 1}
            return [ListPage(self.name, page.paths[0][-1].address, ARCHIVE, paths=page.paths, cursor=cursor)]
        return self._beyond(reader, page)

    def _beyond(self, reader: SiteReader, page: ListPage) -> list[ListPage]:
        """Return the sitemap's lists of products; a collection's overflow is in those too, without its category."""
        lists = self._sitemap(reader, {**page.cursor, "page": 1}) or []
        return [listed for listed in lists if "sitemap_products_" in listed.address]

    def _read_archive(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read a collection's own page: the products that it links to, and its next page."""
        reply = reader.get(page.address)
        root = page.cursor["root"]
        shown = read_archive(reply.text, reply.address)
        handles = [handle for link in shown.links if link.startswith(root) and (handle := handle_of(link))]
        paths = page.paths or (((CategoryStep(shown.heading, page.address),),) if shown.heading else ())
        products = [
            ListedProduct(
                self._alias(handle), f"{root}products/{quote(handle)}", paths=paths, alias=self._alias(handle)
            )
            for handle in dict.fromkeys(handles)
        ]
        lists: list[ListPage] = []
        if shown.following and products and page.cursor["page"] < MAX_ARCHIVE_PAGES:
            cursor = {**page.cursor, "page": page.cursor["page"] + 1}
            lists = [ListPage(self.name, shown.following, ARCHIVE, paths=paths, cursor=cursor)]
        return Listing(page.address, products, lists)

    def _read_sitemap(self, reader: SiteReader, page: ListPage) -> Listing:
        found = read_sitemap_file(reader, page.address)
        root = page.cursor["root"]
        products: dict[str, ListedProduct] = {}
        lists: list[ListPage] = []
        for address in found.entries:
            path = address.removeprefix(root)
            if (handle := handle_of(address)) and path.startswith("products/"):
                alias = self._alias(handle)
                products[alias] = ListedProduct(alias, f"{root}products/{quote(handle)}", alias=alias)
            elif path.startswith("collections/"):
                lists.append(ListPage(self.name, address, ARCHIVE, cursor={**page.cursor, "page": 1}))
        return Listing(page.address, list(products.values()), lists, skipped=found.skipped)


def _of_shown_variant(product: ExtractedProduct) -> ExtractedProduct:
    """Give a product the numbers of the variant that is shown first, as its JSON would; markup has them by variant."""
    variants = product.variants
    shown = next((one for one in variants if one["availability"] == Product.Availability.IN_STOCK), None)
    shown = shown or next(iter(variants), {})
    return replace(product, sku=product.sku or shown.get("sku", ""), gtin=product.gtin or shown.get("gtin", ""))


def _goes_on(page: ListPage, shown: int) -> bool:
    """Tell whether a next page is worth a request.

    An empty page ends the list of all. A collection's list ends with a page that is not full, unless the shop counts
    more products in it.
    """
    if not shown or page.kind != COLLECTION:
        return shown > 0
    return shown >= page.cursor["limit"] or bool(page.cursor["page"] * page.cursor["limit"] < page.cursor["count"])


def _following(page: ListPage, number: int) -> ListPage:
    """Return the list at another page number."""
    bare = page.address.partition("?")[0]
    cursor = {**page.cursor, "page": number}
    return replace(page, address=_paged(bare, number, cursor["limit"]), cursor=cursor)


def _paged(address: str, number: int, limit: int) -> str:
    return f"{address}?limit={limit}&page={number}"


def _field(answer: Answer, name: str) -> Any:
    return answer.data.get(name) if isinstance(answer.data, dict) else None
