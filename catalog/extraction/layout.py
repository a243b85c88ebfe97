"""The page as it is seen: its texts in order, each with the elements around it and what they say of its standing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from selectolax.lexbor import LexborNode

from catalog.extraction.document import Document

MAX_NODES = 150_000
MAX_TEXT = 2_000
MAX_JOINED_TEXTS = 60
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "map", "math"})
_VALUE_INPUTS = frozenset({"submit", "button", "image", "reset"})
_CAMEL = re.compile(r"([a-z])([A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")
_DECIMALS = re.compile(r"cent|decimal|fraction|frac\b|penny|pence|kopeck|minor|super|\bsup\b")


class Standing:
    """What the elements around a text say of it: bits, as plain integers, since they are joined a million times a page."""

    NONE = 0
    STRUCK = 1  # crossed out, or named old
    HIDDEN = 2
    ASIDE = 4  # navigation, footer, other products, baskets, reviews
    LINK = 8
    PRICE = 16  # named a price
    CURRENT = 32  # named the price of now
    REGULAR = 64  # named the regular price: the one of now unless a lower one stands beside it
    OTHER_AMOUNT = 128  # named an amount that is no price of the product: shipping, savings, instalments
    STOCK = 256
    CODE = 512
    BRAND = 1024
    BUY = 2048
    CHOICE = 4096  # one of several to choose from
    TRAIL = 8192  # breadcrumbs


def _named(*words: str) -> str:
    return r"(?:^|[^a-z])(?:" + "|".join(words) + r")(?:[^a-z]|$)"


# By the words that developers put into class, id and data attributes, in the languages in which they write them.
_NAMES: list[tuple[int, re.Pattern[str]]] = [
    (
        Standing.STRUCK,
        re.compile(
            _named("old", "was", "before", "strike", "strikethrough", "striked", "crossed", "compare", "compareat", "rrp",
                   "msrp", "uvp", "statt", "antigo", "anterior", "antes", "ancien", "barre", "barré", "stara", "staraya",
                   "prev", "previous", "cut", "przekreslona", "puvodni", "eski", "del", "through", "linethrough")
            + r"|(?:^|[^a-z])(?:old|was|list|strike|cross|original|base|full|retail|before|prev)-?(?:price|preis|prix|prc)"
            + r"|(?:price|pr|preis|prix|precio|prezzo|cena|fiyat)-?(?:old|was|before|strike|disc$|cross|compare|through|prev)"
        ),
    ),
    (
        Standing.ASIDE,
        re.compile(
            _named("nav", "navbar", "navigation", "menu", "submenu", "footer", "breadcrumbs?", "related", "similar",
                   "recommend(?:ation|ations|ed|s)?", "recommender", "recos?", "upsells?", "cross-?sells?", "crosssell(?:ing)?",
                   "also", "minicart", "mini-?cart", "mini-?basket", "basket-?(?:top|preview|mini)", "cart-?(?:drawer|preview|popup)",
                   "recent", "recently", "viewed", "last-?seen", "reviews?", "comments?", "testimonials?", "newsletter",
                   "cookie", "wishlist", "favorites", "compare-?(?:list|products|table|bar)", "bestsellers?", "accessories", "sponsored",
                   "ads?", "advert", "banner", "promo-?bar", "top-?bar", "announcement", "sitemap", "bundles?", "merch(?:andising)?",
                   "modal", "popup", "dialog", "lightbox", "overlay", "offcanvas", "frequently", "suggest(?:ion|ions|ed)?", "other-?products", "more-?products", "similars?", "polecane", "podobne",
                   "verwandt", "zubehoer", "ahnlich", "aehnlich", "relacionados?", "similaires?", "correlati", "benzer")
            + r"|(?:header|top)-?(?:cart|basket)"
        ),
    ),
    (Standing.PRICE, re.compile(r"price|prc(?:$|[^a-z])|prec|preis|prix|prezzo|preco|cena|cen[ay]|fiyat|(?:^|[^a-z])pris|hinta"
                                r"|kaina|tsena|amount|cost(?!ume|co)|(?:^|[^a-z])pr(?:$|[^a-z])|deal|money|harga|valor")),
    (Standing.CURRENT, re.compile(_named("current", "sale", "final", "now", "actual", "new", "special", "promo", "offer",
                                         "selling", "today", "our", "main", "product-?price", "buy-?price", "discounted",
                                         "promotional", "big", "sales", "por", "live")
                                  + r"|price-?(?:new|now|sale|current|final)|(?:sale|new|final|main|current)-?price")),
    (Standing.REGULAR, re.compile(_named("regular", "normal", "list", "standard", "original", "catalog", "full", "retail"))),
    (
        Standing.OTHER_AMOUNT,
        re.compile(
            _named("shipping", "delivery", "postage", "versand", "livraison", "envio", "dostawa", "doprava", "install?ments?",
                   "financing", "finance", "credit", "kredit", "loan", "leasing", "monthly", "savings?", "saved?", "discount",
                   "unit-?price", "base-?price", "grundpreis", "per-?unit", "ppu", "points?", "loyalty", "bonus", "cashback", "estimate",
                   "bids?", "tax", "fee", "deposit", "warranty", "insurance", "coupon", "voucher", "gift", "rating", "stars?",
                   "qty", "quantity", "count", "counter", "timer", "filter", "facet", "raty", "rata", "parcelas?", "omnibus",
                   "lowest-?price", "conv(?:erted)?(?:-?price)?", "convprice", "weight", "dimensions?")
            + r"|ship(?:ping)?-?cost|conv[a-z]*price"
        ),
    ),
    (Standing.CHOICE, re.compile(_named("sizes?", "swatch(?:es)?", "colou?r-?(?:list|picker|options?)", "size-?(?:list|select|options?)"))),
    (Standing.TRAIL, re.compile(r"bread-?crumbs?|" + _named("crumbs?", "trail", "you-?are", "path-?way", "okruszki", "brotkrumen", "drobeckova",
                                                           "navigation-?path"))),
    (Standing.STOCK, re.compile(r"stock|availab|inventory|verfueg|verfugbar|lager|disponib|dostepn|sklad|nalich|stok|saldo|delivery-?status")),
    (Standing.CODE, re.compile(
        r"(?:^|[^a-z])(?:sku|mpn|art(?:icle|ikel|icul)?-?(?:nr|no|num(?:mer|ber)?|id|code)|(?:product|prd|item|prod|model|part|style|goods)-?"
        r"(?:code|sku|num(?:ber)?|no|ref(?:erence)?|id)|ref(?:erence|erencia)?-?(?:num(?:ber|mer)?|no|code)?|artikul|articul|artnr"
        r"|vendor-?code|catalog-?(?:no|number)|kod|codigo|codice)(?:[^a-z]|$)")),
    (Standing.BRAND, re.compile(_named("brand", "brands?-?name", "brandname", "manufacturer", "vendor", "marke", "marca", "marque", "hersteller",
                                       "producer", "maker", "producent", "vyrobce", "vyrobca", "fabricante", "designer"))),
    (Standing.BUY, re.compile(r"(?:add|to)-?(?:cart|bag|basket)|(?:^|[^a-z])(?:buy|addcart|cart-?add|atc|purchase|order)-?(?:now|btn|button|box)?(?:[^a-z]|$)"
                              r"|warenkorb|btn-?(?:buy|cart)|kupit|comprar|acheter|kaufen|koszyk|kosik")),
]  # fmt: skip


@dataclass(slots=True)
class Element:
    """An element of the body. Its texts are those from start up to end."""

    tag: str
    names: str  # class, id and data attributes that name things, lower case, camel case split
    attributes: dict[str, str | None]
    parent: int
    own: int  # Standing
    start: int
    end: int = 0
    standing: int = Standing.NONE  # its own and what it stands in


@dataclass(slots=True)
class Layout:
    """The body's elements, and the texts that a reader sees, in order."""

    elements: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)  # of each text: its element

    def ancestors(self, element: int, limit: int = 60) -> Iterator[int]:
        """Yield the element and those around it, outwards."""
        while element >= 0 and limit > 0:
            yield element
            element = self.elements[element].parent
            limit -= 1

    def text_of(self, element: int, *, limit: int = 200, leave_out: int = Standing.NONE) -> str:
        """Return the texts of an element as one; decimals set apart (19<sup>99</sup>) are joined by a point."""
        own = self.elements[element]
        parts: list[str] = []
        length = 0
        for index in range(own.start, min(own.end, own.start + MAX_JOINED_TEXTS)):
            owner = self.elements[self.owners[index]]
            if leave_out and owner.standing & leave_out:
                continue
            text = self.texts[index]
            parts.append(_joint(parts[-1] if parts else "", text, owner) + text)
            length += len(text)
            if length > limit:
                break
        return "".join(parts).strip()

    def standing(self, text: int) -> int:
        """Return the standing of a text."""
        return self.elements[self.owners[text]].standing

    def settle(self, title: int | None) -> None:
        """Hand each element's standing down to what is in it; what the title stands in is not aside."""
        around = set(self.ancestors(title, 500)) if title is not None else set()
        for index, element in enumerate(self.elements):
            own = element.own
            if index in around:
                own &= ~_INHERITED
            inherited = self.elements[element.parent].standing & _INHERITED if element.parent >= 0 else Standing.NONE
            element.standing = own | inherited


