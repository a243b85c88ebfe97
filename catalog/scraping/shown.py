"""What scraping found, as JSON: products, lists and the tree of categories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from catalog.ratings import read_rating
from catalog.sources.source import CategoryPath, Evidence, ExtractedProduct, ListedProduct, Listing, ListPage
from marketplace.money import Money

MAX_NODES = 5_000


def shown_evidence(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Return why each source believes that it can read the address, the most certain first."""
    return [{"source": it.source, "weight": it.weight, "reason": it.reason} for it in evidence]


def shown_product(
    content: ExtractedProduct, *, address: str, html: str = "", with_images: bool = True, with_reviews: bool = False
) -> dict[str, Any]:
    """Return what a product's page says, with the evidence for each field; of its reviews the rating, when asked."""
    told = asdict(content)
    for name in ("price", "list_price"):
        told[name] = shown_money(getattr(content, name))
    told["availability"] = str(content.availability)
    pictures = told.pop("picture_addresses")
    if with_images:
        told["images"] = pictures
    if with_reviews:
        rating = read_rating(html) if html else None
        told["reviews"] = rating and {
            "rating": str(rating.value), "best": str(rating.best), "count": rating.count, "evidence": rating.evidence,
        }  # fmt: skip
    return {"address": address, **told}


def shown_money(money: Money | None) -> dict[str, str] | None:
    """Return an exact amount; the currency is empty where none is known."""
    return None if money is None else {"amount": f"{money.amount:f}", "currency": money.currency, "raw": money.raw}


def shown_listed(product: ListedProduct, paths: Iterable[CategoryPath], *, with_images: bool = True) -> dict[str, Any]:
    """Return a product as a list shows it: its address, its categories, and its content where the list holds that."""
    told: dict[str, Any] = {
        "external_id": product.external_id,
        "address": product.address,
        "categories": [names_of(path) for path in dict.fromkeys([*paths, *product.paths]) if path],
    }
    if product.content is not None:
        told["content"] = shown_product(product.content, address=product.address, with_images=with_images)
    return told


def shown_list(page: ListPage, listing: Listing | None = None) -> dict[str, Any]:
    """Return a list, with what it shows once it has been read."""
    told: dict[str, Any] = {
        "address": page.address,
        "kind": page.kind,
        "cursor": dict(page.cursor),
        "categories": [names_of(path) for path in page.paths],
    }
    if listing is not None:
        told |= {"products": len(listing.products), "total": listing.total, "lists": len(listing.lists)}
    return told


def names_of(path: CategoryPath) -> list[str]:
    """Return the names of a category's path, from the root."""
    return [step.name for step in path]


def tree_of(paths: Mapping[CategoryPath, int | None]) -> list[dict[str, Any]]:
    """Return categories as a tree: [{name, address, kind, count, children}], in the order given.

    Args:
        paths: the categories, with how many products each shows; None where that is not known.
    """
    roots: list[dict[str, Any]] = []
    nodes: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, count in paths.items():
        siblings = roots
        for depth, step in enumerate(path, start=1):
            names = tuple(it.name for it in path[:depth])
            node = nodes.get(names)
            if node is None:
                if len(nodes) >= MAX_NODES:
                    return roots
                node = {"name": step.name, "address": step.address, "kind": "", "count": None, "children": []}
                nodes[names] = node
                siblings.append(node)
            node["address"] = node["address"] or step.address
            if depth == len(path) and count is not None:
                node["count"] = (node["count"] or 0) + count
            siblings = node["children"]
    return roots


def joined_trees(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return both trees as one; a node that both have keeps the first's address, and counts add up."""
    joined = {node["name"]: dict(node) for node in one}
    for node in other:
        known = joined.get(node["name"])
        if known is None:
            joined[node["name"]] = dict(node)
            continue
        counts = [count for count in (known["count"], node["count"]) if count is not None]
        known |= {
            "address": known["address"] or node["address"],
            "kind": known["kind"] or node["kind"],
            "count": sum(counts) if counts else None,
            "children": joined_trees(known["children"], node["children"]),
        }
    return list(joined.values())


def tree_size(tree: Iterable[Mapping[str, Any]]) -> int:
    """Count a tree's nodes."""
    return sum(1 + tree_size(node["children"]) for node in tree)


def shown_listing(
    page: ListPage, listing: Listing, *, extra_path: CategoryPath = (), with_images: bool = True
) -> dict[str, Any]:
    """Return what the reading of a list adds to what was found: products, lists, categories, what was skipped."""
    paths = [*page.paths] or ([extra_path] if extra_path else [])
    counts: dict[CategoryPath, int | None] = dict.fromkeys((path for path in paths if path), len(listing.products))
    own = [path for product in listing.products for path in product.paths]
    for path in own:
        counts[path] = (counts.get(path) or 0) + 1
    for following in listing.lists:
        for path in following.paths:
            counts.setdefault(path, None)
    return {
        "products": [shown_listed(product, paths, with_images=with_images) for product in listing.products],
        "lists": [shown_list(page, listing)],
        "categories": tree_of(counts),
        "skipped": dict(listing.skipped),
    }
