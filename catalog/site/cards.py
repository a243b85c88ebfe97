"""Product cards: what a list shows of each product, found by repeated structure and by prices."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborNode

from catalog.site.address_words import (
    CONTENT_TEXTS,
    FACET_BLOCKS,
    PRICE_BLOCKS,
    RELATED_BLOCKS,
    RELATED_HEADINGS,
)
from catalog.site.page import SitePage, ancestors_of, holds_content, is_outer, short_text, text_of, tokens_of
from catalog.site.templates import CONTENT, LIST, PRODUCT, kind_by_words, template_of

MAX_PRICE_CHARS = 48
MAX_ANCHORS = 5_000
MAX_CLIMB = 12
MAX_PRICES = 5_000

_SIGNS = r"[$€£¥₹₽₺₴₩₪฿₫₱₦₡₲₵₸₼₾]"
_CODES = (
    "usd|eur|gbp|jpy|cny|rmb|inr|rub|try|uah|krw|ils|thb|vnd|php|ngn|brl|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|huf|ron|bgn|"
    "aed|sar|egp|kwd|bhd|qar|omr|mad|zar|mxn|ars|clp|cop|pen|idr|myr|sgd|hkd|kr|zł|zl|kč|ft|lei|лв|руб|р|грн|tl|rm|rs|rp|"
    "fr|درهم|ريال|جنيه|د\\.إ|ر\\.س|ج\\.م|円|元|원|บาท|تومان"
)
_NUMBER = r"\d(?:[\d.,'’٫٬\s]{0,18}\d)?"
_PRICE = re.compile(
    rf"(?:{_SIGNS}|\b(?:{_CODES})\.?)\s*-?{_NUMBER}|{_NUMBER}(?:,-|,–|\.-)?\s*(?:{_SIGNS}|(?:{_CODES})\b)|"
    rf"{_NUMBER}(?:,-|,–|\.-|,—)",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\d")
_STATES = frozenset(
    [
        "first",
        "last",
        "odd",
        "even",
        "active",
        "current",
        "selected",
        "hover",
        "sale",
        "new",
        "onsale",
        "instock",
        "outofstock",
        "soldout",
        "featured",
        "hidden",
    ]
)
_ENDS = frozenset({"body", "html", "main", "ul", "ol", "tbody", "table", "form", "dl"})
_SIDE_LINKS = frozenset(
    [
        "brand",
        "wishlist",
        "compare",
        "category",
        "review",
        "reviews",
        "rating",
        "ratings",
        "quickview",
        "vendor",
        "cart",
    ]
)
_HEADS = "h1, h2, h3, h4, h5, h6"


@dataclass(frozen=True, slots=True)
class Card:
    """One product on a list."""

    address: str
    name: str
    has_price: bool
    has_picture: bool


class ListReader:
    """Finds the products of one page. What frames the page, filters and related products are left out."""

    def __init__(self, page: SitePage, templates: Mapping[str, str]) -> None:
        self.page = page
        self._templates = templates
        self._left_out: dict[int, str] = {}
        self._kinds: dict[str, str] = {}
        self.skipped: Counter[str] = Counter()
        self.own = page.resolve(page.address) or page.address
        self._frames = {self.own, page.resolve("/")}  # links to these lead to no product
        self.anchors = self._anchors()
        self._addresses_in: dict[int, set[str]] = defaultdict(set)
        for anchor, address in self.anchors:
            for node in (anchor, *ancestors_of(anchor)):
                self._addresses_in[node.mem_id].add(address)
        self._mains: dict[int, str | None] = {}
        self.card_nodes: set[int] = set()

    def cards(self) -> list[Card]:
        """Return the products in the page's order, each once."""
        found = self._priced_cards()
        if not found:
            found = self._known_by_address()
        templates = {template_of(address) for address in found}
        told = {
            address: name
            for address, (name, is_product) in self._told_products().items()
            if is_product or not found or template_of(address) in templates
        }
        order = {address: number for number, (_, address) in reversed(list(enumerate(self.anchors)))}
        for address, name in told.items():
            found.setdefault(address, Card(address, name, has_price=False, has_picture=False))
        return sorted(found.values(), key=lambda card: order.get(card.address, len(order)))

    def kind_of(self, address: str) -> str:
        """Return what an address leads to, by its words and the site's templates."""
        if address not in self._kinds:
            self._kinds[address] = kind_by_words(address, self._templates)
        return self._kinds[address]

    def reason_left_out(self, node: LexborNode) -> str:
        """Return why what stands in this block belongs not to the list; empty when it does."""
        trail: list[int] = []
        reason = ""
        for block in (node, *ancestors_of(node)):
            if block.mem_id in self._left_out:
                reason = self._left_out[block.mem_id]
                break
            trail.append(block.mem_id)
            if reason := self._own_reason(block):
                break
        for mem_id in trail:
            self._left_out[mem_id] = reason
        return reason

    def _own_reason(self, block: LexborNode) -> str:
        if is_outer(block):
            return "navigation"
        if block.tag not in ("div", "section", "aside", "ul", "form", "fieldset", "details"):
            return ""
        tokens = tokens_of(block)
        if not tokens.isdisjoint(FACET_BLOCKS) and not holds_content(block) and not _holds_prices(block):
            return "facet"
        if not tokens.isdisjoint(RELATED_BLOCKS) and not holds_content(block):
            return "related"
        if block.tag in ("section", "div", "aside"):
            head = next((child for child in block.iter() if child.tag in ("h2", "h3", "h4", "strong")), None)
            told = text_of(head).casefold() if head is not None else ""
            if told.startswith(RELATED_HEADINGS) and not holds_content(block):
                return "related"
        return ""

    def _anchors(self) -> list[tuple[LexborNode, str]]:
        """Return the links that may lead to products, in the page's order."""
        found: list[tuple[LexborNode, str]] = []
        body = self.page.tree.body
        for anchor in (body.css("a[href]") if body else [])[:MAX_ANCHORS]:
            address = self.page.resolve(anchor.attributes.get("href"))
            if address is None or address in self._frames:
                continue
            if self.kind_of(address) == CONTENT:
                self.skipped["content"] += 1
                continue
            if reason := self.reason_left_out(anchor):
                self.skipped[reason] += 1
                continue
            found.append((anchor, address))
        return found

    def _priced_cards(self) -> dict[str, Card]:
        prices = self._price_nodes()
        prices_in: Counter[int] = Counter(node.mem_id for price in prices for node in (price, *ancestors_of(price)))
        groups: dict[tuple[str, frozenset[str]], dict[str, LexborNode]] = defaultdict(dict)
        for price in prices:
            node = self._card_of(price, prices_in)
            if node is None:
                continue
            address = self._main_address(node)
            if address is not None:
                groups[_signature(node)].setdefault(address, node)
        accepted: dict[str, LexborNode] = {}
        for group in groups.values():
            is_lone = len(group) == 1 and len(groups) == 1
            for address, node in group.items():
                is_product = self.kind_of(address) == PRODUCT
                if len(group) > 1 or is_product or (is_lone and _has_picture(node)):
                    accepted.setdefault(address, node)
        accepted |= self._siblings(accepted)
        for node in accepted.values():
            self.card_nodes |= {node.mem_id, *(inner.mem_id for inner in node.css("a"))}
        return {address: self._card(address, node, node.mem_id in prices_in) for address, node in accepted.items()}

    def _siblings(self, accepted: Mapping[str, LexborNode]) -> dict[str, LexborNode]:
        """Return cards without a price that stand beside cards with one and are built alike."""
        found: dict[str, LexborNode] = {}
        parents = {node.parent.mem_id: node for node in accepted.values() if node.parent is not None}
        cards = {node.mem_id for node in accepted.values()}
        for first in parents.values():
            if first.parent is None:
                continue
            for node in first.parent.iter():
                if node.mem_id in cards or _signature(node) != _signature(first):
                    continue
                address = self._main_address(node)
                if address is not None and address not in accepted and (_has_picture(node) or node.css_first(_HEADS)):
                    found.setdefault(address, node)
        return found

    def _price_nodes(self) -> list[LexborNode]:
        """Return the smallest blocks whose text is a price, in the page's order."""
        body = self.page.tree.body
        found: dict[int, LexborNode] = {}
        for text in body.traverse(include_text=True) if body else ():
            if not text.is_text_node or not _DECIMAL.search(text.text() or "") or text.parent is None:
                continue
            block = text.parent
            if block.tag in ("script", "style", "template", "option") or self.reason_left_out(block):
                continue
            for _ in range(3):
                if _is_price(block):
                    found[block.mem_id] = block
                    break
                if block.parent is None or block.parent.tag in _ENDS:
                    break
                block = block.parent
        return list(found.values())[:MAX_PRICES]

    def _card_of(self, price: LexborNode, prices_in: Counter[int]) -> LexborNode | None:
        """Return the largest block around a price that is about the same product."""
        card: LexborNode | None = price if self._addresses_in.get(price.mem_id) else None
        current = price
        for block in list(ancestors_of(price))[:MAX_CLIMB]:
            if block.tag in _ENDS or block.css_first("h1") is not None:
                break
            if card is not None and self._is_wider(current, block, prices_in):
                break
            current = block
            if self._addresses_in.get(block.mem_id):
                card = block
        return card

    def _is_wider(self, inner: LexborNode, outer: LexborNode, prices_in: Counter[int]) -> bool:
        """Tell whether the outer block is about more than the inner one: other prices with another product's link."""
        if prices_in[outer.mem_id] > prices_in[inner.mem_id]:
            main = self._main_address(inner)
            return any(
                self._main_address(node) != main
                for node in outer.iter()
                if node.mem_id != inner.mem_id and self._addresses_in.get(node.mem_id) and prices_in[node.mem_id]
            )
        mine = self._addresses_in.get(inner.mem_id, set())
        # A neighbour built alike is another card, though it has no price.
        return any(
            self._addresses_in.get(node.mem_id, mine) - mine and _signature(node) == _signature(inner)
            for node in outer.iter()
            if node.mem_id != inner.mem_id
        )

    def _main_address(self, card: LexborNode) -> str | None:
        """Return the address of the card's product among the links of the card."""
        if card.mem_id not in self._mains:
            self._mains[card.mem_id] = self._best_address(card)
        return self._mains[card.mem_id]

    def _best_address(self, card: LexborNode) -> str | None:
        scores: dict[str, float] = {}
        links = [card] if card.tag == "a" else card.css("a[href]")
        for link in links[:60]:
            address = self.page.resolve(link.attributes.get("href"))
            if address is None or address in self._frames:
                continue
            kind = self.kind_of(address)
            if kind == CONTENT:
                continue
            score = scores.get(address, 0.0) + 1
            score += 3 if kind == PRODUCT else -2 if kind == LIST else 0
            score += 3 if link.css_first(_HEADS) or _stands_in_heading(link, card) else 0
            score += 2 if _has_picture(link) else 0
            score += 1 if len(text_of(link)) > 3 else 0
            score -= 0 if _SIDE_LINKS.isdisjoint(tokens_of(link)) else 4
            scores[address] = score
        return max(scores, key=lambda address: scores[address]) if scores else None

    def _known_by_address(self) -> dict[str, Card]:
        """Return the links whose addresses are those of products here, where no prices tell."""
        found: dict[str, Card] = {}
        for anchor, address in self.anchors:
            if self.kind_of(address) != PRODUCT:
                continue
            name = text_of(anchor)
            if name.casefold() not in CONTENT_TEXTS:
                self.card_nodes.add(anchor.mem_id)
                known = found.get(address)
                has_picture = _has_picture(anchor) or bool(known and known.has_picture)
                found[address] = Card(address, (known.name if known else "") or name, False, has_picture)
        return found

    def _told_products(self) -> dict[str, tuple[str, bool]]:
        """Return the page's own list in JSON-LD (ItemList): by address the name, and whether it is said a product."""
        found: dict[str, tuple[str, bool]] = {}
        for script in self.page.tree.css('script[type="application/ld+json"]')[:50]:
            try:
                data = json.loads(script.text(deep=True), strict=False)
            except (ValueError, RecursionError):
                continue  # what cannot be read as JSON says nothing; the page's own cards count
            for href, name, is_product in _list_items(data):
                address = self.page.resolve(href)
                if address is not None and self.kind_of(address) not in (CONTENT, LIST):
                    found.setdefault(address, (name, is_product))
        found.pop(self.own, None)
        return found

    def _card(self, address: str, node: LexborNode, has_price: bool) -> Card:
        head = node.css_first(_HEADS)
        texts = [text_of(link) for link in ([node] if node.tag == "a" else node.css("a[href]"))]
        name = (text_of(head) if head else "") or max(texts, key=len, default="")
        return Card(address, name, has_price, _has_picture(node))


