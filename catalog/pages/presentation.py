"""A search's answer, a product and its pictures as the public pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.conf import settings

from catalog.category_paths import PATH_SEPARATOR, last_name
from catalog.pages.asked import MAX_PAGE, Asked
from catalog.pictures import DISPLAY_SIDE_PX, THUMBNAIL_SIDE_PX
from catalog.search.answers import Answer, FacetValue, Found
from catalog.search.price_ranges import read_range
from marketplace.models import Picture, Product, Seller
from marketplace.products import list_price_text, price_text

SHOWN_VALUES = 8  # of a filter; the rest is folded away
STARTING_POINTS = 12
# Icon and words: neither is left to the colour.
STOCK = {
    Product.Availability.IN_STOCK: ("check", "In stock"),
    Product.Availability.OUT_OF_STOCK: ("cross", "Out of stock"),
    Product.Availability.PREORDER: ("clock", "Pre-order"),
    Product.Availability.UNKNOWN: ("question", "Stock not stated"),
}
LEGENDS = {"category": "Category", "availability": "Availability", "seller": "Seller"}
LEGS = {
    "exact": "exact number or name",
    "words": "its words",
    "meaning": "its meaning",
    "picture": "its picture",
    "same_picture": "the very same picture",
}


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture's file as a page embeds it; its size stands in the page, so that nothing moves when it comes."""

    address: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Card:
    """One product of a list; legs are (what found it, its score)."""

    product: Product
    title: str
    price: str
    list_price: str
    stock_icon: str
    stock_text: str
    thumbnail: Rendition | None
    matched: Sequence[str] = ()
    legs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, with those below it; address is where choosing it leads, or taking it back."""

    value: str
    label: str
    count: int
    is_selected: bool
    address: str = ""
    children: "list[Choice]" = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Tell whether it, or one below it, is selected."""
        return self.is_selected or any(child.is_open for child in self.children)

    @property
    def key(self) -> str:
        """An id for the page: the same on each answer, so that focus stays where it was."""
        return sha256(self.value.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as the page shows it: some choices at once, the rest folded away."""

    name: str
    legend: str
    shown: Sequence[Choice]
    folded: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class PriceFilter:
    """The price ranges, and the currency in which they and the page's own two fields are meant."""

    choices: Sequence[Choice]
    currency: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    text: str
    address: str


def rendition(picture: Picture, *, side_px: int) -> Rendition:
    """Return the rendition of a ready picture that fits into a square of this side."""
    is_thumbnail = side_px <= THUMBNAIL_SIDE_PX
    file = picture.thumbnail if is_thumbnail else picture.display
    longest = max(picture.width_px, picture.height_px, 1)
    scale = min(1.0, (THUMBNAIL_SIDE_PX if is_thumbnail else DISPLAY_SIDE_PX) / longest)
    return Rendition(
        address=f"{settings.MEDIA_URL}{file.name}",
        width_px=max(1, round(picture.width_px * scale)),
        height_px=max(1, round(picture.height_px * scale)),
    )


def card(found: Found) -> Card:
    """Return a result as its card shows it; the product's pictures and seller are loaded."""
    product = found.product
    picture = next((each for each in product.pictures.all() if each.thumbnail), None)
    icon, text = stock(product)
    return Card(
        product=product,
        title=product.title or product.external_id,
        price=price_text(product),
        list_price=list_price_text(product) if is_reduced(product) else "",
        stock_icon=icon,
        stock_text=text,
        thumbnail=None if picture is None else rendition(picture, side_px=THUMBNAIL_SIDE_PX),
        matched=found.matched,
        legs=[(LEGS.get(name, name), f"{score:.3g}") for name, score in found.legs.items()],
    )


def stock(product: Product) -> tuple[str, str]:
    """Return the icon and the words for whether it can be had."""
    return STOCK[Product.Availability(product.availability)]


def is_reduced(product: Product) -> bool:
    """Tell whether it cost more before."""
    return product.price is not None and product.list_price is not None and product.list_price > product.price


def filters(asked: Asked, answer: Answer) -> list[Filter]:
    """Return the filters that have something to choose, in the order of the page."""
    facets = {facet.name: facet for facet in answer.facets}
    stock_labels = {name.value: text for name, (_, text) in STOCK.items()}
    choices = {
        "category": category_tree(asked, facets["category"].values) if "category" in facets else [],
        "availability": [
            Choice(each.value, stock_labels.get(each.value, each.label), each.count, each.is_selected)
            for each in (facets["availability"].values if "availability" in facets else ())
        ],
        "seller": [
            Choice(each.value, each.label, each.count, each.is_selected)
            for each in (facets["seller"].values if "seller" in facets else ())
        ],
    }
    return [_filter(name, legend, choices[name]) for name, legend in LEGENDS.items() if choices[name]]


def price_filter(asked: Asked, answer: Answer) -> PriceFilter:
    """Return the price ranges as links; that of a selected one takes it away."""
    facet = next((facet for facet in answer.facets if facet.name == "price"), None)
    if facet is None:
        return PriceFilter(choices=(), currency=asked.currency)
    choices = []
    for each in facet.values:
        low, high = read_range(each.value)
        address = (
            asked.address(min_price=None, max_price=None, currency="")
            if each.is_selected
            else asked.address(min_price=low, max_price=high, currency=facet.currency)
        )
        choices.append(Choice(each.value, each.label, each.count, each.is_selected, address=address))
    return PriceFilter(choices=choices, currency=facet.currency)


def category_tree(asked: Asked, values: Sequence[FacetValue]) -> list[Choice]:
    """Nest categories by their paths; one whose parent is not among them stands at the top.

    Choosing one leaves the one that was chosen before; taking it back leads to its parent.
    """
    nodes: dict[str, Choice] = {}
    top: list[Choice] = []
    for each in values:
        above = each.value.rpartition(PATH_SEPARATOR)[0]
        parent = nodes.get(above)
        goes_to = (above,) if parent is not None else ()
        address = asked.address(categories=goes_to if each.is_selected else (each.value,))
        label = last_name(each.label)
        node = nodes[each.value] = Choice(each.value, label, each.count, each.is_selected, address=address)
        (top if parent is None else parent.children).append(node)
    return top


def chips(asked: Asked, answer: Answer) -> list[Chip]:
    """Return what narrows the search, each with the address that no longer does."""
    labels = _labels(answer)
    names = labels.get("seller", {})
    missing = [pk for pk in asked.sellers if str(pk) not in names]
    if missing:
        found = Seller.objects.filter(pk__in=missing, status=Seller.Status.ACTIVE).values_list("pk", "name")
        names |= {str(pk): name for pk, name in found}
    on = [
        Chip(last_name(path), asked.address(categories=_without(asked.categories, path))) for path in asked.categories
    ]
    on += [
        Chip(names.get(str(pk), f"Seller {pk}"), asked.address(sellers=_without(asked.sellers, pk)))
        for pk in asked.sellers
    ]
    on += [
        Chip(STOCK[Product.Availability(name)][1], asked.address(availabilities=_without(asked.availabilities, name)))
        for name in asked.availabilities
    ]
    if price := _range_text(asked):
        on.append(Chip(price, asked.address(min_price=None, max_price=None, currency="")))
    return on


def starting_points(everything: Answer) -> list[Chip]:
    """Return the largest categories of those at the top, each a search."""
    facet = next((facet for facet in everything.facets if facet.name == "category"), None)
    values = () if facet is None else facet.values
    top = [each for each in values if PATH_SEPARATOR not in each.value] or values
    largest = sorted(top, key=lambda each: -each.count)[:STARTING_POINTS]
    return [Chip(last_name(each.label), Asked(categories=(each.value,)).address()) for each in largest]


def search_context(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return what the template of the results needs beside the answer itself."""
    return {
        "asked": asked,
        "answer": answer,
        "cards": [card(found) for found in answer.results],
        "filters": filters(asked, answer),
        "price_filter": price_filter(asked, answer),
        "chips": chips(asked, answer),
        "unfiltered_address": asked.unfiltered().address(),
        "previous_address": asked.address(page=asked.page - 1) if asked.page > 1 else "",
        "next_address": asked.address(page=asked.page + 1) if answer.has_more and asked.page < MAX_PAGE else "",
    }


def _filter(name: str, legend: str, choices: Sequence[Choice]) -> Filter:
    shown = [choice for place, choice in enumerate(choices) if place < SHOWN_VALUES or choice.is_open]
    return Filter(name, legend, shown=shown, folded=[choice for choice in choices if choice not in shown])


def _labels(answer: Answer) -> dict[str, dict[str, str]]:
    return {facet.name: {value.value: value.label for value in facet.values} for facet in answer.facets}


def _range_text(asked: Asked) -> str:
    low, high = asked.min_price_text, asked.max_price_text
    if not low and not high:
        return ""
    text = f"{low}–{high}" if low and high else f"from {low}" if low else f"up to {high}"
    return f"{text} {asked.currency}".strip()


def _without(values: tuple[Any, ...], gone: Any) -> tuple[Any, ...]:
    return tuple(value for value in values if value != gone)
