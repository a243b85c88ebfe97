"""What the address of the search page asks for: read leniently, and written again without what nobody asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from catalog.index import IndexFilter
from catalog.search.asking import MAX_OFFSET, MAX_QUERY_CHARS, Search, Sort
from marketplace.models import Product

PAGE_SIZE = 24
MAX_PAGE = MAX_OFFSET // PAGE_SIZE + 1
MAX_VALUES = 50  # of one filter
MAX_ID = 2**63 - 1
MAX_CATEGORY_CHARS = 1000
MAX_PRICE = Decimal(10) ** 14
CURRENCY_CHARS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as the page shows it; page counts from 1."""

    q: str = ""
    sellers: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    availabilities: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    currency: str = ""
    sort: Sort = Sort.RELEVANCE
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Tell whether anything but words narrows the search."""
        return self != Asked(q=self.q, sort=self.sort, page=self.page)

    @property
    def min_price_text(self) -> str:
        """The lowest price as its field shows it."""
        return _number(self.min_price)

    @property
    def max_price_text(self) -> str:
        """The highest price as its field shows it."""
        return _number(self.max_price)

    def search(self) -> Search:
        """Return it as the search takes it."""
        return Search(
            query=self.q,
            where=IndexFilter(
                seller_ids=self.sellers,
                categories=self.categories,
                availabilities=self.availabilities,
                min_price=self.min_price,
                max_price=self.max_price,
                currency=self.currency,
            ),
            sort=self.sort,
            limit=PAGE_SIZE,
            offset=(self.page - 1) * PAGE_SIZE,
        )

    def address(self, **changes: Any) -> str:
        """Write the address of this search with some fields changed; on its first page, where page is not given."""
        asked = replace(self, **{"page": 1} | changes)
        fields: list[tuple[str, Any]] = [("q", asked.q)] if asked.q else []
        fields += [("category", path) for path in asked.categories]
        fields += [("seller", pk) for pk in asked.sellers]
        fields += [("availability", name) for name in asked.availabilities]
        prices = {"min_price": asked.min_price_text, "max_price": asked.max_price_text}
        fields += [(name, price) for name, price in prices.items() if price]
        if asked.currency:
            fields.append(("currency", asked.currency))
        if asked.sort != Sort.RELEVANCE:
            fields.append(("sort", asked.sort.value))
        if asked.page > 1:
            fields.append(("page", asked.page))
        return reverse("search-page") + (f"?{urlencode(fields)}" if fields else "")

    def unfiltered(self) -> "Asked":
        """Return the same words and order, nothing narrowed."""
        return Asked(q=self.q, sort=self.sort)


def read_asked(query: QueryDict) -> tuple[Asked, list[str]]:
    """Return what the query string asks for, and what of it was left out and why, in words for people."""
    problems: list[str] = []
    min_price = _price(query.get("min_price", ""), "lowest", problems)
    max_price = _price(query.get("max_price", ""), "highest", problems)
    if min_price is not None and max_price is not None and min_price > max_price:
        problems.append("The lowest price is above the highest, so neither narrows the search.")
        min_price = max_price = None
    is_priced = min_price is not None or max_price is not None
    asked = Asked(
        q=_words(query.get("q", ""), problems),
        sellers=_sellers(query.getlist("seller"), problems),
        categories=_categories(query.getlist("category")),
        availabilities=_availabilities(query.getlist("availability"), problems),
        min_price=min_price,
        max_price=max_price,
        # The page's form always says in which currency its two fields are; alone that narrows nothing.
        currency=_currency(query.get("currency", ""), problems) if is_priced else "",
        sort=_sort(query.get("sort", ""), problems),
        page=_page(query.get("page", ""), problems),
    )
    return asked, problems


def clean_text(text: str) -> str:
    """Return the text with single spaces, without what PostgreSQL cannot store."""
    return " ".join(text.replace("\0", " ").encode(errors="ignore").decode().split())


def _number(price: Decimal | None) -> str:
    return "" if price is None else f"{price:f}"


def _words(text: str, problems: list[str]) -> str:
    words = clean_text(text)
    if len(words) > MAX_QUERY_CHARS:
        problems.append(f"Only the first {MAX_QUERY_CHARS} characters of what you wrote were looked for.")
    return words[:MAX_QUERY_CHARS].strip()


def _price(text: str, name: str, problems: list[str]) -> Decimal | None:
    """Read a number with a point or a comma for its decimals; None where there is none."""
    text = text.strip()
    if not text:
        return None
    try:
        price = Decimal(text.replace(",", ".") if "." not in text else text)
    except InvalidOperation:
        price = Decimal("nan")
    if not price.is_finite() or not 0 <= price < MAX_PRICE:
        problems.append(f"The {name} price is not a number that we can read, for example 25 or 19.90; it was left out.")
        return None
    return round(price, 4).normalize() + 0


def _sellers(values: Sequence[str], problems: list[str]) -> tuple[int, ...]:
    ids = [int(value) for value in values if value.isascii() and value.isdigit() and 0 < len(value) <= len(str(MAX_ID))]
    known = _first_of(pk for pk in ids if 0 < pk <= MAX_ID)
    if len(ids) < len([value for value in values if value]):
        problems.append("A seller in the address is unknown and was left out.")
    return known


def _categories(values: Sequence[str]) -> tuple[str, ...]:
    cleaned = (clean_text(value)[:MAX_CATEGORY_CHARS] for value in values)
    return _first_of(value for value in cleaned if value)


def _availabilities(values: Sequence[str], problems: list[str]) -> tuple[str, ...]:
    known = _first_of(value for value in values if value in Product.Availability.values)
    if any(value and value not in known for value in values):
        problems.append("An availability in the address is unknown and was left out.")
    return known


def _currency(text: str, problems: list[str]) -> str:
    code = text.strip().upper()
    if code and not (len(code) == CURRENCY_CHARS and code.isascii() and code.isalpha()):
        problems.append("A currency has three letters, for example EUR; it was left out.")
        return ""
    return code


def _sort(text: str, problems: list[str]) -> Sort:
    try:
        return Sort(text) if text else Sort.RELEVANCE
    except ValueError:
        problems.append("That order is unknown; the best matches come first.")
        return Sort.RELEVANCE


def _page(text: str, problems: list[str]) -> int:
    if not text:
        return 1
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= page <= MAX_PAGE:
        problems.append(f"Pages go from 1 to {MAX_PAGE}; this is the first. More words or filters show what is beyond.")
        return 1
    return page


def _first_of(values: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))[:MAX_VALUES]
