"""Any shop: a site with products on it, read by its sitemaps, its navigation and its lists.

What kind of page an address leads to is never assumed from one site's habits: the words in addresses, what the site's
own sitemaps and cards say, and, where these leave it open, a few pages that are looked at.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.addresses import canonical_address, same_site
from catalog.extraction.document import PageMalformed
from catalog.reading import SiteReader
from catalog.replies import PageNotFound, ReplyTooLarge, RequestRefused, SiteFailing, SiteTimeout, TooManyRedirects
from catalog.robots import RobotsForbid
from catalog.site.cards import Card
from catalog.site.category_classes import select_categories
from catalog.site.intelligence import Intelligence
from catalog.site.lists import ShopList, read_list
from catalog.site.navigation import Branch, read_navigation
from catalog.site.page import SitePage, html_of, parse_page
from catalog.site.page_kinds import is_product_page, product_evidence
from catalog.site.rendering import is_shell, render, shows_more
from catalog.site.sitemap_pages import SitemapPages, sort_entries
from catalog.site.templates import LIST, PRODUCT, kind_by_words, learn, template_of
from catalog.sitemaps.contract import PROTOCOL_BYTES, SubSitemap
from catalog.sitemaps.locations import hosts_of_site
from catalog.sitemaps.names import COMMON_PLACES, MAX_DEPTH, product_rank
from catalog.sitemaps.parser import read_sitemap
from catalog.sources.page_products import product_of_page
from catalog.sources.shop_paths import own_paths, paths_below
from catalog.sources.sitemap_lists import ACCEPT_SITEMAPS
from catalog.sources.source import (
    CategoryPath,
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
)
from marketplace.egress import AddressRefused

NAME = "shop"
SITEMAP, CATEGORY = "sitemap", "category"
MAX_CATEGORIES = 500  # of one site's navigation
MAX_PAGES = 300  # of one list: 24 products on a page make 7,200
MAX_SUB_LEVELS = 3  # below what the navigation or a sitemap names
LEAST_WEIGHT, MOST_WEIGHT = 10, 50
_ABSENT = (PageNotFound, RequestRefused, TooManyRedirects, ReplyTooLarge, RobotsForbid, PageMalformed)


@dataclass(frozen=True, slots=True)
class ShopSource:
    """Reads shops that no other source knows."""

    name: str = NAME
    reads_pages: bool = True

    def probe(self, clues: Clues) -> Evidence | None:
        """Take any page of the web, the more surely the more it looks like one of a shop."""
        if not clues.is_fetched or "<" not in clues.html[:2000]:
            return None
        weight, reasons = product_evidence(clues.html)
        return Evidence(
            source=self.name,
            address=clues.address,
            reason="; ".join(reasons) or "a page of the web",
            weight=min(MOST_WEIGHT, LEAST_WEIGHT + weight),
        )

    def start(self, reader: SiteReader, clues: Clues) -> Sequence[ListPage] | None:
        """Read the navigation, and find the sitemaps; None when the page leads to no list and shows no product."""
        known = reader.site
        html, needs_browser = self._front(reader, clues)
        page = parse_page(html, clues.address)
        templates = dict(known.templates)
        tree = known.navigation or read_navigation(page, templates=templates)
        sitemaps, told = self._sitemaps(reader, clues.address, known)
        branches, left_out = select_categories(tree, most=MAX_CATEGORIES)
        front = read_list(page, templates=templates)
        learned = replace(told, navigation=tree, needs_browser=needs_browser)
        if front.cards:
            learned = replace(learned, templates=learn(templates, _priced(front), PRODUCT))
        reader.site = learned
        if not (sitemaps or branches or front.cards):
            return None
        own = canonical_address(clues.address)
        lists = [*sitemaps, *(self._list_of(branch) for branch in branches)]
        if front.cards and own not in {branch.address for branch in branches}:
            lists.append(ListPage(self.name, own, CATEGORY))
        if left_out:
            lists[0] = replace(lists[0], cursor={**lists[0].cursor, "left_out": left_out})
        return lists

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one sitemap, or one page of a list."""
        read = self._read_sitemap if page.kind == SITEMAP else self._read_category
        listing = read(reader, page)
        left_out = int(page.cursor.get("left_out", 0))
        if not left_out or "pages" in page.cursor:
            return listing
        return replace(listing, skipped={**listing.skipped, "categories beyond the cap": left_out})

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Return what a product's page says; the address that it names as its own counts if it can be one."""
        product = product_of_page(html, address)
        return replace(product, canonical_address=_own_address(product.canonical_address, address))

    def _front(self, reader: SiteReader, clues: Clues) -> tuple[str, bool | None]:
        """Return the page at the seller's address, and whether a browser was needed to see it."""
        needs_browser = reader.site.needs_browser
        if needs_browser is False or (needs_browser is None and not is_shell(clues.html)):
            return clues.html, needs_browser
        _, html = reader.browse(clues.address, lambda tab: render(tab, clues.address, is_list=True))
        if needs_browser is None and not shows_more(html, clues.html):
            return clues.html, None
        return html, True

    def _sitemaps(self, reader: SiteReader, address: str, known: Intelligence) -> tuple[list[ListPage], Intelligence]:
        """Return the sitemaps to read: those of robots.txt, else the first that stands in a common place."""
        rules = reader.rules(address)
        named = [place for place in dict.fromkeys(rules.sitemaps) if _is_web(place)]
        site = canonical_address("/", base=address)
        if known.robots:
            roots = [told["address"] for told in known.sitemaps if told.get("is_root") and not told["problem"]]
            return [self._sitemap(place, site) for place in dict.fromkeys([*named, *roots])], known
        learned = replace(known, robots={"sitemaps": named, "crawl_delay_s": rules.crawl_delay_s})
        if named:
            return [self._sitemap(place, site) for place in named], learned
        for place in COMMON_PLACES:
            guess = canonical_address(place, base=address)
            try:
                reply = reader.get(guess, accept=ACCEPT_SITEMAPS, max_bytes=PROTOCOL_BYTES, is_file=True)
            except _ABSENT:
                continue  # nobody said that there is one
            except (SiteFailing, SiteTimeout):
                break  # what fails here is not to be asked at every other place
            read = read_sitemap([reply.body], reply.address)
            if read.entries or read.subs:
                told = {"address": guess, "entries": len(read.entries), "products": 0, "problem": "", "is_root": True}
                subs = [self._sitemap(sub.address, site, 2) for sub in _products_first(read.subs)]
                return subs or [self._sitemap(guess, site)], replace(learned, sitemaps=(*learned.sitemaps, told))
        return [], learned

    def _sitemap(self, address: str, site: str, depth: int = 1) -> ListPage:
        """Return the reading of a sitemap of a site, which may keep it on another host."""
        return ListPage(self.name, address, SITEMAP, cursor={"site": site, "depth": depth})

    def _list_of(self, branch: Branch) -> ListPage:
        paths = tuple(tuple(CategoryStep(node.name, node.address) for node in path) for path in branch.paths)
        return ListPage(self.name, branch.address, CATEGORY, paths=paths)

    def _read_sitemap(self, reader: SiteReader, page: ListPage) -> Listing:
        """Sort a sitemap's addresses into products, lists and all else, looking at pages where nothing else tells."""
        skipped: Counter[str] = Counter()
        depth, site = int(page.cursor["depth"]), str(page.cursor["site"])
        reader.turn_to(site)
        try:
            reply = reader.get(page.address, accept=ACCEPT_SITEMAPS, max_bytes=PROTOCOL_BYTES, is_file=True)
        except _ABSENT as error:
            reader.site = reader.site.with_sitemap(page.address, entries=0, products=0, problem=error.code)
            return Listing(page.address, (), skipped={error.code: 1})
        read = read_sitemap([reply.body], reply.address, hosts=hosts_of_site(site))
        skipped.update(read.problem_counts)
        subs = [] if depth >= MAX_DEPTH else read.subs
        if len(subs) < len(read.subs):
            skipped["sitemap.too_deep"] += len(read.subs)
        pages = sort_entries(
            read.entries,
            says_products=product_rank(page.address) == 0,
            templates=reader.site.templates,
            look=lambda address: self._kind_of_page(reader, address),
        )
        skipped.update(pages.skipped)
        problem = read.problems[0].message if read.problems and not (read.entries or read.subs) else ""
        reader.site = replace(reader.site, templates=pages.templates).with_sitemap(
            page.address, entries=len(read.entries), products=len(pages.products), problem=problem
        )
        lists = [self._sitemap(sub.address, site, depth + 1) for sub in _products_first(subs)]
        return Listing(
            page.address,
            [self._listed(address) for address in pages.products],
            [*lists, *self._unknown_lists(reader.site, pages, skipped)],
            skipped=dict(skipped),
        )

    def _unknown_lists(self, site: Intelligence, pages: SitemapPages, skipped: Counter[str]) -> list[ListPage]:
        """Return the lists that a sitemap names and the navigation does not; where they stand is told by themselves."""
        unknown = [address for address in (*pages.lists, *pages.unclear) if address not in site.category_addresses]
        if len(unknown) > MAX_CATEGORIES:
            skipped["categories beyond the cap"] += len(unknown) - MAX_CATEGORIES
        return [ListPage(self.name, address, CATEGORY) for address in unknown[:MAX_CATEGORIES]]

    def _kind_of_page(self, reader: SiteReader, address: str) -> str:
        """Return what the page at an address is, by looking at it: product, list, or empty."""
        try:
            page = self._page(reader, address)
            shown = read_list(page, templates=reader.site.templates)
        except _ABSENT:
            return ""
        if is_product_page(page, shown.cards):
            return PRODUCT
        return LIST if len(shown.cards) > 1 else ""

    def _page(self, reader: SiteReader, address: str) -> SitePage:
        """Return a page, as a browser shows it where the site needs one."""
        if reader.site.needs_browser:
            return self._browsed(reader, address)
        reply = reader.get(address)
        return parse_page(html_of(reply), reply.address)

    def _browsed(self, reader: SiteReader, address: str) -> SitePage:
        final, html = reader.browse(address, lambda tab: render(tab, address, is_list=True))
        return parse_page(html, final)

    def _read_category(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one page of a list; the next page and the categories below are lists of their own."""
        seen = list(page.cursor.get("pages", ()))
        templates, known = reader.site.templates, reader.site.category_addresses
        try:
            found = self._page(reader, page.address)
            shown = read_list(found, templates=templates, known=known)
            if not shown.cards and reader.site.needs_browser is None and "<script" in found.html:
                found, shown = self._try_browser(reader, found, shown)
        except _ABSENT as error:
            # A navigation may name what is not there (any more); what a guess found missing is the list's end.
            return Listing(page.address, (), skipped={"end of the list" if seen else error.code: 1})
        if not shown.cards and shown.tiles:
            shown = self._sort_tiles(reader, shown)
        final = found.address
        skipped: Counter[str] = Counter(shown.skipped)
        if is_product_page(found, shown.cards):
            return self._only_product(page, final, skipped)
        if shown.cards:
            reader.site = replace(
                reader.site,
                templates=learn(templates, _priced(shown), PRODUCT),
                needs_browser=bool(reader.site.needs_browser),
            )
        digest = _digest(card.address for card in shown.cards)
        if digest in seen:
            skipped["repeated page"] += 1
            return Listing(page.address, (), skipped=dict(skipped))
        paths = page.paths or own_paths(shown, final)
        lists = self._next_lists(page, shown, [*seen, digest], paths, skipped)
        addresses = dict.fromkeys(_without_visit(card.address, reader.site.templates) for card in shown.cards)
        listed = [self._listed(address, () if page.paths else paths) for address in addresses]
        return Listing(page.address, listed, lists, total=shown.total, skipped=dict(skipped))

    def _sort_tiles(self, reader: SiteReader, shown: ShopList) -> ShopList:
        """Tell whether links with pictures, and no prices, are products or categories, by looking at two of them."""
        tiles = list(shown.tiles)
        samples = dict.fromkeys((tiles[0].address, tiles[-1].address))
        kinds = {
            kind_by_words(address, reader.site.templates) or self._kind_of_page(reader, address) for address in samples
        }
        if kinds == {PRODUCT}:
            addresses = [tile.address for tile in tiles]
            reader.site = replace(reader.site, templates=learn(reader.site.templates, addresses, PRODUCT))
            cards = [Card(tile.address, tile.name, has_price=False, has_picture=True) for tile in tiles]
            return replace(shown, cards=cards, tiles=())
        if kinds == {LIST}:
            reader.site = replace(reader.site, templates=learn(reader.site.templates, samples, LIST))
        return replace(shown, categories=[*shown.categories, *tiles], tiles=())

    def _try_browser(self, reader: SiteReader, plain: SitePage, shown: ShopList) -> tuple[SitePage, ShopList]:
        """Look at a list that shows no products once more, in the browser; what comes of it is remembered."""
        found = self._browsed(reader, plain.address)
        again = read_list(found, templates=reader.site.templates, known=reader.site.category_addresses)
        if not again.cards or not shows_more(found.html, plain.html):
            return plain, shown
        reader.site = replace(reader.site, needs_browser=True)
        return found, again

    def _next_lists(
        self,
        page: ListPage,
        shown: ShopList,
        seen: Sequence[str],
        paths: tuple[CategoryPath, ...],
        skipped: Counter[str],
    ) -> list[ListPage]:
        count = int(page.cursor.get("count", 0)) + len(shown.cards)
        cursor: Mapping[str, Any] = {**page.cursor, "pages": list(seen), "count": count}
        lists: list[ListPage] = []
        is_more = shown.total is not None and count < shown.total
        following = shown.next_address or (shown.next_guess if is_more else "")
        if following and shown.cards:
            if len(seen) >= MAX_PAGES:
                skipped["pages beyond the cap"] += 1
            else:
                lists.append(replace(page, address=following, paths=page.paths or paths, cursor=cursor))
        if len(seen) > 1:
            return lists  # the categories below stand on each page of a list; the first has told them
        level = int(page.cursor.get("level", 0))
        for category in shown.categories:
            longer = paths_below(paths, category)
            if not longer:
                skipped["category loop"] += 1
            elif level >= MAX_SUB_LEVELS:
                skipped["categories too deep"] += 1
            else:
                # Reached over two lists it is read for both, so that its products are in both.
                below = {"level": level + 1, "via": _digest([json.dumps([[s.name for s in p] for p in paths])])}
                lists.append(ListPage(self.name, category.address, CATEGORY, longer, below))
        return lists

    def _only_product(self, page: ListPage, address: str, skipped: Counter[str]) -> Listing:
        """What was taken for a list is a product's page."""
        skipped["a product, not a list"] += 1
        above = tuple(path[:-1] for path in page.paths if len(path) > 1)
        return Listing(page.address, [self._listed(address)], skipped=dict(skipped), paths=above)

    def _listed(self, address: str, paths: tuple[CategoryPath, ...] = ()) -> ListedProduct:
        address = canonical_address(address)
        return ListedProduct(f"{self.name}:{_digest([address], length=32)}", address, paths=paths)


def _products_first(subs: Sequence[SubSitemap]) -> list[SubSitemap]:
    return sorted(subs, key=lambda sub: product_rank(sub.address))


def _digest(texts: Any, *, length: int = 12) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:length]


def _own_address(named: str, address: str) -> str:
    """Return the canonical address of a product's page: the one that it names, unless that is no product's.

    Shops by mistake name their front page, or another site.
    """
    own = canonical_address(address)
    try:
        canonical = canonical_address(named, base=address) if named else own
    except AddressRefused:
        return own
    is_front = canonical == canonical_address("/", base=canonical)
    return canonical if same_site(canonical, own) and not is_front and len(canonical) <= 2000 else own


def _is_web(address: str) -> bool:
    try:
        canonical_address(address)
    except AddressRefused:
        return False
    return True


def _priced(shown: ShopList) -> list[str]:
    """Return the products that a list shows with a price: these surely are some."""
    return [card.address for card in shown.cards if card.has_price]


def _without_visit(address: str, templates: Mapping[str, str]) -> str:
    """Return a product's address without its query where the site has products' addresses of that form without one."""
    plain = address.partition("?")[0]
    return plain if plain != address and templates.get(template_of(plain)) == PRODUCT else address
