"""How a site is searched, as its own markup says, and what the page of results links to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode
from yarl import URL

from catalog.extraction.json_ld import types
from catalog.ratings import json_ld_nodes
from catalog.streams.xml_records import XmlRecord, XmlRecordReader
from jobs.errors import PermanentError

OPENSEARCH = "application/opensearchdescription+xml"
CHROME = frozenset({"nav", "header", "footer", "aside"})  # elements that hold what every page shows
CHROME_ROLES = frozenset({"navigation", "banner", "contentinfo", "complementary", "search"})
# Names that search fields have where neither role nor type says so: HTML's own examples, WordPress, Shopify, Magento...
FIELD_NAMES = frozenset({"q", "s", "query", "search", "keyword", "keywords", "search_query", "searchterm", "text"})
MAX_DEPTH = 60


class SearchNotFound(PermanentError):
    """The page tells of no way to search the site."""

    code = "catalog.search_not_found"


@dataclass(frozen=True, slots=True)
class SearchWay:
    """A way to search: an address in which TERM stands for the query, or where a description of one is."""

    address: str
    evidence: str  # json-ld, opensearch or form
    is_description: bool = False

    def address_for(self, query: str) -> str:
        """Return the address of the results for the query."""
        return self.address.replace(TERM, quote_plus(query))


@dataclass(frozen=True, slots=True)
class Result:
    """A link on a page of results."""

    address: str
    text: str


TERM = "{searchTerms}"  # OpenSearch's own word
_JSON_LD_TERM = re.compile(r"\{search_term(?:_string)?\}|\{search[\w-]*\}|\{query\}")
_OPTIONAL = re.compile(r"\{[\w:]+\?\}")  # OpenSearch 1.1, "template parameters": optional ones may be left empty


def find_search(html: str, address: str) -> SearchWay:
    """Return the best way to search that the page tells of: WebSite's SearchAction, OpenSearch, then a form.

    Raises:
        SearchNotFound: there is none (permanent).
    """
    tree = LexborHTMLParser(html)
    way = _from_action(tree, address) or _from_form(tree, address) or _from_description(tree, address)
    if way is None:
        raise SearchNotFound(f"{address} has no search field, and its markup names no search")
    return way


def _from_action(tree: LexborHTMLParser, address: str) -> SearchWay | None:
    for node in json_ld_nodes(tree):
        if "searchaction" not in types(node):
            continue
        target = node.get("target")
        template: Any = target.get("urlTemplate") if isinstance(target, dict) else target
        if isinstance(template, list):
            template = next((it for it in template if isinstance(it, str)), None)
        if isinstance(template, str) and _JSON_LD_TERM.search(template):
            return SearchWay(urljoin(address, _JSON_LD_TERM.sub(TERM, template)), "json-ld")
    return None


def _from_description(tree: LexborHTMLParser, address: str) -> SearchWay | None:
    for link in tree.css("link[rel][href]"):
        attributes = link.attributes
        if "search" in (attributes.get("rel") or "").lower().split() and attributes.get("type") == OPENSEARCH:
            return SearchWay(urljoin(address, attributes.get("href") or ""), "opensearch", is_description=True)
    return None


def _from_form(tree: LexborHTMLParser, address: str) -> SearchWay | None:
    for form in tree.css("form"):
        if (form.attributes.get("method") or "get").lower() != "get":
            continue
        field = _search_field(form)
        if field is None:
            continue
        action = URL(urljoin(address, form.attributes.get("action") or address))
        hidden = {
            name: node.attributes.get("value") or ""
            for node in form.css('input[type="hidden"]')
            if (name := node.attributes.get("name"))
        }
        base = action.with_query({**action.query, **hidden}).with_fragment(None)
        return SearchWay(f"{base}{'&' if base.query_string else '?'}{quote_plus(field)}={TERM}", "form")
    return None


def _search_field(form: LexborNode) -> str | None:
    """Return the name of the form's field for a query; None when it is no search form."""
    role = form.attributes.get("role") == "search" or (form.parent is not None and form.parent.tag == "search")
    for node in form.css("input[name]"):
        kind = (node.attributes.get("type") or "text").lower()
        name = node.attributes.get("name") or ""
        if kind == "search" or (kind == "text" and (role or name.lower() in FIELD_NAMES)):
            return name
    return None