_INHERITED = Standing.STRUCK | Standing.HIDDEN | Standing.ASIDE | Standing.LINK | Standing.OTHER_AMOUNT


def lay_out(document: Document) -> Layout:
    """Return the layout of the page's body; what follows after MAX_NODES nodes is not seen."""
    layout = Layout()
    body = document.tree.body
    if body is None:
        return layout
    _walk(body, layout)
    layout.settle(None)
    return layout


def _walk(body: LexborNode, layout: Layout) -> None:
    """Go through the body without recursion: pages nest as deep as they like."""
    open_nodes: list[tuple[LexborNode, int]] = []
    node: LexborNode | None = body
    count = 0
    while node is not None and count < MAX_NODES:
        count += 1
        parent = open_nodes[-1][1] if open_nodes else -1
        child = None
        if node.is_text_node:
            _add_text(layout, node.text_content or "", parent)
        elif node.is_element_node and node.tag not in _SKIPPED:
            _add_element(layout, node, parent)
            open_nodes.append((node, len(layout.elements) - 1))
            child = node.child
            if child is None:
                _close(layout, open_nodes)
        if child is not None:
            node = child
            continue
        following = node.next if node is not body else None
        while following is None and open_nodes:
            last = open_nodes[-1][0]
            _close(layout, open_nodes)
            following = last.next if last is not body and open_nodes else None
        node = following
    while open_nodes:
        _close(layout, open_nodes)


