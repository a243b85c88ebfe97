"""One page of a site: its tree, and its links as canonical addresses of the same site."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.addresses import canonical_address, site_of
from catalog.extraction.document import Document
from catalog.replies import Reply
from catalog.site.address_words import OUTER_BLOCKS
from marketplace.egress import AddressRefused

PAGE_TYPES = frozenset({"", "text/html", "application/xhtml+xml", "text/plain"})
MAX_DEPTH = 200  # of nodes; browsers stop nesting at 512
MAX_NAME = 100
_SPACES = re.compile(r"\s+")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OUTER_TAGS = frozenset({"nav", "footer"})
_OUTER_ROLES = frozenset({"navigation", "contentinfo", "banner", "search", "dialog"})
_INNER_TAGS = frozenset({"article", "main", "li", "section"})


@dataclass(slots=True)
class SitePage:
    """A page's parsed text. Addresses that lead nowhere, or to another site, are None."""

    address: str
    html: str
    tree: LexborHTMLParser
    base: str
    _resolved: dict[str, str | None] = field(default_factory=dict)
    _host: str | None = None
    _site: str = ""

    def resolve(self, href: str | None) -> str | None:
        """Return the canonical address of a link to another page of the same site."""
        href = (href or "").strip()
        if not href or href.startswith(("#", "javascript:", "mailto:", "tel:", "data:", "{")):
            return None
        if href not in self._resolved:
            self._resolved[href] = self._canonical(href)
        return self._resolved[href]

    def _canonical(self, href: str) -> str | None:
        try:
            found = canonical_address(href, base=self.base)
        except AddressRefused:
            return None
        if len(found) > 2000:
            return None
        if self._host is None:
            self._host, self._site = urlsplit(canonical_address(self.address)).netloc, site_of(self.address)
        return found if urlsplit(found).netloc == self._host or site_of(found) == self._site else None

    @property
    def language(self) -> str:
        """The language that the page declares, such as `de`; empty when it declares none."""
        root = self.tree.root
        return ((root.attributes.get("lang") or "") if root else "").partition("-")[0].lower()[:3]


def parse_page(html: str, address: str) -> SitePage:
    """Return the page.

    Raises:
        PageMalformed: it is too large, or nested so deeply that a parser would not end (permanent).
    """
    document = Document(html, address)
    return SitePage(address, html, document.tree, document.base)


def text_of(node: LexborNode, *, most: int = MAX_NAME) -> str:
    """Return what a reader sees of a node, its spaces folded."""
    return _SPACES.sub(" ", node.text(deep=True, separator=" ").replace("\x00", "")).strip()[:most].strip()


def html_of(reply: Reply) -> str:
    """Return a page's HTML; of JSON that carries HTML (what loads more), that; of all else, nothing."""
    if reply.media_type in PAGE_TYPES:
        return reply.text
    if not reply.media_type.endswith("json"):
        return ""
    try:
        waiting: list[Any] = [json.loads(reply.text)]
    except (ValueError, RecursionError):
        return ""  # says nothing that could be read
    parts: list[str] = []
    while waiting and len(parts) < 1000:
        node = waiting.pop()
        if isinstance(node, str) and "<a " in node:
            parts.append(node)
        elif isinstance(node, dict | list):
            waiting.extend(reversed(list(node.values()) if isinstance(node, dict) else node))
    return "".join(parts)


def short_text(node: LexborNode, *, most: int) -> str | None:
    """Return what a reader sees of a node; None when that is longer, without reading the rest."""
    parts: list[str] = []
    length = 0
    for inner in node.traverse(include_text=True):
        if inner.is_text_node:
            text = inner.text() or ""
            length += len(text.strip())
            if length > most:
                return None
            parts.append(text)
    return _SPACES.sub(" ", " ".join(parts)).strip()


def tokens_of(node: LexborNode) -> frozenset[str]:
    """Return the words in a node's class, id and role: `product-list__priceBox` has product, list, price, box."""
    attributes = node.attributes
    told = " ".join(attributes.get(name) or "" for name in ("class", "id", "role"))
    return frozenset(word.lower() for word in _TOKEN.findall(told)) if told.strip() else frozenset()


def ancestors_of(node: LexborNode) -> Iterator[LexborNode]:
    """Yield what a node stands in, the nearest first, up to the body."""
    above = node.parent
    for _ in range(MAX_DEPTH):
        if above is None or above.tag in ("body", "html", "-undef"):
            return
        yield above
        above = above.parent


def is_outer(node: LexborNode) -> bool:
    """Tell whether a node is a block that frames the page: navigation, footer, head, search, dialogue."""
    tag, attributes = node.tag, node.attributes
    if tag in _OUTER_TAGS or (attributes.get("role") or "").lower() in _OUTER_ROLES:
        return True
    if tag == "header":
        return not any(above.tag in _INNER_TAGS for above in ancestors_of(node))
    if tag in ("div", "ul", "section", "aside"):
        return not OUTER_BLOCKS.isdisjoint(tokens_of(node)) and not holds_content(node)
    return False


def is_framed(node: LexborNode) -> bool:
    """Tell whether a node stands in a block that frames the page."""
    return is_outer(node) or any(is_outer(above) for above in ancestors_of(node))


def holds_content(node: LexborNode) -> bool:
    """Tell whether a node holds the page's own content, whatever its class says."""
    return node.css_first("main, h1, [role=main]") is not None
