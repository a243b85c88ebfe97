"""The sample's products: composed from word lists by a seeded random generator, the same for ever."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from marketplace.demo.sample_catalog import words
from marketplace.demo.sample_catalog.words import COLOURS, CROSS_COLLECTIONS, KINDS, METALS, Kind

CHANGED_AN_EDITION, ADDED_AN_EDITION, REMOVED_AN_EDITION = 5, 2, 3
DEFECT_SHARE = 0.06

# How a product with each kind of defect must end, and with which code.
ENDINGS: dict[str, tuple[str, str | None]] = {
    "no_price": ("rejected", "price.missing"),
    "picture_too_small": ("rejected", "picture.too_small"),
    "broken_picture": ("rejected", "picture.undecodable"),
    "missing_picture": ("rejected", "picture.missing"),
    "phone_in_text": ("flagged", "text.phone_number"),
    "prohibited_goods": ("rejected", "text.prohibited_goods"),
    "duplicate": ("rejected", "catalog.duplicate"),
    "error_once": ("live", None),
    "rate_limited_once": ("live", None),
    "not_found": ("dead", "catalog.page_not_found"),
    "malformed": ("dead", "catalog.page_malformed"),
}


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """One product of the sample catalog, as its page and its picture show it."""

    id: str
    title: str
    description: str
    price: Decimal
    brand: str
    sku: str
    kind: str
    shape: str
    colour: words.Colour
    collections: tuple[str, ...]
    availability: str = "in stock"
    version: int = 1
    defect: str | None = None
    picture_of: str = ""  # the product whose picture it shows, when it copies another

    @property
    def picture(self) -> str:
        """The name of the picture's file."""
        return f"{self.picture_of or self.id}-1.jpg"

    @property
    def external_id(self) -> str:
        """The id under which Souk knows the product."""
        return f"whatsapp:{self.id}"


@dataclass(frozen=True, slots=True)
class Edition:
    """The catalog at one time: its products in the order listed, and what differs from the edition before."""

    number: int
    products: tuple[SampleProduct, ...]
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()  # removed in this or any earlier edition

    def truth(self) -> dict[str, object]:
        """Tell how each product must end when Souk has read this edition."""
        ends = {}
        for product in self.products:
            status, code = ENDINGS[product.defect] if product.defect else ("live", None)
            ends[product.external_id] = {"ends": status, "code": code, "defect": product.defect}
        return {
            "edition": self.number,
            "found": len(self.products),
            "gone": list(self.gone),
            "products": ends,
            "changed": list(self.changed),
            "added": list(self.added),
            "removed": list(self.removed),
        }


def make_edition(*, count: int, seed: int, number: int) -> Edition:
    """Compose one edition; edition 1 is the base, and each next one follows from the one before."""
    edition = Edition(number=1, products=tuple(_base(count, seed)))
    for following in range(2, number + 1):
        edition = _next_edition(edition, random.Random(f"{seed}:edition:{following}"), following)  # noqa: S311
    return edition


def _base(count: int, seed: int) -> list[SampleProduct]:
    rng = random.Random(f"{seed}:products")  # noqa: S311 a sample has to be the same each time
    products = [_compose(rng, index) for index in range(count)]
    _give_defects(products, random.Random(f"{seed}:defects"))  # noqa: S311
    return products


def _compose(rng: random.Random, index: int) -> SampleProduct:
    kind = KINDS[index % len(KINDS)]
    shape = rng.choice(list(kind.nouns))
    noun = rng.choice(kind.nouns[shape])
    palette = METALS if kind.is_metal else COLOURS
    colour = rng.choice(list(palette))
    parts = {
        "noun": noun,
        "colour": colour,
        "material": rng.choice(kind.materials),
        "brand": rng.choice(words.BRANDS),
        "model": rng.choice(words.MODELS),
        "adjective": rng.choice(words.ADJECTIVES),
        "size": rng.choice(kind.sizes),
    }
    collections: tuple[str, ...] = (kind.slug,)
    if rng.random() < 0.1:
        collections += (rng.choice(CROSS_COLLECTIONS).lower().replace(" ", "-"),)
    return SampleProduct(
        id=f"{rng.randrange(10**6):06d}{index:05d}{rng.randrange(10**5):05d}",
        title=_title(rng, parts),
        description=_description(rng, kind, parts),
        price=_price(rng, kind),
        brand=parts["brand"],
        sku=f"{kind.name[:3].upper()}-{index:05d}",
        kind=kind.slug,
        shape=shape,
        colour=palette[colour],
        collections=collections,
        availability="out of stock" if rng.random() < 0.04 else "in stock",
    )


