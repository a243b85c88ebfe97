"""The class of a category, and which categories are read first.

Source: the specification, priority product > demographic > featured > brand.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from catalog.site.category_words import BRAND_WORDS, DEMOGRAPHIC_STEMS, FEATURED_STEMS, PRODUCT_STEMS
from catalog.site.navigation import Branch, NavigationNode, branches_of

PRODUCT, DEMOGRAPHIC, FEATURED, BRAND = "product", "demographic", "featured", "brand"
KINDS = (PRODUCT, DEMOGRAPHIC, FEATURED, BRAND)
STEM_LENGTH = 4  # shorter words must be met whole: "art" is no "party"

_WORD = re.compile(r"[^\W\d_]+")


def _plain(text: str) -> str:
    """Return the text in lower case without accents and other marks."""
    apart = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L").replace("ı", "i").casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _stems(text: str) -> tuple[frozenset[str], tuple[str, ...]]:
    words = {_plain(word) for word in text.split()}
    whole = frozenset(words)
    return whole, tuple(sorted(word for word in words if len(word) >= STEM_LENGTH))


_STEMS = {PRODUCT: _stems(PRODUCT_STEMS), DEMOGRAPHIC: _stems(DEMOGRAPHIC_STEMS), FEATURED: _stems(FEATURED_STEMS)}
_BRANDS = frozenset(_plain(word) for word in BRAND_WORDS.split())


@lru_cache(maxsize=4096)
def kind_of_name(name: str) -> str:
    """Return the class that a category's name alone tells; empty when it tells none."""
    words = _WORD.findall(_plain(name.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")))
    if any(_is_of_products(word) for word in words):
        return PRODUCT
    for kind in (DEMOGRAPHIC, FEATURED):
        whole, stems = _STEMS[kind]
        if any(word in whole or word.startswith(stems) for word in words):
            return kind
    first = next((letter for letter in name if letter.isalpha()), "")
    return BRAND if first.isupper() else ""


def _is_of_products(word: str) -> bool:
    """Tell whether a word names goods, also as a part of one: German and Dutch write `Damenschuhe`."""
    whole, stems = _STEMS[PRODUCT]
    if word in whole:
        return True
    if word in _STEMS[DEMOGRAPHIC][0] or word in _STEMS[FEATURED][0]:
        return False
    return word.startswith(stems) or any(stem in word[3:] for stem in stems if len(stem) > STEM_LENGTH)


@lru_cache(maxsize=4096)
def kind_of(names: tuple[str, ...]) -> str:
    """Return the class of the category with these names, from the root; empty when nothing tells it.

    A name that tells nothing by itself is told by its parent: below "Shoes" or "Women" stands a kind of goods, and
    below "Brands" a brand.
    """
    if not names:
        return ""
    *above, name = names
    if any(not _BRANDS.isdisjoint(_WORD.findall(_plain(step))) for step in above):
        return BRAND
    own = kind_of_name(name)
    if own not in (BRAND, ""):
        return own
    parent = kind_of(tuple(above))
    return PRODUCT if parent in (PRODUCT, DEMOGRAPHIC) else own


def select_categories(
    tree: Sequence[NavigationNode], *, most: int, kinds: Iterable[str] = (*KINDS, "")
) -> tuple[list[Branch], int]:
    """Return the categories of a tree that are to be read, the most telling class first, and how many were left out.

    Each address comes once, with all its paths. Within a class the order is the tree's own.
    """
    wanted = tuple(kinds)
    ranks = {kind: rank for rank, kind in enumerate((*KINDS, ""))}
    branches = [
        (min(ranks[kind] for kind in found), branch)
        for branch in branches_of(tree)
        if (found := [kind for path in branch.paths if (kind := kind_of(_names(path))) in wanted])
    ]
    branches.sort(key=lambda ranked: ranked[0])
    return [branch for _, branch in branches[:most]], max(0, len(branches) - most)


def _names(path: Sequence[NavigationNode]) -> tuple[str, ...]:
    return tuple(node.name for node in path)
