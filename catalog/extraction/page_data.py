"""What the reading of a product's page returns, and the claims that it is chosen from."""

from dataclasses import dataclass, field
from typing import Any, Literal

from marketplace.money import Money

Availability = Literal["InStock", "OutOfStock", "PreOrder"]
Evidence = Literal[
    "json-ld", "microdata", "rdfa", "open-graph", "embedded-state", "dom", "title-tag", "address", "derived"
]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a page says about one field."""

    value: Any
    evidence: Evidence
    confidence: float  # 0 to 1
    place: str = ""  # where it stands: a property, a label or an element


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """One step of the way to the product; the address is empty where the step is no link."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """One form in which the product is sold."""

    options: dict[str, str] = field(default_factory=dict)
    sku: str = ""
    gtin: str = ""
    price: Money | None = None
    availability: Availability | None = None
    picture: str = ""
    identity: str = ""  # the shop's own id of it, as addresses name it
    address: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product as one kind of evidence describes it; prices are money whose currency may be empty."""

    evidence: Evidence
    title: str = ""
    description: str = ""
    price: Money | None = None
    is_lowest: bool = False  # the price is the lowest of several offers, of any form or seller
    list_price: Money | None = None
    other_prices: tuple[Money, ...] = ()  # of other offers and variants
    availability: Availability | None = None
    sku: str = ""
    mpn: str = ""
    identity: str = ""
    gtin: str = ""
    brand: str = ""
    images: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    address: str = ""
    is_declared: bool = True  # says itself that it is a product
    is_asked_for: bool = False  # the page's address names this form of the product
    match: float = 0.0  # how surely it is the page's own product, 0 to 1


@dataclass(frozen=True, slots=True)
class PageData:
    """What a product's page says, each field with its evidence and confidence, and the claims that lost."""

    title: str
    description: str = ""
    price: Money | None = None
    list_price: Money | None = None
    currency: str = ""
    availability: Availability | None = None
    sku: str = ""
    mpn: str = ""
    brand: str = ""
    gtin: str = ""
    images: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    breadcrumbs: tuple[Breadcrumb, ...] = ()
    canonical_address: str = ""
    language: str = ""
    evidence: dict[str, Evidence] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    alternatives: dict[str, tuple[Claim, ...]] = field(default_factory=dict)