def _close(layout: Layout, open_nodes: list[tuple[LexborNode, int]]) -> None:
    _, index = open_nodes.pop()
    layout.elements[index].end = len(layout.texts)


def _add_text(layout: Layout, text: str, owner: int) -> None:
    words = " ".join(text.split())
    if words and owner >= 0:
        layout.texts.append(words[:MAX_TEXT])
        layout.owners.append(owner)


def _add_element(layout: Layout, node: LexborNode, parent: int) -> None:
    attributes = node.attributes
    tag = node.tag or ""
    own = _TAG_STANDINGS.get(tag, Standing.NONE)
    names = ""
    if attributes:
        names = " ".join([value for name, value in attributes.items() if value and (name in _NAMING or (
            name[:5] == "data-" and len(value) < 40))])[:400]  # fmt: skip
        if names:
            own |= _standing_of_names(names)
        own |= _standing_of_attributes(tag, attributes)
    element = Element(tag, names, attributes, parent, own, len(layout.texts))
    layout.elements.append(element)
    if tag == "input" and (attributes.get("type") or "").lower() in _VALUE_INPUTS:
        _add_text(layout, attributes.get("value") or "", len(layout.elements) - 1)


def _standing_of_attributes(tag: str, attributes: dict[str, str | None]) -> int:
    standing = Standing.NONE
    if "hidden" in attributes:
        standing |= Standing.HIDDEN
    style = attributes.get("style")
    if style:
        squeezed = style.replace(" ", "").lower()
        if "display:none" in squeezed or "visibility:hidden" in squeezed:
            standing |= Standing.HIDDEN
        if "line-through" in squeezed:
            standing |= Standing.STRUCK
    if tag == "a" and attributes.get("href") and not (attributes["href"] or "").startswith(("#", "javascript:")):
        standing |= Standing.LINK
    return standing


_TAG_STANDINGS = {
    "del": Standing.STRUCK, "s": Standing.STRUCK, "strike": Standing.STRUCK, "nav": Standing.ASIDE,
    "footer": Standing.ASIDE, "option": Standing.CHOICE, "select": Standing.CHOICE, "label": Standing.CHOICE,
}  # fmt: skip
_NAMING = frozenset({"class", "id", "itemprop"})


@lru_cache(maxsize=20_000)
def _standing_of_names(names: str) -> int:
    """Look the names up word by word and pair by pair: pages repeat their words, and the words' standings are kept."""
    words = _LETTERS.findall(_CAMEL.sub(r"\1-\2", names).lower())
    standing = Standing.NONE
    before = ""
    for word in words[:40]:
        standing |= _standing_of_word(f"{before}-{word}" if before else word)
        before = word
    return standing


@lru_cache(maxsize=50_000)
def _standing_of_word(word: str) -> int:
    standing = Standing.NONE
    for one, pattern in _NAMES:
        if pattern.search(word):
            standing |= one
    return standing


def _joint(before: str, text: str, owner: Element) -> str:
    """Return what stands between two texts of neighbouring elements."""
    if not before:
        return ""
    is_split = before[-1].isdigit() and text[0].isdigit() and len(text) == 2 and text.isdigit()
    if is_split and (owner.tag == "sup" or _DECIMALS.search(owner.names.lower())):
        return "."
    if text[0] in ".," and before[-1].isdigit():
        return ""
    if before[-1] in ".," and text[0].isdigit() and len(before) > 1 and before[-2].isdigit():
        return ""
    return " "
