"""The page as it is seen: its texts in order, each with the elements around it and what they say of its standing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from catalog.extraction.document import Document
from catalog.extraction.standing import Standing, standing_of_names
from catalog.extraction.word_lists import phrase_test

MAX_NODES = 150_000
MAX_TEXTS_BEFORE = 2  # such as a label or a number before the heading of a block
MAX_TEXT = 2_000
MAX_JOINED_TEXTS = 60
OUTSIDE = -1  # in place of an element's index
_SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "map", "math", "-comment"}
)
_VALUE_INPUTS = frozenset({"submit", "button", "image", "reset"})
_COLONS = frozenset({":", "："})
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
# What shops write over other products, in the languages of the word lists.
_announces_others = phrase_test(
    r"also (?:like|view|bought|consider)|related|similar|recommend|recently|frequently bought|customers who|more from"
    r"|könnte (?:dir|ihnen)|ähnliche|kunden|zuletzt|passend dazu|vous aimerez|similaires|également|récemment"
    r"|te puede|también|relacionad|similares|vistos|quem viu|você também|potrebbe|correlati|simili|podobne|polecane"
    r"|klienci|mogą ci|ostatnio|podobné|mohlo by|souvisej|súvisia|naposledy|похожие|с этим товаром|рекоменд"
    r"|вы смотрели|аналог|схожі|подобни|benzer|bunları|anderen|gerelateerd|vergelijkbaar|lignende|liknande"
    r"|relaterade|andra köpte|samankaltai|muut|hasonló|similare|slični|slicni|παρόμοια|関連|おすすめ|最近"
    r"|チェックした|相关|相關|推荐|推薦|猜你|관련|추천"
    r"|مشابهة|قد يعجبك|ذات صلة|דומים|liên quan|tương tự|terkait|serupa|เกี่ยวข้อง"
)
_TRAIL_LABELS = re.compile(r"bread-?\s?crumbs?|you are here|brotkr|fil d.ariane|okruszki|migas|briciole", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_DECIMALS = re.compile(r"cent|decimal|fraction|frac\b|penny|pence|kopeck|minor|super|\bsup\b")


@dataclass(slots=True)
class Element:
    """An element of the body. Its texts are those from start up to end."""

    tag: str
    names: str  # class, id and data attributes that name things, lower case, camel case split
    attributes: dict[str, str | None]
    parent: int
    own: int  # Standing
    start: int
    end: int
    standing: int = Standing.NONE  # its own and what it stands in


@dataclass(slots=True)
class Layout:
    """The body's elements, and the texts that a reader sees, in order."""

    elements: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)  # of each text: its element
    standings: list[int] = field(default_factory=list)  # of each text: its element's
    have_digits: list[bool] = field(default_factory=list)  # of each text

    def ancestors(self, element: int, limit: int = 60) -> Iterator[int]:
        """Yield the element and those around it, outwards."""
        while element >= 0 and limit > 0:
            yield element
            element = self.elements[element].parent
            limit -= 1

    def text_of(self, element: int, *, limit: int = 200, leave_out: int = Standing.NONE) -> str:
        """Return the texts of an element as one; decimals set apart (19<sup>99</sup>) are joined by a point."""
        own = self.elements[element]
        if own.end - own.start == 1 and not leave_out:
            return self.texts[own.start]
        parts: list[str] = []
        length = 0
        for index in range(own.start, min(own.end, own.start + MAX_JOINED_TEXTS)):
            owner = self.elements[self.owners[index]]
            if leave_out and owner.standing & leave_out:
                continue
            text = self.texts[index]
            parts.append(_joint(parts[-1], text, owner) + text if parts else text)
            length += len(text)
            if length > limit:
                break
        return "".join(parts).strip()

    def settle(self, title: int | None) -> None:
        """Hand each element's standing down to what is in it; what the title stands in is not aside."""
        elements = self.elements
        around = set(self.ancestors(title, 500)) if title is not None else set()
        if self.standings and not any(elements[index].own & _INHERITED for index in around):
            return
        for index, element in enumerate(elements):
            own = element.own & ~_INHERITED if index in around else element.own
            element.standing = own | (elements[element.parent].standing & _INHERITED if index else Standing.NONE)
        self.standings = [elements[owner].standing for owner in self.owners]


_INHERITED = (
    Standing.CAROUSEL | Standing.STRUCK | Standing.HIDDEN | Standing.ASIDE | Standing.LINK | Standing.OTHER_AMOUNT
)


def lay_out(document: Document) -> Layout:
    """Return the layout of the page's body; what follows after MAX_NODES nodes is not seen."""
    layout = Layout()
    body = document.tree.body
    if body is None:
        return layout
    _walk(body, layout)
    _set_others_aside(layout)
    layout.settle(None)
    return layout


def _set_others_aside(layout: Layout) -> None:
    """Mark what stands under a heading that announces other products."""
    for index, element in enumerate(layout.elements):
        if element.tag not in _HEADINGS or element.end - element.start > 3:
            continue
        if _announces_others(layout.text_of(index, limit=80)):
            around = next((one for one in layout.ancestors(index, 4)
                           if layout.elements[one].end - element.end >= 2), None)  # fmt: skip
            if around is not None:
                _set_aside_from(layout, index, around)


