"""What a rule sees, what it is, and what it may say."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256


class Severity(StrEnum):
    """What a reason does to its product."""

    REJECT = "reject"  # not shown until the seller mends it
    FLAG = "flag"  # not shown until staff has looked at it
    ADVISE = "advise"  # shown; the seller is told how to do better


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """One picture, as far as rules care; error_code says why it is broken."""

    error_code: str = ""
    width_px: int = 0
    height_px: int = 0
    size_bytes: int = 0
    media_type: str = ""
    sha256: str = ""
    # What was measured of it when it was read; None where nothing was, or nothing can be said.
    sharpness: float | None = None  # 0 to 1: how steep its steepest edges are; 1: from one pixel to the next
    contrast: float | None = None  # 0 to 255: how far its parts differ from each other
    frame_share: float | None = None  # 0 to 1: how much of it is a frame or bars of one colour
    is_animated: bool | None = None

    @property
    def short_side_px(self) -> int:
        """The lesser of width and height."""
        return min(self.width_px, self.height_px)

    @property
    def long_side_px(self) -> int:
        """The greater of width and height."""
        return max(self.width_px, self.height_px)

    @property
    def is_showable(self) -> bool:
        """Whether buyers can be shown it at all."""
        return not self.error_code


@dataclass(frozen=True, slots=True)
class CategoryPrices:
    """The prices of the other products of a category and currency."""

    median: Decimal
    log_spread: float  # 1.4826 times the median absolute deviation of the natural logarithms
    count: int


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """All of a product that rules may look at; equal facts get an equal verdict."""

    title: str = ""
    description: str = ""
    price: Decimal | None = None
    currency: str = ""
    list_price: Decimal | None = None
    brand: str = ""
    gtin: str = ""
    sku: str = ""
    availability: str = ""
    category_path: str = ""  # "" for none
    pictures: tuple[PictureFacts, ...] = field(default=())
    not_carried: tuple[str, ...] = ()  # fields for which the product's source has no place
    seller_phone: str = ""
    shop_language: str = ""  # ISO 639-1, what most of the seller's texts are in; "" where that is not clear
    # Other products of the seller, by id, with which it shares what it should not.
    duplicate_of: int | None = None
    same_picture_as: int | None = None
    similar_picture_as: int | None = None
    same_gtin_as: int | None = None
    same_sku_as: int | None = None
    same_offer_as: int | None = None
    category_prices: CategoryPrices | None = None

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """The texts that buyers read, each with the name of its field."""
        return (("title", self.title), ("description", self.description))

    @property
    def input_hash(self) -> str:
        """The digest of these facts."""
        return _digest(_shallow(self))

    @property
    def content_hash(self) -> str:
        """The digest of what the seller says of the product: it does not change because of other products."""
        return _digest(self.content)

    @property
    def content(self) -> dict[str, object]:
        """What the seller says of the product, as JSON: what a reviewer sees, and a verdict keeps."""
        return {
            "title": self.title,
            "description": self.description,
            "price": None if self.price is None else f"{self.price:f}",
            "currency": self.currency,
            "list_price": None if self.list_price is None else f"{self.list_price:f}",
            "brand": self.brand,
            "gtin": self.gtin,
            "sku": self.sku,
            "category": self.category_path,
            "pictures": [picture.sha256 or picture.error_code for picture in self.pictures],
        }


def _digest(value: object) -> str:
    return sha256(json.dumps(value, default=_jsonable, sort_keys=True).encode()).hexdigest()


def _jsonable(value: object) -> object:
    return _shallow(value) if isinstance(value, PictureFacts | CategoryPrices) else str(value)


def _shallow(value: ProductFacts | PictureFacts | CategoryPrices) -> dict[str, object]:
    """Return the fields as they are; asdict(), which copies all that is in them, took five times as long."""
    return {name: getattr(value, name) for name in value.__slots__}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a product is not simply approved, and what its seller can do."""

    code: str
    severity: Severity
    field: str
    message: str
    remedy: str

    def as_entry(self) -> dict[str, str]:
        """Return the form in which verdicts and products keep it."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "field": self.field,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: in which field, and what, in a sentence that its seller understands."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a rule compares with, which staff may tune.

    Args:
        name: as the rule asks for it.
        default: the value that it comes with.
        least: the lowest that may be set.
        most: the highest that may be set.
        unit: what it counts, for people; "" for a plain number.
        calibration: where the default comes from, or what was measured for it.
    """

    name: str
    default: float
    least: float
    most: float
    unit: str = ""
    calibration: str = ""


Limits = Mapping[str, float]
Check = Callable[[ProductFacts, Limits], Finding | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a code, what a finding does to the product, what it looks at, and the remedy in the seller's words.

    Args:
        code: dotted, stable; verdicts keep it.
        severity: unless staff set another.
        looks_at: fields of the facts.
        remedy: what the seller can do; thresholds may stand in it, as "{most_chars:.0f}".
        check: the function that finds.
        thresholds: what staff may tune.
    """

    code: str
    severity: Severity
    looks_at: tuple[str, ...]
    remedy: str
    check: Check
    thresholds: tuple[Threshold, ...] = ()

    @property
    def summary(self) -> str:
        """What it does, in a sentence for staff."""
        return (self.check.__doc__ or "").strip().split("\n", 1)[0]

    @property
    def default_limits(self) -> dict[str, float]:
        """The thresholds that it comes with, by name."""
        return {it.name: it.default for it in self.thresholds}


def rule(
    *, code: str, severity: Severity, looks_at: tuple[str, ...], remedy: str, thresholds: tuple[Threshold, ...] = ()
) -> Callable[[Check], Rule]:
    """Make a rule of the decorated function; see Rule for the arguments."""

    def declare(check: Check) -> Rule:
        return Rule(code=code, severity=severity, looks_at=looks_at, remedy=remedy, check=check, thresholds=thresholds)

    return declare
