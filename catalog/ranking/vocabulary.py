"""The words of all documents: how many products hold each, how they stand together, and how people write them."""

import json
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from math import log
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from catalog import index
from catalog.models import SearchDocument
from catalog.models import Vocabulary as StoredVocabulary
from catalog.ranking.documents import COMPLEMENT, FIELDS, PHRASE_END
from catalog.ranking.languages import DEFAULT
from catalog.ranking.tokens import has_digit

MIN_LANGUAGE_SHARE = 0.01
RECHECK_S = 5.0
# It is made anew when so many documents came or went, else when it is so old; an unchanged index needs no new one.
GROWTH_SHARE = 0.05
MAX_AGE = timedelta(minutes=10)
_REFRESH_LOCK = 0x736F756B0002
_MARKERS = (PHRASE_END, COMPLEMENT)


@dataclass(frozen=True)
class Vocabulary:
    """What was counted over all documents; with none, every word weighs the same and none is corrected.

    Args:
        documents: how many.
        lengths: average words of a field, by field.
        frequency: products by stem.
        in_titles: places in titles by stem.
        pairs: places in titles by two stems that follow each other, twice at least.
        brands: products by stem of their brand.
        forms: places in titles, brands and categories by word as people write it, without digits.
        phrases: the same by two words that follow each other, twice at least.
        languages: those of at least 1 % of the products, and English.
    """

    number: int = 0
    documents: int = 0
    lengths: Mapping[str, float] = field(default_factory=dict)
    frequency: Mapping[str, int] = field(default_factory=dict)
    in_titles: Mapping[str, int] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)
    brands: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, int] = field(default_factory=dict)
    phrases: Mapping[str, int] = field(default_factory=dict)
    languages: tuple[str, ...] = (DEFAULT,)

    def knows(self, stem: str) -> bool:
        """Tell whether a product holds the stem; without any document, every word passes."""
        return stem in self.frequency or not self.documents

    def rarity(self, *stems: str) -> float:
        """Return the weight of words that stand for each other: BM25's inverse document frequency of the commonest."""
        if not self.documents:
            return 1.0
        held = max(self.frequency.get(stem, 0) for stem in stems)
        return log(1.0 + (self.documents - held + 0.5) / (held + 0.5))

    def attraction(self, stem: str, following: str) -> float:
        """Return what share of the places of a word in titles has the stem right before it: "mouse" before "pad"."""
        together = self.pairs.get(f"{stem} {following}", 0)
        return together / self.in_titles[following] if together else 0.0

    def is_brand(self, stem: str) -> bool:
        """Tell whether a word is a brand's rather than a thing's: half its places in titles are in that brand's."""
        return 0 < self.in_titles.get(stem, 0) <= 2 * self.brands.get(stem, 0)

    @cached_property
    def forms_by_length(self) -> Mapping[int, list[str]]:
        """The words as people write them, by their length."""
        found: dict[int, list[str]] = {}
        for form in self.forms:
            found.setdefault(len(form), []).append(form)
        return found

    @cached_property
    def sorted_forms(self) -> list[str]:
        """The words and phrases as people write them, in alphabetical order."""
        return sorted([*self.forms, *self.phrases])


EMPTY = Vocabulary()
_held: tuple[float, Vocabulary] | None = None


def current_vocabulary() -> Vocabulary:
    """Return the latest vocabulary, at most 5 s late; it is kept in this process. Without any, the empty one."""
    global _held  # noqa: PLW0603
    now = time.monotonic()
    if _held is not None and now < _held[0] + RECHECK_S:
        return _held[1]
    number = StoredVocabulary.objects.values_list("pk", flat=True).first() or 0
    if _held is not None and _held[1].number == number:
        vocabulary = _held[1]
    else:
        vocabulary = _load(number)
    _held = (now, vocabulary)
    return vocabulary


def forget_vocabulary() -> None:
    """Look for the latest at the next use."""
    global _held  # noqa: PLW0603
    _held = None


def refresh_vocabulary() -> bool:
    """Count anew when the index has changed enough since; tell whether that was done. One at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_REFRESH_LOCK])
        if not cursor.fetchone()[0]:
            return False
        latest = StoredVocabulary.objects.defer("contents").first()
        version, documents = index.current_version(), SearchDocument.objects.count()
        if not _is_due(latest, version=version, documents=documents):
            return False
        counted = count_words()
        contents = {it.name: getattr(counted, it.name) for it in fields(counted) if it.name != "number"}
        stored = StoredVocabulary.objects.create(
            documents=documents, index_version=version, contents=zlib.compress(json.dumps(contents).encode(), 6)
        )
        StoredVocabulary.objects.exclude(pk=stored.pk).delete()
    forget_vocabulary()
    return True


def count_words() -> Vocabulary:
    """Count over all documents, in one pass over their titles and one by PostgreSQL over all their words."""
    in_titles: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    phrases: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    rows = SearchDocument.objects.values_list("language", "title", "brand", "spoken").order_by()
    for language, title, brand, spoken in rows.iterator(chunk_size=2000):
        languages[language] += 1
        _count(title.split(), in_titles, pairs)
        brands.update(set(brand.split()))
        _count(spoken.split(), forms, phrases)
    documents = languages.total()
    return Vocabulary(
        documents=documents,
        lengths=_average_lengths(),
        frequency=_frequency(),
        in_titles=in_titles,
        pairs=_repeated(pairs),
        brands=brands,
        forms={form: count for form, count in forms.items() if not has_digit(form)},
        phrases=_repeated(phrases),
        languages=_spoken_languages(languages),
    )


def _is_due(latest: StoredVocabulary | None, *, version: int, documents: int) -> bool:
    if latest is None:
        return documents > 0
    if latest.index_version == version:
        return False
    has_grown = abs(documents - latest.documents) > GROWTH_SHARE * latest.documents
    return has_grown or timezone.now() - latest.made_at >= MAX_AGE


def _load(number: int) -> Vocabulary:
    """Read a vocabulary; where another has just replaced it, the next look finds that."""
    contents = StoredVocabulary.objects.filter(pk=number).values_list("contents", flat=True).first()
    if contents is None:
        return EMPTY
    facts: dict[str, Any] = json.loads(zlib.decompress(contents))
    return Vocabulary(number=number, **facts | {"languages": tuple(facts["languages"])})


def _count(tokens: list[str], words: Counter[str], pairs: Counter[str]) -> None:
    words.update(token for token in tokens if token not in _MARKERS)
    pairs.update(
        f"{first} {second}" for first, second in pairwise(tokens) if first not in _MARKERS and second not in _MARKERS
    )


def _repeated(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 1}


def _spoken_languages(counts: Counter[str]) -> tuple[str, ...]:
    least = MIN_LANGUAGE_SHARE * counts.total()
    return (DEFAULT, *(code for code, count in counts.most_common() if code != DEFAULT and count >= least))


def _average_lengths() -> dict[str, float]:
    averages = ", ".join(f"avg(length({name}) - length(replace({name}, ' ', ''))) / 2" for name in FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {averages} FROM catalog_searchdocument")  # noqa: S608 names of our own
        return {name: float(value or 0) for name, value in zip(FIELDS, cursor.fetchone(), strict=True)}


def _frequency() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, ndoc FROM ts_stat('SELECT stems FROM catalog_searchdocument')")
        return {word: products for word, products in cursor.fetchall() if word not in _MARKERS}
