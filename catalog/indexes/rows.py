"""What the index holds of a product, and what it finds."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import Any

from catalog.indexes.filters import category_words

MAX_TEXT_CHARS = 16_000


@dataclass(frozen=True)
class Facts:
    """What every row says of its product: filters look at it."""

    product_id: int
    seller_id: int
    categories: tuple[str, ...]
    price: Decimal | None
    currency: str
    availability: str
    is_visible: bool
    input_hash: str  # names the vector

    @cached_property
    def row_hash(self) -> str:
        """A digest of the whole row; equal rows need no second write."""
        facts = [self.seller_id, self.categories, str(self.price), self.currency, self.availability, self.is_visible]
        return sha256(json.dumps([*facts, self._words, self.input_hash]).encode()).hexdigest()[:32]

    @property
    def _words(self) -> str:
        return ""

    def entity(self, vector: Any) -> dict[str, Any]:
        """Return the row as Milvus takes it."""
        return {
            "id": self.product_id,
            "seller_id": self.seller_id,
            "categories": category_words(self.categories),
            "price": None if self.price is None else float(self.price),
            "currency": self.currency,
            "availability": self.availability,
            "is_visible": self.is_visible,
            "row_hash": self.row_hash,
            "dense": vector,
        }


@dataclass(frozen=True)
class IndexRow(Facts):
    """One product, to be found by its words and by its meaning."""

    text: str

    @property
    def _words(self) -> str:
        return self.text

    def entity(self, vector: Any) -> dict[str, Any]:
        """Return the row as Milvus takes it."""
        return {**super().entity(vector), "text": self.text[:MAX_TEXT_CHARS]}


@dataclass(frozen=True)
class PictureRow(Facts):
    """One product, to be found by its first picture; the input hash is the picture's SHA-256."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that one leg of a search found; a greater score is nearer."""

    product_id: int
    score: float
