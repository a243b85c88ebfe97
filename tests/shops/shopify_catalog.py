"""The catalog that the sample Shopify shop is made from."""

import random
from dataclasses import dataclass

CDN = "https://cdn.shopify.com/s/files/1/0200/0300/files"
COLLECTION_NAMES = ("Lamps", "Chairs & Stools", "Gifts", "New", "Sale")
BARCODES = ("4006381333931", "5901234123457", "036000291452", "not a barcode")


@dataclass(frozen=True)
class Variant:
    """One variant of the shop's catalog; prices in hundredths."""

    id: int
    options: tuple[str, ...]
    cents: int
    list_cents: int | None
    is_available: bool
    sku: str
    barcode: str | None
    picture: int | None = None  # of the product's pictures


@dataclass(frozen=True)
class Item:
    """One product of the shop's catalog."""

    id: int
    handle: str
    title: str
    body: str
    text: str  # what the body reads as
    vendor: str
    option_names: tuple[str, ...]
    variants: tuple[Variant, ...]
    pictures: tuple[str, ...]
    collections: tuple[str, ...]  # handles


def draw_item(drawn: random.Random, identity: int, number: int, handles: list[str], share: float) -> Item:
    """Return one product, drawn at random; each collection holds that share of all."""
    title = f"Lamp & Co. “Nº {number}”"
    pictures = tuple(f"{CDN}/lamp-{number}-{place}.jpg?v=17{number:04}" for place in range(drawn.randint(0, 3)))
    names = drawn.choice([(), ("Size",), ("Size", "Colour")])
    chosen: list[tuple[str, ...]] = [()]
    for name in names:
        values = ("S", "M", "L") if name == "Size" else ("red", "sea blue")
        chosen = [(*options, value) for options in chosen for value in values]
    variants = []
    for place, options in enumerate(chosen):
        cents = drawn.randint(5, 400_000)
        variants.append(
            Variant(
                id=identity * 100 + place,
                options=options,
                cents=cents,
                list_cents=cents + drawn.randint(1, 5_000) if drawn.random() < 0.3 else None,
                is_available=drawn.random() < 0.6,
                sku=f"L-{number}-{place}" if drawn.random() < 0.9 else "",
                barcode=drawn.choice([*BARCODES, None]),
                picture=drawn.randrange(len(pictures)) if pictures and drawn.random() < 0.5 else None,
            )
        )
    return Item(
        id=identity,
        handle=f"lamp-{number}" + ("-été" if number % 10 == 3 else ""),
        title=title,
        body=f"<p>A lamp &amp; its <b>shade</b>, no. {number}.</p><ul><li>Oak</li><li>Linen</li></ul>",
        text=f"A lamp & its shade, no. {number}.\nOak\nLinen",
        vendor=drawn.choice(["Luma", "Fjordby", "Señor & Söhne"]),
        option_names=names,
        variants=tuple(variants),
        pictures=pictures,
        collections=tuple(handle for handle in handles if drawn.random() < share),
    )
