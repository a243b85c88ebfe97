"""The order of candidates: how well each product says what the query says, and where it says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.ranking.candidates import Document
from catalog.ranking.documents import COMPLEMENT, PHRASE_END
from catalog.ranking.queries import Term, Understood
from catalog.ranking.tokens import has_digit, spaced
from catalog.ranking.vocabulary import Vocabulary

# Source: Robertson, Zaragoza 2009, "The probabilistic relevance framework", 3.6 (BM25F): a word counts by its field.
# Round numbers; of the weights half and double move nDCG by less than the ratings can tell.
WEIGHTS: Mapping[str, float] = {"title": 2.0, "brand": 2.0, "categories": 1.0, "description": 1.0, "attributes": 0.5}
CODE_WEIGHT = 2.0
K1 = 1.2
B = 0.5
# A thing beats what belongs to it: a title where the word only describes the next one loses up to a quarter.
MODIFIER_LOSS = 0.25
# Words of the query that follow each other in a field add this share of the rarer one's weight.
NEIGHBOUR_GAIN = 0.2
NEIGHBOUR_FIELDS: Mapping[str, float] = {"title": 1.0, "description": 0.5, "attributes": 0.25}

Numbers = NDArray[np.float64]


class Tier(IntEnum):
    """What decides before any score."""

    MEANING = 0  # no word of the query
    SOME_WORDS = 1
    ALL_WORDS = 2
    EXACT = 3  # the product that the query names by its code


@dataclass(frozen=True, slots=True)
class Placed:
    """A candidate with what puts it into its place.

    Args:
        words: what its words are worth, from 0 to 1.
        matched: the terms that it holds, as they were written.
    """

    product_id: int
    tier: Tier
    words: float
    matched: tuple[str, ...]


def place(understood: Understood, documents: Sequence[Document], vocabulary: Vocabulary) -> list[Placed]:
    """Say for each document in which tier it stands and what its words are worth, in the order given.

    A word that no document holds cannot be what tells them apart, and counts for nothing.
    """
    terms = understood.terms
    if not terms or not documents:
        return []
    fields = {name: [getattr(document, name) for document in documents] for name in WEIGHTS}
    codes = [document.codes for document in documents]
    norms = {name: _norm(texts, vocabulary.lengths.get(name, 0.0)) for name, texts in fields.items()}
    counts = np.array([_counts(term, fields, norms, codes) for term in terms])
    rarities = np.array([vocabulary.rarity(*(stem for phrase, _ in term.options for stem in phrase)) for term in terms])
    worth = rarities @ (counts * (K1 + 1) / (counts + K1))
    worth *= 1.0 - MODIFIER_LOSS * _modifying(terms, fields, vocabulary)
    worth += _neighbour_gain(terms, fields, rarities)
    held = counts > 0
    said = rarities * held.any(axis=1)
    share = said @ held / max(said.sum(), 1e-9)
    most = (K1 + 1) * rarities.sum() + NEIGHBOUR_GAIN * sum(NEIGHBOUR_FIELDS.values()) * rarities.sum()
    values = worth * share / most
    exact = _exact(understood, codes, held)
    return [
        Placed(
            product_id=document.product_id,
            tier=_tier(is_exact=bool(exact[i]), share=float(share[i])),
            words=float(values[i]),
            matched=tuple(term.written for term, is_held in zip(terms, held[:, i], strict=True) if is_held),
        )
        for i, document in enumerate(documents)
    ]


def _tier(*, is_exact: bool, share: float) -> Tier:
    if is_exact:
        return Tier.EXACT
    if share <= 0.0:
        return Tier.MEANING
    return Tier.ALL_WORDS if share > 1.0 - 1e-9 else Tier.SOME_WORDS


def _norm(texts: Sequence[str], average: float) -> Numbers:
    """Return by what the counts of a field are divided: a word counts less in a longer text."""
    if not average:
        return np.ones(len(texts))
    lengths = np.array([text.count(" ") / 2 for text in texts])
    return 1.0 - B + B * lengths / average


def _counts(
    term: Term, fields: Mapping[str, Sequence[str]], norms: Mapping[str, Numbers], codes: Sequence[str]
) -> Numbers:
    """Count the term in each document, weighted by field; a code counts where nothing else says it."""
    total = np.zeros(len(codes))
    for phrase, weight in term.options:
        sought = spaced(phrase)
        for name, texts in fields.items():
            found = np.fromiter((text.count(sought) for text in texts), dtype=np.float64, count=len(texts))
            total += weight * WEIGHTS[name] * found / norms[name]
        in_codes = np.fromiter((sought in text for text in codes), dtype=np.bool_, count=len(codes))
        total[(total == 0.0) & in_codes] = weight * CODE_WEIGHT
    return total


def _modifying(terms: Sequence[Term], fields: Mapping[str, Sequence[str]], vocabulary: Vocabulary) -> Numbers:
    """Return how much what is asked for only describes another thing in each document, from 0 to 1.

    It is the last term that is neither a number nor a brand; of a query of brands alone it is the brand, and a product
    of another brand goes with that one's at best.
    """
    titles, brands = fields["title"], fields["brand"]
    words = [term.stems[-1] for term in terms if not has_digit(term.stems[-1])]
    things = [stem for stem in words if not vocabulary.is_brand(stem)]
    if things:
        pairs = zip(titles, brands, strict=True)
        return np.array([modifies(things[-1], title, brand, vocabulary) for title, brand in pairs])
    if words:
        return np.array([float(not any(spaced([stem]) in brand for stem in words)) for brand in brands])
    return np.zeros(len(titles))


def modifies(stem: str, title: str, brand: str, vocabulary: Vocabulary) -> float:
    """Return how much a word only describes another in a title: 0 where the title is about it, 1 at most.

    After a word such as "for" it is what the thing is for. Before another word of the same phrase it describes that in
    the measure in which that word stands after it wherever a title has it: "pad" after "mouse" often, "black" seldom.
    """
    sought = spaced([stem])
    start = title.find(sought)
    if start < 0 or sought in brand:
        return 0.0
    complement = title.find(spaced([COMPLEMENT]))
    least = 1.0
    while start >= 0:
        if 0 <= complement < start:
            break
        following = title[start + len(sought) : start + len(sought) + 80].split(maxsplit=1)[:1]
        is_free = not following or following[0] in (PHRASE_END, COMPLEMENT) or has_digit(following[0])
        if is_free or spaced(following) in brand:
            return 0.0
        least = min(least, vocabulary.attraction(stem, following[0]))
        start = title.find(sought, start + 1)
    return least


def _neighbour_gain(terms: Sequence[Term], fields: Mapping[str, Sequence[str]], rarities: Numbers) -> Numbers:
    """Return what each document gains by words that follow each other there as they do in the query."""
    gain = np.zeros(len(fields["title"]))
    for (first, second), weights in zip(pairwise(terms), pairwise(rarities), strict=True):
        sought = spaced([*first.stems, *second.stems])
        for name, weight in NEIGHBOUR_FIELDS.items():
            found = np.fromiter((sought in text for text in fields[name]), dtype=np.bool_, count=len(gain))
            gain += NEIGHBOUR_GAIN * weight * min(weights) * found
    return gain


def _exact(understood: Understood, codes: Sequence[str], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which documents the query names: by one of their codes alone, or by one and words that they all hold.

    A code without a digit is a word like others.
    """
    all_held = held.all(axis=0)
    own = [text.partition(spaced([PHRASE_END]))[0] + " " for text in codes]
    found = np.zeros(len(codes), dtype=np.bool_)
    for code in understood.codes:
        if not has_digit(code):
            continue
        sought = spaced([code])
        has_code = np.fromiter((sought in text for text in own), dtype=np.bool_, count=len(codes))
        found |= has_code if code in understood.whole else has_code & all_held
    return found
