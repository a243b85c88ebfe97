"""The catalog that the sample WooCommerce shop is made from."""

import random
from dataclasses import dataclass

# id: (name, parent)
CATEGORIES = {
    15: ("Lighting", 0), 16: ("Table lamps & shades", 15), 17: ("Reading", 16), 21: ("Decor", 0), 22: ("Gifts", 0),
    23: ("Reading", 21),
}  # fmt: skip
COLOURS = {"red": "Red", "sea-blue": "Sea blue"}
SIZES = {"s": "S", "m": "M", "l": "L"}
STATES = {"instock": "in_stock", "outofstock": "out_of_stock", "onbackorder": "preorder"}
MARKUP = {"instock": "InStock", "outofstock": "OutOfStock", "onbackorder": "BackOrder"}


@dataclass(frozen=True)
class Variation:
    """One variation; amounts in the currency's smallest unit."""

    id: int
    colour: str
    size: str  # empty: any
    amount: int
    regular: int
    state: str
    sku: str
    picture: str


@dataclass(frozen=True)
class Item:
    """One product; a variable one has no amounts of its own."""

    id: int
    slug: str
    name: str
    amount: int | None
    regular: int | None
    state: str
    sku: str
    brand: str
    description: str
    short: str
    categories: tuple[int, ...]
    pictures: tuple[str, ...]
    variations: tuple[Variation, ...] = ()

    @property
    def lowest(self) -> int | None:
        """What its page names first."""
        return min(variation.amount for variation in self.variations) if self.variations else self.amount

    @property
    def lowest_regular(self) -> int | None:
        """The same, before reductions."""
        return min(variation.regular for variation in self.variations) if self.variations else self.regular


def draw_item(drawn: random.Random, identity: int, number: int, *, unpriced: bool) -> Item:
    """Return one product, drawn at random; every tenth has no price, if such are wanted."""
    pictures = tuple(f"https://img.example/up/2026/lamp-{number}-{place}.jpg" for place in range(drawn.randint(1, 3)))
    amount = drawn.randint(100, 900_000)
    is_reduced, is_variable = drawn.random() < 0.3, drawn.random() < 0.4
    variations: list[Variation] = []
    chosen = [(colour, size) for colour in COLOURS for size in SIZES] if drawn.random() < 0.7 else [("red", "")]
    for place, (colour, size) in enumerate(chosen if is_variable else []):
        price = drawn.randint(100, 900_000)
        regular = price + drawn.choice([0, 0, 500])
        picture = f"https://img.example/up/2026/lamp-{number}-{colour}.jpg" if drawn.random() < 0.5 else ""
        state = drawn.choice(["instock", "outofstock"])
        variations.append(
            Variation(identity + 1 + place, colour, size, price, regular, state, f"W-{number}-{place}", picture)
        )
    has_price = is_variable or not (unpriced and number % 10 == 4)
    return Item(
        id=identity,
        slug=f"lamp-{number}",
        name=f"Lamp “Alba” & shade – no. {number}",
        amount=amount if has_price and not is_variable else None,
        regular=(amount + 1_000 if is_reduced else amount) if has_price and not is_variable else None,
        state=drawn.choice(list(STATES)),
        sku=f"W-{number}" if drawn.random() < 0.9 else "",
        brand=drawn.choice(["", "Señor & Söhne", "Luma"]),
        description=f"<p>A lamp &amp; its <em>shade</em> no. {number}.</p>\n<ul><li>Oak</li></ul>"
        if number % 7
        else "",
        short=f"<p>Short no. {number}.</p>",
        categories=tuple(identity for identity in CATEGORIES if drawn.random() < 0.3),
        pictures=pictures,
        variations=tuple(variations),
    )
