"""The navigation of the sellers' pages: each app adds its entry here."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from marketplace.notifications.reading import unread_count

# Title, and the name of the page's address; in the order shown.
ENTRIES: list[tuple[str, str]] = [
    ("Home", "seller-home"),
    ("Products", "seller-products"),
    ("Appeals", "seller-appeals"),
    ("Proposals", "seller-proposals"),
    ("Photos", "seller-photos"),
    ("Notifications", "seller-notifications"),
    ("Webhooks", "seller-webhooks"),
]
# What a link counts, by the name of its address, for the id of a seller.
COUNTS: dict[str, Callable[[int], int]] = {"seller-notifications": unread_count}


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link of the navigation; is_here: the page is this one, or below it; count: what waits there."""

    title: str
    address: str
    is_here: bool
    count: int = 0


def navigation(request: HttpRequest, *, seller_id: int) -> list[NavigationItem]:
    """Return the links for who acts for a seller, with the one marked that leads to where the request is."""
    addresses = [(title, name, reverse(name)) for title, name in ENTRIES]
    here = max((it for _, _, it in addresses if request.path.startswith(it)), key=len, default="")
    return [
        NavigationItem(title, address, address == here, COUNTS[name](seller_id) if name in COUNTS else 0)
        for title, name, address in addresses
    ]
