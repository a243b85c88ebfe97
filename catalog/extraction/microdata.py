"""Items written as microdata (WHATWG HTML, "Microdata") or as RDFa Lite (W3C), in the shape of JSON-LD."""

from typing import Any
from urllib.parse import urlsplit

from catalog.extraction.document import Document, Told, clean

MAX_PROPERTIES = 4_000
MAX_DEPTH = 300  # ancestors looked at to find whose property it is
MAX_VALUE = 20_000
_ADDRESSES = {
    "a": "href", "area": "href", "link": "href", "img": "src", "audio": "src", "video": "src", "source": "src",
    "iframe": "src", "embed": "src", "object": "data",
}  # fmt: skip
_PRODUCT_PROPERTIES = frozenset({"price", "sku", "availability", "brand", "offers", "pricecurrency"})


def read_microdata(document: Document) -> list[dict[str, Any]]:
    """Return the page's top-level microdata items; properties that stand outside of any item make a Product."""
    return _read(document, document.told, scope="itemscope", kind="itemtype", names="itemprop")


def read_rdfa(document: Document) -> list[dict[str, Any]]:
    """Return the page's top-level RDFa Lite items."""
    if not any("typeof" in one.attributes for one in document.told):
        return []
    nodes = {node.mem_id: node for node in document.tree.css("[typeof], [property]")}
    told = [Told(node, node.tag or "", node.attributes) for node in nodes.values()]
    return _read(document, told, scope="typeof", kind="typeof", names="property")


def _read(document: Document, told: list[Told], *, scope: str, kind: str, names: str) -> list[dict[str, Any]]:
    items: dict[int, dict[str, Any]] = {}
    top: list[dict[str, Any]] = []
    outside: dict[str, Any] = {"@type": ["Product"], "@outside": True}
    said = [one for one in told if scope in one.attributes or names in one.attributes]
    for one in said[:MAX_PROPERTIES]:
        node, attributes = one.node, one.attributes
        owner = _owner(node, items)
        own = _new_item(attributes, kind, names) if scope in attributes else None
        if own is not None:
            items[node.mem_id] = own
        properties = (attributes.get(names) or "").split()
        if not properties or (owner is None and names == "property"):
            if own is not None:
                top.append(own)
            continue
        value: Any = own if own is not None else _value(node, attributes, document)
        if owner is None and own is not None:
            top.append(own)
        target = outside if owner is None else owner
        for name in properties[:10]:
            target.setdefault(_short(name), []).append(value)
    if _PRODUCT_PROPERTIES & {name.lower() for name in outside}:
        top.append(outside)
    return top


def _owner(node: Any, items: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    parent = node.parent
    for _ in range(MAX_DEPTH):
        if parent is None:
            return None
        if parent.mem_id in items:
            return items[parent.mem_id]
        parent = parent.parent
    return None


def _new_item(attributes: dict[str, str | None], kind: str, names: str) -> dict[str, Any]:
    item: dict[str, Any] = {"@type": [_short(name) for name in (attributes.get(kind) or "").split()]}
    identity = attributes.get("itemid") or attributes.get("resource") or attributes.get("about")
    if identity:
        item["@id"] = identity
    return item


def _value(node: Any, attributes: dict[str, str | None], document: Document) -> str:
    if attributes.get("content") is not None:
        return clean(attributes["content"] or "")[:MAX_VALUE]
    tag = node.tag
    if name := _ADDRESSES.get(tag or ""):
        raw = attributes.get(name) or (attributes.get("data-src") if tag == "img" else "") or ""
        return document.absolute(raw) or raw.strip()[:MAX_VALUE] or clean(node.text())[:MAX_VALUE]
    if tag in ("data", "meter") and attributes.get("value") is not None:
        return clean(attributes["value"] or "")
    if tag == "time" and attributes.get("datetime"):
        return clean(attributes["datetime"] or "")
    return clean(node.text(separator=" "))[:MAX_VALUE]


def _short(name: str) -> str:
    """Return the last part of a vocabulary's address or prefixed name: "schema:Product" becomes "Product"."""
    if name.startswith(("http://", "https://")):
        parts = urlsplit(name)
        return (parts.fragment or parts.path).rstrip("/").rpartition("/")[2]
    return name.rpartition(":")[2]
