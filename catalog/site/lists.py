"""Lists: what one page of a catalog shows of products, of further pages, and of categories below it."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from selectolax.lexbor import LexborNode

from catalog.site.address_words import (
    ALL_TEXTS,
    CATEGORY_BLOCKS,
    CONTENT_TEXTS,
    HOME_TEXTS,
    MORE_TEXTS,
    NEXT_TEXTS,
    OFFSET_PARAMETERS,
    PAGE_PARAMETERS,
    PAGING_BLOCKS,
    PRODUCT_COUNTS,
)
from catalog.site.cards import Card, ListReader
from catalog.site.page import SitePage, ancestors_of, short_text, text_of, tokens_of
from catalog.site.templates import PRODUCT

MAX_SUB_CATEGORIES = 100
MAX_CRUMBS = 10
MAX_COUNTS = 1_000

_PAGE_STEP = re.compile(r"^(?P<before>.*?/(?:page|seite|pagina|strona|sayfa|p)[/-]?)(?P<number>\d{1,5})(?P<after>/?)$")
_NUMBER_TEXT = re.compile(r"\d{1,5}")
_COUNT = re.compile(rf"(\d[\d.,\s]{{0,9}})\s*(?:{PRODUCT_COUNTS})\b", re.IGNORECASE)
_NAMED_COUNT = re.compile(r"\s*[(\[]\s*(\d[\d.,\s]{0,9})\s*[)\]]\s*$")
_NEXT_DATA = ("data-next-url", "data-next-page-url", "data-next", "data-url", "data-href", "data-load-more-url", "href")
_NO_NAMES = ALL_TEXTS | CONTENT_TEXTS | HOME_TEXTS | NEXT_TEXTS | MORE_TEXTS
_MORE_BLOCKS = frozenset({"loadmore", "showmore", "infinite", "infinitescroll"})
_SEPARATORS = re.compile(r"^[\s/>»›|·:-]+$")


@dataclass(frozen=True, slots=True)
class SubCategory:
    """A category that a list leads to, below its own."""

    name: str
    address: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ShopList:
    """What one page shows. No products: it is no list, or one beyond the end."""

    cards: Sequence[Card]
    next_address: str = ""
    next_guess: str = ""  # where the next page would be; nothing on the page says that there are pages
    categories: Sequence[SubCategory] = ()
    tiles: Sequence[SubCategory] = ()  # links with a picture on a page without prices: categories, or products
    total: int | None = None
    heading: str = ""
    crumbs: Sequence[SubCategory] = ()  # the way from the root to this page, as it shows it
    skipped: Mapping[str, int] = field(default_factory=dict)


def read_list(page: SitePage, *, templates: Mapping[str, str], known: Collection[str] = ()) -> ShopList:
    """Read one page of a list. `known` are the addresses of categories that the navigation names already."""
    reader = ListReader(page, templates)
    cards = reader.cards()
    heading = page.tree.css_first("h1")
    crumbs = read_crumbs(page)
    skipped: Counter[str] = Counter(reader.skipped)
    above = {crumb.address for crumb in crumbs}
    categories, tiles = _sub_categories(reader, cards, known, above, skipped)
    links = _paging_links(page)
    following = _next_address(page, reader.own, links)
    guess = "" if following or links or not cards else with_page(reader.own, page_number(reader.own) + 1)
    return ShopList(
        cards=cards,
        next_address=following,
        next_guess=guess,
        categories=categories,
        tiles=tiles,
        total=_total(page),
        heading=text_of(heading) if heading else "",
        crumbs=crumbs,
        skipped=dict(skipped),
    )


def read_crumbs(page: SitePage) -> list[SubCategory]:
    """Return the breadcrumbs that the page shows, from the root; the home page is left out."""
    home = page.resolve("/")
    for block in page.tree.css(
        "[itemtype*=BreadcrumbList], [aria-label*=readcrumb], [class*=readcrumb], [id*=readcrumb]"
    ):
        found: list[SubCategory] = []
        for node in block.css("a, li, span"):
            # A node is among its own matches.
            if node.tag != "a" and any(inner.mem_id != node.mem_id for inner in node.css("a, li, span")):
                continue
            if node.tag != "a" and any(above.tag == "a" for above in ancestors_of(node)):
                continue
            name = text_of(node)
            if not name or _SEPARATORS.match(name) or (found and found[-1].name == name):
                continue
            address = page.resolve(node.attributes.get("href")) if node.tag == "a" else None
            if address == home and node.tag == "a":
                continue
            found.append(SubCategory(name, address or ""))
        if found:
            kept = [crumb for crumb in found if crumb.name.casefold() not in HOME_TEXTS]
            return kept[:MAX_CRUMBS]
    return []


def _next_address(page: SitePage, own: str, links: Sequence[tuple[str, str]]) -> str:
    """Return the address of the next page: what says so, else the next number, else what loads more."""
    for link in page.tree.css("link[rel~=next], a[rel~=next]"):
        if (address := page.resolve(link.attributes.get("href"))) and address != own:
            return address
    number = page_number(own)
    numbered = {text: address for text, address in links if _NUMBER_TEXT.fullmatch(text)}
    if following := numbered.get(str(number + 1)):
        return following
    for text, address in links:
        if text in NEXT_TEXTS and address != own and address not in numbered.values():
            return address
    for text, address in links:
        if text in NEXT_TEXTS and address != own and page_number(address) > number:
            return address
    return _more_address(page, own)


def _paging_links(page: SitePage) -> list[tuple[str, str]]:
    """Return text and address of the links that stand in a block for paging, or say "next" themselves."""
    found: list[tuple[str, str]] = []
    for anchor in page.tree.css("a[href]"):
        address = page.resolve(anchor.attributes.get("href"))
        if address is None:
            continue
        label = (anchor.attributes.get("aria-label") or anchor.attributes.get("title") or "").strip().casefold()
        text = text_of(anchor).casefold()
        is_next = text in NEXT_TEXTS or label in NEXT_TEXTS or "next" in tokens_of(anchor)
        if _is_in_paging(anchor) or (is_next and _differs_by_page(page.address, address)):
            found.append((text if _NUMBER_TEXT.fullmatch(text) else "next" if is_next else text, address))
    return found


def _is_in_paging(node: LexborNode) -> bool:
    for block in (node, *list(ancestors_of(node))[:6]):
        label = (block.attributes.get("aria-label") or "").lower()
        if not PAGING_BLOCKS.isdisjoint(tokens_of(block)) or "pagination" in label or "paging" in label:
            return True
    return False


def _more_address(page: SitePage, own: str) -> str:
    """Return what a "load more" button loads, where its attributes say it."""
    for node in page.tree.css("a, button, div[data-next-url], div[data-next-page-url], [data-load-more-url]"):
        attributes = node.attributes
        is_more = text_of(node).casefold() in MORE_TEXTS or not _MORE_BLOCKS.isdisjoint(
            {"".join(re.findall(r"[a-z]+", name.lower())) for name in (attributes.get("class") or "").split()}
        )
        if not is_more and not any(name in attributes for name in _NEXT_DATA[:2]):
            continue
        for name in _NEXT_DATA:
            if (address := page.resolve(attributes.get(name))) and address != own:
                return address
        number = attributes.get("data-next-page") or attributes.get("data-page") or ""
        if number.isdigit() and len(number) < 6:
            step = 0 if "data-next-page" in attributes or int(number) > page_number(own) else 1
            return with_page(own, int(number) + step)
    return ""


def _total(page: SitePage) -> int | None:
    """Return how many products the list says that it has: the largest number before a word for products."""
    main = page.tree.css_first("main, [role=main]") or page.tree.body
    if main is None:
        return None
    numbers: list[int] = []
    for text in main.traverse(include_text=True):
        if not text.is_text_node or text.parent is None or not re.search(r"\d", text.text() or ""):
            continue
        told = short_text(text.parent, most=120) or (text.text() or "")[:120]
        numbers += [int(digits) for found in _COUNT.findall(told) if (digits := re.sub(r"\D", "", found))]
        if len(numbers) > MAX_COUNTS:
            break
    return max((number for number in numbers if number < 1_000_000), default=None)


def _sub_categories(
    reader: ListReader,
    cards: Sequence[Card],
    known: Collection[str],
    above: Collection[str],
    skipped: Counter[str],
) -> tuple[list[SubCategory], list[SubCategory]]:
    """Return the categories below this one by what their addresses or their blocks say, and the tiles beside."""
    products = {card.address for card in cards}
    nested: dict[str, SubCategory] = {}
    tiles: dict[str, SubCategory] = {}
    for anchor, address in reader.anchors:
        if address in products or address in above or anchor.mem_id in reader.card_nodes or address in known:
            continue
        if reader.kind_of(address) == PRODUCT:
            continue
        if "nofollow" in (anchor.attributes.get("rel") or "") or _only_narrows(reader.own, address):
            skipped["narrowed list"] += 1
            continue
        if _is_in_paging(anchor) or _differs_by_page(reader.own, address):
            continue
        name, count = _name_and_count(anchor)
        if not name or name.casefold() in _NO_NAMES:
            continue
        found = SubCategory(name, address, count)
        if _is_below(address, reader.own) or _is_among_categories(anchor):
            nested.setdefault(address, found)
        elif not products and anchor.css_first("img") is not None:
            tiles.setdefault(address, found)
    if len(tiles) < 2:
        tiles.clear()
    for chosen in (nested, tiles):
        if len(chosen) > MAX_SUB_CATEGORIES:
            skipped["too many categories on one page"] += len(chosen) - MAX_SUB_CATEGORIES
    return list(nested.values())[:MAX_SUB_CATEGORIES], list(tiles.values())[:MAX_SUB_CATEGORIES]


def _is_among_categories(anchor: LexborNode) -> bool:
    """Tell whether a link stands in a block that calls itself one of sub-categories."""
    return any(not CATEGORY_BLOCKS.isdisjoint(tokens_of(block)) for block in list(ancestors_of(anchor))[:4])


def _name_and_count(anchor: LexborNode) -> tuple[str, int | None]:
    text = text_of(anchor)
    if not text:
        picture = anchor.css_first("img[alt]")
        text = (picture.attributes.get("alt") or "").strip()[:100] if picture else ""
    counted = _NAMED_COUNT.search(text)
    return _NAMED_COUNT.sub("", text), int(re.sub(r"\D", "", counted[1])) if counted else None


def _is_below(address: str, own: str) -> bool:
    """Tell whether an address stands below another by its path. Nothing is "below" the front page: all is."""
    inner, outer = urlsplit(address), urlsplit(own)
    if outer.query and inner.path == outer.path:
        return _is_longer_query(outer.query, inner.query)
    stem = re.sub(r"\.(?:html?|php|aspx?)$", "", outer.path).rstrip("/")
    return bool(stem) and inner.path.startswith(f"{stem}/") and not inner.query and not _PAGE_STEP.match(inner.path)


def _is_longer_query(outer: str, inner: str) -> bool:
    """Tell whether one query is another with a longer path in one value: `path=20` and `path=20_26`."""
    mine, other = parse_qsl(outer), parse_qsl(inner)
    if [name for name, _ in mine] != [name for name, _ in other]:
        return False
    changed = [(old, new) for (_, old), (_, new) in zip(mine, other, strict=True) if old != new]
    return len(changed) == 1 and re.match(re.escape(changed[0][0]) + r"[_/.-]\w", changed[0][1]) is not None


def _only_narrows(own: str, address: str) -> bool:
    """Tell whether an address is this list with further parameters: sorted, filtered, with a session, by month."""
    mine, other = urlsplit(own), urlsplit(address)
    if mine.path.rstrip("/") != other.path.rstrip("/") or not other.query:
        return False
    return set(parse_qsl(mine.query)) - _paging_of(mine.query) <= set(parse_qsl(other.query))


def _paging_of(query: str) -> set[tuple[str, str]]:
    return {(name, value) for name, value in parse_qsl(query) if name.lower() in PAGE_PARAMETERS | OFFSET_PARAMETERS}


def _differs_by_page(own: str, address: str) -> bool:
    """Tell whether two addresses are pages of one list."""
    return _without_page(own) == _without_page(address)


@lru_cache(maxsize=8192)
def _without_page(address: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parts = urlsplit(address)
    path = re.sub(r"/(?:page|seite|pagina|strona|sayfa|p)[/-]?\d{1,5}/?$", "", parts.path).rstrip("/")
    query = sorted(set(parse_qsl(parts.query)) - _paging_of(parts.query))
    return path, tuple(query)


def page_number(address: str) -> int:
    """Return the number of the page that an address names, from 1; an offset counts as its own number."""
    parts = urlsplit(address)
    for name, value in parse_qsl(parts.query):
        if name.lower() in PAGE_PARAMETERS | OFFSET_PARAMETERS and value.isdigit():
            return int(value[:9]) if name.lower() in PAGE_PARAMETERS else int(value[:9]) + 1
    stepped = _PAGE_STEP.match(parts.path)
    return int(stepped["number"]) if stepped else 1


def with_page(address: str, number: int) -> str:
    """Return the address of another page of the same list: its own parameter for pages, else `page`."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = [name for name, value in query if name.lower() in PAGE_PARAMETERS and value.isdigit()]
    if not names and (stepped := _PAGE_STEP.match(parts.path)):
        return parts._replace(path=f"{stepped['before']}{number}{stepped['after']}").geturl()
    own = names[0] if names else "page"
    kept = [(name, value) for name, value in query if name != own]
    return parts._replace(query=urlencode([*kept, (own, str(number))])).geturl()