def _is_price(block: LexborNode) -> bool:
    text = short_text(block, most=MAX_PRICE_CHARS)
    if text is None:
        return False
    if _PRICE.search(text):
        return True
    is_marked = block.attributes.get("itemprop") in ("price", "lowPrice") or not PRICE_BLOCKS.isdisjoint(
        tokens_of(block)
    )
    return is_marked and bool(_DECIMAL.search(text))


def _holds_prices(block: LexborNode) -> bool:
    """Tell whether a block shows several prices, as a list does that calls itself filtered."""
    return len(_PRICE.findall(block.text(deep=True, separator=" ")[:20_000])) > 3


def _signature(node: LexborNode) -> tuple[str, frozenset[str]]:
    words = re.split(r"\s+", (node.attributes.get("class") or "").strip())
    return node.tag or "", frozenset(
        word for word in words if word and not re.search(r"\d", word) and word.lower() not in _STATES
    )


def _has_picture(node: LexborNode) -> bool:
    if node.css_first("img, picture, [data-bg], [data-background-image]") is not None:
        return True
    styled = node.css_first("[style*='background']")
    return styled is not None and "url(" in (styled.attributes.get("style") or "")


def _stands_in_heading(link: LexborNode, card: LexborNode) -> bool:
    for block in ancestors_of(link):
        if block.mem_id == card.mem_id:
            return False
        if block.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            return True
    return False


