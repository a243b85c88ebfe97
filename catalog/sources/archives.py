"""A category's own page on a shop's site: the addresses that its main part links to, its heading and its next page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.extraction.document import absolute
from catalog.sources.interfaces import line_text

_IN_PATH = re.compile(r"(.*)/page/(\d{1,5})/?")
_OUTSIDE = frozenset({"header", "footer", "nav", "aside"})
MAX_LINKS = 5_000
FIRST_LINK = "a[href]:not(.button, .add_to_cart_button)"


@dataclass(frozen=True, slots=True)
class Archive:
    """What a category's page shows."""

    heading: str
    links: Sequence[str]  # absolute, without query and fragment, each once, in order
    following: str  # the next page's address; empty on the last
    trail: Sequence[tuple[str, str]] = ()  # breadcrumbs: name and address, from the root


def read_archive(html: str, address: str, *, cards: str = "", trail: str = "") -> Archive:
    """Read a category's page.

    Args:
        html: the page.
        address: where it stands.
        cards: CSS of the products shown, of which the first link counts; every link of the main part if empty.
        trail: CSS of the element that holds the breadcrumbs.
    """
    tree = LexborHTMLParser(html)
    main = tree.css_first("main, [role=main], #MainContent") or tree.body
    shown = main.css(cards or "a[href]")[:MAX_LINKS] if main else []
    links = [link for node in shown if (link := node.css_first(FIRST_LINK)) is not None] if cards else shown
    found = [absolute(node.attributes.get("href") or "", address) for node in links if not _is_outside(node)]
    heading = (main.css_first("h1") if main else None) or tree.css_first("h1")
    following = tree.css_first("link[rel=next][href], a[rel=next][href], a.next[href], .next > a[href]")
    target = absolute(following.attributes.get("href") or "", address) if following else ""
    if target in ("", address):
        target = _numbered(tree, address)
    crumbs = tree.css_first(trail) if trail else None
    return Archive(
        heading=line_text(heading.html, 200) if heading else "",
        links=list(dict.fromkeys(urldefrag(link).url.partition("?")[0] for link in found if link)),
        following=target,
        trail=_steps(crumbs, address) if crumbs else (),
    )


def _numbered(tree: LexborHTMLParser, address: str) -> str:
    """Return the link to this same list's next number, as `?page=2` or `/page/2/`; empty if there is none."""
    own, number = _place_in(address)
    links = (absolute(node.attributes.get("href") or "", address) for node in tree.css("a[href*=page]")[:MAX_LINKS])
    return next((link for link in links if link and _place_in(link) == (own, number + 1)), "")


def _place_in(address: str) -> tuple[str, int]:
    """Return the list that an address is of, and its page number there."""
    parts = urlsplit(address)
    numbered = _IN_PATH.fullmatch(parts.path)
    path, number = (numbered[1], numbered[2]) if numbered else (parts.path, "1")
    if written := parse_qs(parts.query).get("page"):
        number = written[0]
    return f"{parts.netloc}{path.rstrip('/')}", int(number) if number.isdecimal() and len(number) < 6 else 0


def _is_outside(node: LexborNode) -> bool:
    """Tell whether the link stands in the page's frame instead of its main part."""
    above = node.parent
    while above is not None:
        if above.tag in _OUTSIDE:
            return True
        above = above.parent
    return False


def _steps(crumbs: LexborNode, address: str) -> list[tuple[str, str]]:
    """Return the breadcrumbs' names and addresses, from the root; the last is the page itself and often no link."""
    steps = [
        (line_text(node.html, 200), absolute(node.attributes.get("href") or "", address))
        for node in crumbs.css("a[href]")
    ]
    return [(name, link) for name, link in steps if name]
