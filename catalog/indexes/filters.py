"""What narrows a search, in the index's own language."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

MAX_CATEGORY_BYTES = 1000


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """What a hit must have beside being visible; None and empty do not narrow, of several values any will do."""

    seller_ids: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    availabilities: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    currency: str = ""

    def expression(self) -> str:
        """Write the filter in Milvus' language; every value is quoted or a number."""
        terms = ["is_visible == true"]
        if self.seller_ids:
            terms.append(f"seller_id in {_listed(int(seller_id) for seller_id in self.seller_ids)}")
        if self.categories:
            keys = _listed(category_key(name) for name in self.categories)
            terms.append(f"array_contains_any(categories, {keys})")
        if self.availabilities:
            terms.append(f"availability in {_listed(self.availabilities)}")
        if self.min_price is not None:
            terms.append(f"price >= {_number(self.min_price)}")
        if self.max_price is not None:
            terms.append(f"price <= {_number(self.max_price)}")
        if self.currency:
            terms.append(f"currency == {_quoted(self.currency.upper())}")
        return " and ".join(terms)


def category_key(name: str) -> str:
    """Return the form in which categories are compared: no case, single spaces, 1,000 bytes at most."""
    folded = " ".join(name.casefold().split())
    return folded.encode()[:MAX_CATEGORY_BYTES].decode(errors="ignore")


def _quoted(text: str) -> str:
    """Write a string literal of Milvus' filter language, which takes JSON's."""
    return json.dumps(text, ensure_ascii=False)


def _listed(values: Iterable[str | int]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no price")
    return f"{value:f}"
