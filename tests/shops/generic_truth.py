"""What the generic sample shops sell, drawn from a seed, and what of it was stored."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketplace.models import Product, ProductCategory

MATERIALS = ("Oak", "Linen", "Copper", "Wool", "Glass", "Cork", "Slate", "Felt", "Brass", "Clay")
COLOURS = ("Red", "Blue", "Green", "Black", "White", "Amber", "Teal", "Grey")
THINGS = {
    "Lamps": ("Lamp", "Lantern", "Sconce"),
    "Chairs": ("Chair", "Stool", "Bench"),
    "Mugs": ("Mug", "Cup", "Tumbler"),
    "Bowls": ("Bowl", "Dish", "Plate"),
    "Scarves": ("Scarf", "Shawl", "Wrap"),
}
# Each category by its path from the root; a product stands in its own, and some in featured ones beside.
TREE = {
    "Lamps": "Living > Lighting > Lamps",
    "Chairs": "Living > Chairs",
    "Mugs": "Kitchen > Mugs",
    "Bowls": "Kitchen > Bowls",
    "Scarves": "Women > Scarves",
}
FEATURED = "Sale"


@dataclass(frozen=True)
class Ware:
    """One product of a sample shop. `categories` are paths: names from the root, joined by " > "."""

    number: int
    slug: str
    title: str
    price: Decimal
    currency: str
    is_in_stock: bool
    sku: str
    brand: str
    gtin: str
    description: str
    categories: tuple[str, ...]
    list_price: Decimal | None = None


def draw_wares(count: int, *, seed: int = 1, currency: str = "EUR") -> list[Ware]:
    """Return so many products, the same for the same seed."""
    chance = random.Random(seed)
    wares: list[Ware] = []
    names = [f"{colour} {material}" for colour in COLOURS for material in MATERIALS]
    for number in range(count):
        kind = list(TREE)[number % len(TREE)]
        name = f"{names[(number * 7) % len(names)]} {THINGS[kind][(number // 5) % 3]}"
        title = name if number < len(names) else f"{name} {number}"
        price = Decimal(chance.randrange(500, 250_000)) / 100
        is_on_sale = number % 6 == 0
        wares.append(
            Ware(
                number=number,
                slug=title.lower().replace(" ", "-"),
                title=title,
                price=price,
                currency=currency,
                is_in_stock=number % 9 != 4,
                sku=f"HL-{1000 + number}",
                brand=("Harbour", "Northwind", "Lumen")[number % 3],
                gtin=_ean(400_000_000_000 + number * 37),
                description=f"A {name.lower()}, made by hand. Number {number} of its kind.",
                categories=(TREE[kind], *((FEATURED,) if is_on_sale else ())),
                list_price=price * 2 if is_on_sale else None,
            )
        )
    return wares


def kind_of(ware: Ware) -> str:
    """Return what kind of thing a product is: the name of its category."""
    return list(TREE)[ware.number % len(TREE)]


def slug_of(name: str) -> str:
    """Return a category's name as a step of a path."""
    return name.lower().replace(" ", "-")


def wares_in(wares: Sequence[Ware], path: str, *, is_deep: bool = False) -> list[Ware]:
    """Return what stands in a category, with all below it where asked."""
    return [
        ware
        for ware in wares
        if any(own == path or (is_deep and own.startswith(f"{path} > ")) for own in ware.categories)
    ]


def stored_categories() -> dict[str, set[str]]:
    """Return the paths of the categories of each product that is stored, by the product's address."""
    found: dict[str, set[str]] = {address: set() for address in Product.objects.values_list("address", flat=True)}
    for address, path in ProductCategory.objects.values_list("product__address", "category__path"):
        found[address].add(path)
    return found


def _ean(twelve: int) -> str:
    digits = [int(digit) for digit in f"{twelve:012d}"]
    total = sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{twelve:012d}{-total % 10}"