def _set_aside_from(layout: Layout, heading: int, around: int) -> None:
    """Mark the block that a heading begins; of a block that begins before it, only what follows the heading."""
    elements = layout.elements
    if elements[heading].start - elements[around].start <= MAX_TEXTS_BEFORE:
        elements[around].own |= Standing.ASIDE
        return
    child = heading
    while elements[child].parent != around:
        child = elements[child].parent
    rank = elements[heading].tag
    elements[child].own |= Standing.ASIDE
    for index in range(child + 1, len(elements)):
        element = elements[index]
        if element.start >= elements[around].end or (element.tag in _HEADINGS and element.tag <= rank):
            break
        if element.parent == around:
            element.own |= Standing.ASIDE


def _walk(body: LexborNode, layout: Layout) -> None:
    """Go through the body without recursion: pages nest as deep as they like."""
    elements, texts = layout.elements, layout.texts
    seen: dict[int, int] = {}  # of nodes: their elements; what stands in none is not seen
    for node in body.traverse(include_text=True, skip_empty=True):
        tag = node.tag or ""
        around = node.parent
        owner = seen.get(around.mem_id, OUTSIDE) if around is not None else OUTSIDE
        if tag == "-text":
            if owner >= 0:
                _add_text(layout, node.text_content or "", owner)
        elif (owner >= 0 or not elements) and tag not in _SKIPPED:
            seen[node.mem_id] = len(elements)
            _add_element(layout, tag, node.attributes, owner)
        if len(elements) + len(texts) >= MAX_NODES:
            break
    for element in reversed(elements[1:]):
        around_it = elements[element.parent]
        around_it.end = max(around_it.end, element.end)


def _add_text(layout: Layout, text: str, owner: int) -> None:
    words = " ".join(text.split())
    if words in _COLONS and layout.texts:  # set apart, it is still the label's before it
        layout.texts[-1] += words
        return
    if words:
        layout.texts.append(words[:MAX_TEXT])
        layout.owners.append(owner)
        layout.have_digits.append(_DIGIT.search(words) is not None)
        layout.elements[owner].end = len(layout.texts)


def _add_element(layout: Layout, tag: str, attributes: dict[str, str | None], parent: int) -> None:
    own = _TAG_STANDINGS.get(tag, Standing.NONE)
    names = ""
    if attributes:
        if "class" in attributes and len(attributes) == 1:  # as half of all elements
            names = (attributes["class"] or "")[:400]
        else:
            names = " ".join([value for name, value in attributes.items() if value and (name in _NAMING or (
                name[:5] == "data-" and len(value) < 40))])[:400]  # fmt: skip
            own |= _standing_of_attributes(tag, attributes)
        if names:
            own |= standing_of_names(names)
    start = len(layout.texts)
    layout.elements.append(Element(tag, names, attributes, parent, own, start, start))
    if tag == "input" and (attributes.get("type") or "").lower() in _VALUE_INPUTS:
        _add_text(layout, attributes.get("value") or "", len(layout.elements) - 1)


def _standing_of_attributes(tag: str, attributes: dict[str, str | None]) -> int:
    standing = Standing.HIDDEN if "hidden" in attributes else Standing.NONE
    if "role" in attributes and attributes["role"] == "button":
        standing |= Standing.BUTTON
    if "aria-label" in attributes and _TRAIL_LABELS.search(attributes["aria-label"] or ""):
        standing |= Standing.TRAIL
    if style := attributes.get("style"):
        squeezed = style.replace(" ", "").lower()
        if "display:none" in squeezed or "visibility:hidden" in squeezed:
            standing |= Standing.HIDDEN
        if "line-through" in squeezed:
            standing |= Standing.STRUCK
    if tag == "a" and (address := attributes.get("href")) and not address.startswith(("#", "javascript:")):
        standing |= Standing.LINK
    return standing


_TAG_STANDINGS = {
    "del": Standing.STRUCK, "s": Standing.STRUCK, "strike": Standing.STRUCK, "nav": Standing.ASIDE,
    "footer": Standing.ASIDE, "option": Standing.CHOICE, "select": Standing.CHOICE, "label": Standing.CHOICE,
    "button": Standing.BUTTON, "input": Standing.BUTTON, "a": Standing.BUTTON,
}  # fmt: skip
_NAMING = frozenset({"class", "id", "itemprop"})


def _joint(before: str, text: str, owner: Element) -> str:
    """Return what stands between two texts of neighbouring elements."""
    is_split = before[-1].isdigit() and text[0].isdigit() and len(text) == 2 and text.isdigit()
    if is_split and (owner.tag == "sup" or _DECIMALS.search(owner.names.lower())):
        return "."
    if text[0] in ".," and before[-1].isdigit():
        return ""
    if before[-1] in ".," and text[0].isdigit() and len(before) > 1 and before[-2].isdigit():
        return ""
    return " "
