"""The page as it is seen: its texts in order, each with the elements around it and what they say of its standing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from catalog.extraction.document import Document
from catalog.extraction.standing import Standing, standing_of_names

MAX_NODES = 150_000
MAX_TEXT = 2_000
MAX_JOINED_TEXTS = 60
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "map", "math"})
_VALUE_INPUTS = frozenset({"submit", "button", "image", "reset"})
_HEADING = re.compile(r"h[2-6]")
# What shops write over other products, in the languages of the word lists.
_OTHERS = re.compile(
    r"also (?:like|view|bought|consider)|related|similar|recommend|recently|frequently bought|customers who|more from"
    r"|könnte (?:dir|ihnen)|ähnliche|kunden|zuletzt|passend dazu|vous aimerez|similaires|également|récemment"
    r"|te puede|también|relacionad|similares|vistos|quem viu|você também|potrebbe|correlati|simili|podobne|polecane"
    r"|klienci|mogą ci|ostatnio|podobné|mohlo by|souvisej|súvisia|naposledy|похожие|с этим товаром|рекоменд"
    r"|вы смотрели|аналог|схожі|подобни|benzer|bunları|anderen|gerelateerd|vergelijkbaar|lignende|liknande"
    r"|relaterade|andra köpte|samankaltai|muut|hasonló|similare|slični|slicni|παρόμοια|関連|おすすめ|最近"
    r"|チェックした|相关|相關|推荐|推薦|猜你|관련|추천"
    r"|مشابهة|قد يعجبك|ذات صلة|דומים|liên quan|tương tự|terkait|serupa|เกี่ยวข้อง",
    re.IGNORECASE,
)
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
        if not _HEADING.fullmatch(element.tag) or element.end - element.start > 3:
            continue
        if _OTHERS.search(layout.text_of(index, limit=80)):
            block = next((around for around in layout.ancestors(index, 4)
                          if layout.elements[around].end - element.end >= 2), None)  # fmt: skip
            if block is not None:
                layout.elements[block].own |= Standing.ASIDE


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
            own |= standing_of_names(names)
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
