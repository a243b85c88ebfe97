"""What a rule sees and what it may say."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256


class Severity(StrEnum):
    """What a reason does to its product."""

    REJECT = "reject"  # not shown until the seller mends it
    FLAG = "flag"  # not shown until staff has looked at it


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """One picture, as far as rules care; error_code says why it is broken."""

    error_code: str = ""
    width_px: int = 0
    height_px: int = 0

    @property
    def short_side_px(self) -> int:
        """The lesser of width and height."""
        return min(self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """All of a product that rules may look at; equal facts get an equal verdict."""

    title: str = ""
    description: str = ""
    price: Decimal | None = None
    currency: str = ""
    pictures: tuple[PictureFacts, ...] = field(default=())
    not_carried: tuple[str, ...] = ()  # fields for which the product's source has no place
    duplicate_of: int | None = None
    seller_phone: str = ""

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """The texts that buyers read, each with the name of its field."""
        return (("title", self.title), ("description", self.description))

    @property
    def input_hash(self) -> str:
        """The digest of these facts."""
        return sha256(json.dumps(asdict(self), default=str, sort_keys=True).encode()).hexdigest()


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
        return {"code": self.code, "field": self.field, "message": self.message, "remedy": self.remedy}


Rule = Callable[[ProductFacts], Reason | None]
