"""What else people call a thing: the groups of synonyms that staff keep."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Synonym
from catalog.ranking.groups import phrases
from catalog.ranking.languages import stems_in
from catalog.ranking.tokens import normalised, words_of

RECHECK_S = 5.0

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """What each phrase of stems may be called as well."""

    others: Mapping[Phrase, Sequence[Phrase]]
    longest: int = 0

    def among(self, stems: Sequence[str]) -> Iterator[tuple[int, int, Sequence[Phrase]]]:
        """Yield the phrases of a query that have synonyms: first place, place after the last, and the synonyms."""
        for start in range(len(stems)):
            for end in range(start + 1, min(start + self.longest, len(stems)) + 1):
                if found := self.others.get(tuple(stems[start:end])):
                    yield start, end, found


_held: dict[tuple[str, ...], tuple[float, Synonyms]] = {}


def current_synonyms(languages: tuple[str, ...]) -> Synonyms:
    """Return the active groups as stems of these languages, at most 5 s late; kept in this process."""
    now = time.monotonic()
    held = _held.get(languages)
    if held is None or now >= held[0] + RECHECK_S:
        groups = Synonym.objects.filter(is_active=True).values_list("words", "means")
        _held[languages] = held = (now, _read(list(groups), languages))
    return held[1]


def forget_synonyms() -> None:
    """Read them again at the next use."""
    _held.clear()


def _read(groups: Sequence[tuple[str, str]], languages: Sequence[str]) -> Synonyms:
    others: dict[Phrase, dict[Phrase, None]] = {}
    for words, means in groups:
        lefts = [_stems(phrase, languages) for phrase in phrases(words)]
        rights = [_stems(phrase, languages) for phrase in phrases(means)] or lefts
        for left in lefts:
            if left:
                others.setdefault(left, {}).update((right, None) for right in rights if right and right != left)
    return Synonyms(
        others={left: tuple(rights) for left, rights in others.items() if rights},
        longest=max((len(left) for left in others), default=0),
    )


def _stems(phrase: str, languages: Sequence[str]) -> Phrase:
    """Return the phrase as products of the first language hold it."""
    return tuple(stems_in(word.form, languages)[0] for word in words_of(normalised(phrase)))