def read_description(xml: bytes, address: str) -> SearchWay:
    """Return the way to search that an OpenSearch description names.

    Raises:
        SearchNotFound: it names none for web pages, or is no XML (permanent).
    """
    reader = XmlRecordReader(frozenset({"Url"}))
    for way in [*reader.feed(xml), *reader.close()]:
        said = way.attributes if isinstance(way, XmlRecord) else {}
        template = said.get("template", "")
        is_page = said.get("type", "").startswith("text/html") and said.get("method", "get").lower() == "get"
        if is_page and TERM in template:
            return SearchWay(urljoin(address, _OPTIONAL.sub("", template)), "opensearch")
    raise SearchNotFound(f"{address} names no search for web pages")


def links_of(html: str, address: str) -> dict[str, str]:
    """Return the addresses on the same host that a page links to outside its navigation, with the links' text."""
    return {it.address: it.text for it in _links(LexborHTMLParser(html), address)}


def read_results(html: str, address: str, *, query: str, elsewhere: Sequence[str] = ()) -> list[Result]:
    """Return what a page of results links to, in its order, that may be a product.

    What stands in a navigation is left out. So is what another page of the site links to as well, unless the link's
    text has a word of the query in it. Whether it is a product, its own page must show.

    Args:
        html: the page's.
        address: the page's.
        query: what was searched for.
        elsewhere: what the page where the search began links to.
    """
    tree = LexborHTMLParser(html)
    listed = _listed(tree, address)
    if listed:
        return listed
    words = {word for word in re.findall(r"\w+", query.lower()) if len(word) > 1}
    common = set(elsewhere)
    here = URL(address)
    found = []
    for link in _links(tree, address):
        is_own = URL(link.address).path == here.path
        is_named = not words.isdisjoint(re.findall(r"\w+", link.text.lower()))
        if not is_own and (link.address not in common or is_named):
            found.append(link)
    return found


def next_page_of(html: str, address: str) -> str:
    """Return the address of the next page of results, as rel=next names it; empty when there is none."""
    for node in LexborHTMLParser(html).css("link[rel][href], a[rel][href]"):
        if "next" in (node.attributes.get("rel") or "").lower().split():
            found = _absolute(address, node.attributes.get("href") or "")
            if found and found != address:
                return found
    return ""


def _listed(tree: LexborHTMLParser, address: str) -> list[Result]:
    """Return the products of the page's schema.org ItemList."""
    found: dict[str, Result] = {}
    for node in json_ld_nodes(tree):
        entries = node.get("itemListElement")
        if "itemlist" not in types(node) or not isinstance(entries, list):
            continue
        for entry in entries:
            item = entry.get("item", entry) if isinstance(entry, dict) else entry
            url = (item.get("url") or item.get("@id")) if isinstance(item, dict) else item
            place = _absolute(address, url) if isinstance(url, str) else ""
            if place:
                name = item.get("name") if isinstance(item, dict) else ""
                found.setdefault(place, Result(place, str(name or "")[:200]))
    return list(found.values())


def _links(tree: LexborHTMLParser, address: str) -> list[Result]:
    found: dict[str, str] = {}
    for node in tree.css("a[href]"):
        place = _absolute(address, node.attributes.get("href") or "")
        if place and not _is_in_chrome(node):
            text = " ".join(node.text(separator=" ").split())[:200]
            found[place] = found.get(place) or text
    return [Result(place, text) for place, text in found.items()]


def _absolute(address: str, link: str) -> str:
    """Return a link's address, if it is one of the same host."""
    try:
        url = URL(urljoin(address, link.strip())).with_fragment(None)
        is_here = url.scheme in ("http", "https") and url.host_port_subcomponent == URL(address).host_port_subcomponent
    except ValueError:
        return ""
    return str(url) if is_here and len(str(url)) <= 2_000 else ""


def _is_in_chrome(node: LexborNode) -> bool:
    above = node.parent
    for _ in range(MAX_DEPTH):
        if above is None or above.tag == "body":
            return False
        if above.tag in CHROME or above.attributes.get("role") in CHROME_ROLES:
            return True
        above = above.parent
    return False
