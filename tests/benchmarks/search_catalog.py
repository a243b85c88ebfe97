"""A catalog that looks like a real one to a search engine, and what people ask of it; the same for a seed, always.

Words are made of syllables and drawn by Zipf's law, as in any language: a few are in every second text, most in
hardly any. Each category has words of its own, which its titles are made of; each brand has its share of the products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

from catalog.index import IndexFilter

SEED = 5
SELLERS = 8
CHUNK = 500  # products are made by as many at a time, each chunk from a seed of its own
WORDS, BRANDS, DEPARTMENTS, SHELVES = 20_000, 300, 12, 8
OWN_WORDS = 60  # of a category, for its titles
SYLLABLES = [first + vowel + last for first in "bdfglmnprstvkz" for vowel in "aeiou" for last in ("", "n", "r", "l")]
GLUE = ("the", "a", "and", "of", "for", "with", "in", "to", "is", "it")
COLOURS = ("black", "white", "red", "blue", "green", "grey", "brown", "beige")
AVAILABILITIES, AVAILABILITY_SHARES = ("in_stock", "out_of_stock", "preorder", "unknown"), (0.8, 0.1, 0.02, 0.08)
FILTERED_SHARE, MISTYPED_SHARE, CODE_SHARE = 0.3, 0.05, 0.03

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Entry:
    """One product of the catalog."""

    number: int
    seller: int
    title: str
    description: str
    brand: str
    sku: str
    category: str
    price: Decimal
    availability: str


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks for; sellers by their number in the catalog."""

    query: str
    where: IndexFilter
    seller: int | None = None


def zipf(count: int, exponent: float = 1.0) -> NDArray[np.float64]:
    """Return the probabilities of so many things by their rank."""
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    return np.asarray(weights / weights.sum())


@cache
def _vocabulary() -> tuple[NDArray[np.str_], list[str], dict[str, NDArray[np.str_]]]:
    """Return words by their rank, brands by theirs, and each category's own words."""
    rng = np.random.default_rng(SEED)
    words: dict[str, None] = dict.fromkeys(GLUE)
    while len(words) < WORDS + BRANDS:
        words["".join(rng.choice(SYLLABLES, size=rng.integers(2, 5)))] = None
    made = list(words)
    brands, common = [name.capitalize() for name in made[-BRANDS:]], np.array(made[:-BRANDS])
    paths = [
        f"{common[100 + department].capitalize()} > {common[200 + department * SHELVES + shelf].capitalize()}"
        for department in range(DEPARTMENTS)
        for shelf in range(SHELVES)
    ]
    own = {path: np.array([path.split(" > ")[1].lower(), *rng.choice(common[300:], size=OWN_WORDS)]) for path in paths}
    return common, brands, own


def entries(first: int, count: int) -> Iterator[Entry]:
    """Make the products of these numbers."""
    for start in range(first - first % CHUNK, first + count, CHUNK):
        yield from _chunk(start)[max(0, first - start) : first + count - start]


def _chunk(start: int) -> list[Entry]:
    common, brands, own = _vocabulary()
    rng = np.random.default_rng([SEED, start])
    paths = list(own)
    path_of = rng.choice(len(paths), size=CHUNK, p=zipf(len(paths), 0.6))
    brand_of = rng.choice(BRANDS, size=CHUNK, p=zipf(BRANDS))
    prices = np.exp(rng.normal(3.2, 1.1, size=CHUNK)).clip(0.5, 20_000)
    sellers = rng.choice(SELLERS, size=CHUNK, p=zipf(SELLERS, 0.8))
    stock = rng.choice(AVAILABILITIES, size=CHUNK, p=AVAILABILITY_SHARES)
    made = []
    for place in range(CHUNK):
        path, brand = paths[path_of[place]], brands[brand_of[place]]
        made.append(
            Entry(
                number=start + place,
                seller=int(sellers[place]),
                title=_title(rng, common, own[path], brand),
                description=" ".join(rng.choice(common, size=rng.integers(15, 80), p=zipf(WORDS))).capitalize() + ".",
                brand=brand,
                sku=f"{brand[:3].upper()}-{rng.integers(10_000, 1_000_000)}",
                category=path,
                price=Decimal(f"{prices[place]:.2f}"),
                availability=str(stock[place]),
            )
        )
    return made


def _title(rng: Generator, common: NDArray[np.str_], own: NDArray[np.str_], brand: str) -> str:
    """Write 4 to 12 words: the brand, what it is, what it is like."""
    words = [brand, *rng.choice(own, size=rng.integers(1, 4), p=zipf(len(own))), str(rng.choice(COLOURS))]
    words += list(rng.choice(common[len(GLUE) :], size=rng.integers(1, 8), p=zipf(WORDS - len(GLUE))))
    return " ".join(words)


def questions(count: int, *, products: int, seed: int) -> list[Question]:
    """Make so many different questions about the first products, most of them one to three words of a title."""
    rng = np.random.default_rng([SEED, seed])
    starts = range(0, products, CHUNK * max(1, products // 5_000))
    pool = [entry for start in starts for entry in entries(start, min(CHUNK, products - start))]
    found: dict[str, Question] = {}
    while len(found) < count:
        entry = pool[rng.integers(len(pool))]
        query = _query(rng, entry)
        found.setdefault(query.casefold(), _narrowed(rng, query, entry))
    return list(found.values())


def _query(rng: Generator, entry: Entry) -> str:
    kind = rng.random()
    if kind < CODE_SHARE:
        return entry.sku
    words = entry.title.split()
    size = min(int(rng.choice([1, 2, 3, 4], p=[0.25, 0.4, 0.25, 0.1])), len(words))
    chosen = [words[place] for place in sorted(rng.choice(len(words), size=size, replace=False))]
    if kind < CODE_SHARE + MISTYPED_SHARE:
        chosen[-1] = _mistyped(rng, chosen[-1])
    return " ".join(chosen)


def _mistyped(rng: Generator, word: str) -> str:
    """Let two letters change places."""
    at = int(rng.integers(len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _narrowed(rng: Generator, query: str, entry: Entry) -> Question:
    if rng.random() >= FILTERED_SHARE:
        return Question(query, IndexFilter())
    match int(rng.integers(4)):
        case 0:
            return Question(query, IndexFilter(categories=(entry.category.split(" > ")[0],)))
        case 1:
            return Question(query, IndexFilter(min_price=entry.price / 2, max_price=entry.price * 2, currency="EUR"))
        case 2:
            return Question(query, IndexFilter(availabilities=("in_stock",)))
        case _:
            return Question(query, IndexFilter(), seller=entry.seller)


def stream(asked: Sequence[Question], count: int, *, seed: int) -> list[Question]:
    """Draw a stream in which questions are as popular as Zipf's law has it, s = 1."""
    rng = np.random.default_rng([SEED, seed])
    return [asked[place] for place in rng.choice(len(asked), size=count, p=zipf(len(asked)))]