def _title(rng: random.Random, parts: dict[str, str]) -> str:
    template = rng.choice(
        (
            "{colour} {material} {noun} {model}",
            "{brand} {noun} {model}, {colour}",
            "{adjective} {colour} {noun} by {brand}",
            "{noun} {model} in {colour} {material}",
        )
    )
    title = template.format(**parts)
    return title[0].upper() + title[1:]


def _description(rng: random.Random, kind: Kind, parts: dict[str, str]) -> str:
    sentences = (rng.choice(words.OPENINGS), rng.choice(kind.uses), rng.choice(words.CLOSINGS))
    text = " ".join(sentences).format(a_adjective=_with_article(parts), **parts)
    return text[0].upper() + text[1:]


def _with_article(parts: dict[str, str]) -> str:
    adjective, noun = parts["adjective"], parts["noun"]
    if noun.endswith(("blocks", "cubes")):
        return f"a set of {adjective}"
    if noun.endswith("s"):
        return f"a pair of {adjective}"
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective}"


def _price(rng: random.Random, kind: Kind) -> Decimal:
    whole = rng.randint(kind.price_from, kind.price_to)
    return Decimal(whole) + rng.choice((Decimal("0.00"), Decimal("0.50"), Decimal("0.90"), Decimal("0.99")))


def _give_defects(products: list[SampleProduct], rng: random.Random) -> None:
    """Give about 6 % of the products one defect each, every kind in turn; a duplicate copies an earlier product.

    A small catalog has more than 6 %, so that it has every kind.
    """
    wanted = max(round(len(products) * DEFECT_SHARE), min(len(ENDINGS), len(products) // 5))
    chosen = sorted(rng.sample(range(len(KINDS), len(products)), wanted))
    kinds = [list(ENDINGS)[position % len(ENDINGS)] for position in range(len(chosen))]
    rng.shuffle(kinds)
    defective = set(chosen)
    originals: set[int] = set()
    for index, defect in zip(chosen, kinds, strict=True):
        if defect == "duplicate":
            original = next(
                (i for i in range(index - len(KINDS), -1, -len(KINDS)) if i not in defective | originals), None
            )
            if original is None:
                continue  # nothing before it in its collection that could be copied
            originals.add(original)
            products[index] = _copy_of(products[original], products[index])
        else:
            products[index] = _spoil(products[index], defect, index)


def _copy_of(original: SampleProduct, place: SampleProduct) -> SampleProduct:
    """Return the original under the id of another place in the same collection, listed nowhere else."""
    return replace(original, id=place.id, collections=(original.kind,), defect="duplicate", picture_of=original.id)


def _spoil(product: SampleProduct, defect: str, index: int) -> SampleProduct:
    if defect == "phone_in_text":
        sentence = words.PHONE_SENTENCE.format(index % 1000)
        return replace(product, description=f"{product.description} {sentence}", defect=defect)
    if defect == "prohibited_goods":
        title, description = words.PROHIBITED[index % len(words.PROHIBITED)]
        return replace(product, title=title, description=description, defect=defect)
    return replace(product, defect=defect)


def _next_edition(before: Edition, rng: random.Random, number: int) -> Edition:
    products = list(before.products)
    copied = {product.picture_of for product in products if product.picture_of}
    healthy = [i for i, product in enumerate(products) if product.defect is None and product.id not in copied]
    touched = rng.sample(healthy, CHANGED_AN_EDITION + REMOVED_AN_EDITION)
    changed, removed = touched[:CHANGED_AN_EDITION], touched[CHANGED_AN_EDITION:]
    for position, index in enumerate(changed):
        products[index] = _change(rng, products[index], is_title=position % 2 == 1)
    first_index = len(before.products) + (number - 1) * 100
    added = [_compose(rng, first_index + offset) for offset in range(ADDED_AN_EDITION)]
    gone = {products[index].external_id for index in removed}
    return Edition(
        number=number,
        products=(*_without(products, removed), *added),
        changed=tuple(products[index].external_id for index in changed),
        added=tuple(product.external_id for product in added),
        removed=tuple(sorted(gone)),
        gone=tuple(sorted(gone | set(before.gone))),
    )


def _change(rng: random.Random, product: SampleProduct, *, is_title: bool) -> SampleProduct:
    version = product.version + 1
    if is_title:
        addition = rng.choice(("new season", "limited run"))
        return replace(product, title=f"{product.title}, {addition} {version}", version=version)
    return replace(product, price=product.price + rng.randint(1, 9), version=version)


def _without(products: Sequence[SampleProduct], indexes: Sequence[int]) -> list[SampleProduct]:
    left_out = set(indexes)
    return [product for index, product in enumerate(products) if index not in left_out]
