"""Dialects: how systems say that rows belong together, and that a product is not for sale yet.

Sources: Shopify, "Using CSV files to import and export products": the rows of a product share a handle, the first has
the title, the others a variant or a picture more. WooCommerce, "Product CSV Import Schema": a variation names its
parent as `id:<ID>` or by the parent's SKU. Google Merchant Center and Meta: variants share an item_group_id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from catalog.feeds.contract import FeedKind
from catalog.feeds.headers import squash
from catalog.feeds.values import read_flag, text_of

_OPTION = re.compile(r"option([1-9])(name|value)")
_ATTRIBUTE = re.compile(r"attribute(\d{1,2})(name|values?)")
_UNSOLD_STATUSES = frozenset({"draft", "archived", "unlisted", "private", "pending", "trash", "disabled", "hidden"})


UNNAMED = "#"


class Role(StrEnum):
    """What a row is in its group."""

    ALONE = "alone"
    PARENT = "parent"  # describes the product, and is none of its variants
    VARIANT = "variant"
    PART = "part"  # may do without a title: another row of the group has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The group that a row belongs to, and under which id and options.

    Options are values by the names of what can be chosen, in the order of their columns.
    """

    role: Role
    group: str = ""
    alias: str = ""
    row_id: str = ""  # where the row's id is not the one that the feed's column says
    options: dict[str, str] = field(default_factory=dict)


def group_of(values: Mapping[str, Any], others: dict[str, Any], kind: FeedKind) -> Membership:
    """Return the row's place among the feed's groups; option columns are taken out of the others."""
    if kind == FeedKind.SHOPIFY_CSV:
        return _of_shopify(values, others)
    if kind == FeedKind.WOOCOMMERCE_CSV:
        return _of_woocommerce(values, others)
    group = text_of(values.get("group"))
    return Membership(role=Role.VARIANT, group=group) if group else Membership(role=Role.ALONE)


def is_published(values: Mapping[str, Any], kind: FeedKind) -> str:
    """Return why the row is not for sale; empty if it is, as far as it says."""
    status = text_of(values.get("status")).lower()
    if status in _UNSOLD_STATUSES:
        return f"the product's status is {status}"
    published = text_of(values.get("published"))
    if published and read_flag(published) is False:
        return "the product is not published"
    if kind == FeedKind.WOOCOMMERCE_CSV and text_of(values.get("visibility")).lower() == "hidden":
        return "the product is hidden in the shop's catalog"
    return ""


def _of_shopify(values: Mapping[str, Any], others: dict[str, Any]) -> Membership:
    handle = text_of(values.get("group"))
    options = _options(others, _OPTION)
    options = {name: value for name, value in options.items() if value != "Default Title"}
    return Membership(role=Role.PART, group=handle, row_id=handle, options=options)


def _of_woocommerce(values: Mapping[str, Any], others: dict[str, Any]) -> Membership:
    types = text_of(others.pop("Type", "")).lower()
    parent = text_of(others.pop("Parent", ""))
    options = _options(others, _ATTRIBUTE)
    if "variation" in types.replace(",", " ").split() and parent:
        return Membership(role=Role.PART, group=parent, options=options)
    if "variable" in types:
        row_id, sku = text_of(values.get("id")), text_of(values.get("sku"))
        return Membership(role=Role.PARENT, group=f"id:{row_id}" if row_id else sku, alias=sku)
    others |= {name: value for name, value in options.items() if name not in others and not name.startswith(UNNAMED)}
    return Membership(role=Role.ALONE)


def _options(others: dict[str, Any], pattern: re.Pattern[str]) -> dict[str, str]:
    """Take numbered columns of names and values out of the others; return the values by their names.

    A value without a name is called UNNAMED and its number: the group's first row has the name.
    """
    found: dict[str, dict[str, str]] = {}
    for name in list(others):
        match = pattern.fullmatch(squash(name))
        if match is not None:
            found.setdefault(match[1], {})[match[2].removesuffix("s")] = text_of(others.pop(name))
    return {
        pair.get("name") or f"{UNNAMED}{place}": pair["value"] for place, pair in found.items() if pair.get("value")
    }
