"""A site's navigation: its categories as a tree, with names, addresses and the counts that it shows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selectolax.lexbor import LexborNode

from catalog.site.address_words import ALL_TEXTS, CONTENT_TEXTS, HOME_TEXTS, PAGING_BLOCKS
from catalog.site.page import SitePage, ancestors_of, holds_content, text_of, tokens_of
from catalog.site.templates import CONTENT, LIST, PRODUCT, kind_by_words

MAX_LEVELS = 6
MAX_NODES = 2_000

_COUNT = re.compile(r"\s*[(\[]\s*(\d[\d.,\s]{0,9})\s*[)\]]\s*$")
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6", "strong", "b", "summary", "button", "dt", "legend"})
_LISTS = frozenset({"ul", "ol", "menu"})
_SKIPPED = frozenset({"script", "style", "template", "svg", "form", "noscript", "select"})
_MENU = frozenset({"menu", "megamenu", "nav", "navigation", "navbar"})
_WEAK_MENU = frozenset({"categories", "category", "departments"})
_NO_MENU = frozenset({"breadcrumb", "breadcrumbs", "footer", "social", "language", "languages", "currency", "account"})


@dataclass(frozen=True, slots=True)
class NavigationNode:
    """One entry of the navigation; without an address it only gathers those below it."""

    name: str
    address: str = ""
    count: int | None = None
    children: tuple["NavigationNode", ...] = ()

    def as_json(self, kind_of: Any = None, above: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return {name, address, kind, count, children}; kind_of(names from the root) tells the kind."""
        names = (*above, self.name)
        return {
            "name": self.name,
            "address": self.address,
            "kind": kind_of(names) if kind_of else "",
            "count": self.count,
            "children": [child.as_json(kind_of, names) for child in self.children],
        }


Path = tuple[NavigationNode, ...]  # from the root


@dataclass(frozen=True, slots=True)
class Branch:
    """One address of the navigation, with every path that leads to it."""

    address: str
    paths: tuple[Path, ...]


def node_of_json(kept: Mapping[str, Any]) -> NavigationNode:
    """Return the node that as_json wrote."""
    children = tuple(node_of_json(child) for child in kept.get("children", ()))
    return NavigationNode(kept["name"], kept.get("address", ""), kept.get("count"), children)


def branches_of(tree: Sequence[NavigationNode]) -> list[Branch]:
    """Return each address once, in the tree's order."""
    found: dict[str, list[Path]] = {}
    for path in paths_of(tree):
        if path[-1].address:
            found.setdefault(path[-1].address, []).append(path)
    return [Branch(address, tuple(paths)) for address, paths in found.items()]


def paths_of(tree: Sequence[NavigationNode], above: Path = ()) -> Iterator[Path]:
    """Yield the path to each node, parents before children."""
    for node in tree:
        path = (*above, node)
        yield path
        yield from paths_of(node.children, path)


def read_navigation(page: SitePage, *, templates: Mapping[str, str]) -> tuple[NavigationNode, ...]:
    """Return the tree of the page's categories; empty when the page has no navigation.

    Reads nested lists, mega menus (headings with lists below them), panels that `aria-controls` names, and
    <details>. Several menus of one page (a wide and a narrow one) are laid over each other.
    """
    reader = _MenuReader(page, templates)
    trees = [reader.read(menu) for menu in _menus(page)]
    merged = merge_trees([node for tree in trees for node in tree])
    return tuple(merged)


def merge_trees(nodes: Sequence[NavigationNode]) -> list[NavigationNode]:
    """Lay nodes of the same name over each other, in the order of their first; what one lacks the other gives."""
    by_name: dict[str, NavigationNode] = {}
    for node in nodes:
        key = node.name.casefold()
        known = by_name.get(key)
        if known is None:
            by_name[key] = replace(node, children=tuple(merge_trees(node.children)))
            continue
        by_name[key] = replace(
            known,
            address=known.address or node.address,
            count=known.count if known.count is not None else node.count,
            children=tuple(merge_trees([*known.children, *node.children])),
        )
    return list(by_name.values())


