"""The navigation of the sellers' pages: each app adds its entry here."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

# Title, and the name of the page's address; in the order shown.
ENTRIES: list[tuple[str, str]] = [
    ("Home", "seller-home"),
    ("Proposals", "seller-proposals"),
    ("Photos", "seller-photos"),
]


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link of the navigation; is_here: the page is this one, or below it."""

    title: str
    address: str
    is_here: bool


def navigation(request: HttpRequest) -> list[NavigationItem]:
    """Return the links, with the one marked that leads to where the request is."""
    addresses = [(title, reverse(name)) for title, name in ENTRIES]
    here = max((it for _, it in addresses if request.path.startswith(it)), key=len, default="")
    return [NavigationItem(title, address, address == here) for title, address in addresses]