def _list_items(data: Any) -> Iterable[tuple[str, str, bool]]:
    """Yield address, name and whether it is a product, of each element of JSON-LD's item lists, however deep."""
    waiting, seen = [data], 0
    while waiting and seen < 20_000:
        node = waiting.pop()
        seen += 1
        if isinstance(node, list):
            waiting.extend(reversed(node))
        elif isinstance(node, dict):
            kind = node.get("@type")
            kinds = kind if isinstance(kind, list) else [kind]
            if "ItemList" in kinds:
                yield from _elements(node.get("itemListElement"))
            elif "BreadcrumbList" not in kinds and "Product" not in kinds:
                waiting.extend(value for value in node.values() if isinstance(value, dict | list))


def _elements(elements: Any) -> Iterable[tuple[str, str, bool]]:
    for element in elements if isinstance(elements, list) else [elements]:
        if not isinstance(element, dict):
            continue
        item = element.get("item")
        inner = item if isinstance(item, dict) else {}
        told = inner.get("@type", element.get("@type"))
        kinds = set(told if isinstance(told, list) else [told]) if told else {"ListItem"}
        if kinds.isdisjoint({"ListItem", "Product", "ProductGroup"}):
            continue
        address = inner.get("url") or inner.get("@id") or (item if isinstance(item, str) else element.get("url"))
        name = inner.get("name") or element.get("name") or ""
        if isinstance(address, str):
            yield address, name if isinstance(name, str) else "", "ListItem" not in kinds