def _menus(page: SitePage) -> list[LexborNode]:
    """Return the outermost blocks that hold a menu; where none says so, the head, the lists, or all of the page."""
    candidates = page.tree.css("nav, [role=navigation], [role=menubar], header, aside, ul, div")
    found: list[LexborNode] = []
    taken: set[int] = set()
    foot: list[LexborNode] = []
    for node in candidates:
        if not _is_menu(node) or any(above.mem_id in taken for above in ancestors_of(node)):
            continue
        taken.add(node.mem_id)
        in_footer = any(above.tag == "footer" or "footer" in tokens_of(above) for above in ancestors_of(node))
        (foot if in_footer else found).append(node)
    if found or foot:
        return found or foot
    heads = page.tree.css("header") or [node for node in page.tree.css("ul") if len(node.css("a[href]")) > 2]
    return heads or ([page.tree.body] if page.tree.body is not None else [])


def _is_no_menu(node: LexborNode) -> bool:
    """Tell whether a block of links says that it is something else: breadcrumbs, pages, languages."""
    if node.tag not in ("nav", "div", "ul", "ol", "section", "footer"):
        return False
    if not (_NO_MENU | PAGING_BLOCKS).isdisjoint(tokens_of(node)):
        return not holds_content(node)
    label = (node.attributes.get("aria-label") or "").lower()
    return "breadcrumb" in label or "pagination" in label or "paging" in label


def _is_menu(node: LexborNode) -> bool:
    if _is_no_menu(node):
        return False
    tokens = tokens_of(node)
    if node.tag == "nav" or (node.attributes.get("role") or "") in ("navigation", "menubar"):
        return True
    if node.tag not in ("ul", "div", "aside") or (_MENU | _WEAK_MENU).isdisjoint(tokens):
        return False
    if _MENU.isdisjoint(tokens) and node.css_first("img") is not None:
        return False  # tiles in the page's midst rather than a menu
    return not holds_content(node) and len(node.css("a[href]")) >= 2


class _MenuReader:
    """Reads one page's menus; each node of the page is read once."""

    def __init__(self, page: SitePage, templates: Mapping[str, str]) -> None:
        self._page = page
        self._templates = templates
        self._left = MAX_NODES
        self._home = page.resolve("/")

    def read(self, menu: LexborNode) -> list[NavigationNode]:
        return self._tidy(self._items(menu, level=1), above=())

    def _items(self, block: LexborNode, *, level: int) -> list[NavigationNode]:
        """Return the entries of a block: its list items, or its headings with what follows them, or its links."""
        found: list[NavigationNode] = []
        heading: NavigationNode | None = None
        for child in block.iter():
            if self._left <= 0 or level > 3 * MAX_LEVELS or child.tag in _SKIPPED or _is_no_menu(child):
                continue
            if child.tag in ("li", "details", "dd"):
                found.extend(self._entry(child, level=level))
                continue
            entry = self._head_of(child)
            if entry is not None and (child.tag in _HEADINGS or child.tag == "a"):
                if heading is not None:
                    found.append(heading)
                heading = self._with_panel(entry, child, level=level)
                continue
            inner = self._items(child, level=level + 1)
            if heading is not None and inner:
                heading = replace(heading, children=(*heading.children, *inner))
                if child.tag in _LISTS:
                    found.append(heading)
                    heading = None
                continue
            found.extend(inner)
        if heading is not None:
            found.append(heading)
        return found

    def _entry(self, item: LexborNode, *, level: int) -> list[NavigationNode]:
        """Return what one list item says: its own link or words, with the entries below it."""
        head: NavigationNode | None = None
        below: list[NavigationNode] = []
        for child in item.iter(include_text=True):
            if child.is_text_node:
                words = text_of(child)
                head = head or (NavigationNode(words) if words.strip(" |/>»") else None)
                continue
            if child.tag in _SKIPPED:
                continue
            own = self._head_of(child) if head is None or (not head.address and child.tag == "a") else None
            if own is not None:
                merged = own if head is None else replace(head, address=own.address)
                head = self._with_panel(merged, child, level=level)
                continue
            if child.tag in ("button", "input", "label"):
                if head is not None:
                    head = self._with_panel(head, child, level=level)
                continue
            below.extend(self._items(child, level=level + 1))
        if head is None:
            return below
        self._left -= 1
        return [replace(head, children=(*head.children, *below))]

    def _head_of(self, node: LexborNode) -> NavigationNode | None:
        """Return the name and address that a link, a heading or a button gives; None for a block of several."""
        links = [node] if node.tag == "a" else node.css("a[href]")
        if len(links) > 1 or node.css_first("ul, ol, li") is not None:
            return None
        if not links and node.tag not in _HEADINGS and node.tag not in ("span", "p", "a", "label"):
            return None
        name = text_of(links[0] if links else node) or (links and (links[0].attributes.get("title") or "")) or ""
        count: int | None = None
        if counted := _COUNT.search(text_of(node)):
            count = int(re.sub(r"\D", "", counted[1]))
            name = _COUNT.sub("", name)
        if links and ("hreflang" in links[0].attributes or "nofollow" in (links[0].attributes.get("rel") or "")):
            return None
        address = self._page.resolve(links[0].attributes.get("href")) if links else ""
        if not name or (links and address is None and not _leads_nowhere(links[0])):
            return None
        return NavigationNode(name, address or "", count)

    def _with_panel(self, head: NavigationNode, node: LexborNode, *, level: int) -> NavigationNode:
        """Add the entries of the panel elsewhere on the page that a button says it opens."""
        target = node.attributes.get("aria-controls") or ""
        if not re.fullmatch(r"[\w-]{1,100}", target) or self._left <= 0:
            return head
        panel = self._page.tree.css_first(f'[id="{target}"]')
        if panel is None or any(above.mem_id == panel.mem_id for above in ancestors_of(node)):
            return head
        self._left -= 1
        return replace(head, children=(*head.children, *self._items(panel, level=level + 1)))

    def _tidy(self, nodes: Sequence[NavigationNode], *, above: Path) -> list[NavigationNode]:
        """Drop what names no category; a link to "all" of a category is the category's own."""
        kept: list[NavigationNode] = []
        for node in nodes:
            address = "" if node.address == self._home else node.address
            name = node.name.casefold()
            children = self._tidy(node.children, above=(*above, node)) if len(above) < MAX_LEVELS - 1 else []
            kind = kind_by_words(address, self._templates) if address else ""
            if name in CONTENT_TEXTS or kind == CONTENT:
                continue
            is_home = name in HOME_TEXTS and not children and kind != LIST
            is_all = bool(above) and _is_all(name, above)
            if is_home or is_all or kind == PRODUCT or (address and any(address == step.address for step in above)):
                kept.extend(children)
            elif address or children:
                own = address or next((it.address for it in node.children if _is_all(it.name, (node,))), "")
                kept.append(NavigationNode(node.name, own, node.count, tuple(children)))
        return kept


def _is_all(name: str, above: Path) -> bool:
    """Tell whether a name means all of the category that it stands in: "View all", "Show all lamps"."""
    name = name.casefold()
    if name in ALL_TEXTS:
        return True
    parent = above[-1].name.casefold() if above else ""
    return bool(parent) and name.endswith(parent) and name.removesuffix(parent).strip() in ALL_TEXTS


def _leads_nowhere(link: LexborNode) -> bool:
    """Tell whether a link only opens what stands below it."""
    href = (link.attributes.get("href") or "").strip().lower()
    return not href or href.startswith(("#", "javascript:")) or "aria-controls" in link.attributes
