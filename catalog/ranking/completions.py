"""How a query that somebody has begun to write may go on."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from catalog.ranking.tokens import normalised, words_of
from catalog.ranking.typos import MIN_CHARS, errors_allowed
from catalog.ranking.vocabulary import Vocabulary

MAX_PREFIX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole query that begins as was written.

    Args:
        text: folded words, as products write them.
        count: how often titles, brands and categories say what was completed.
        is_corrected: the last word was misspelt.
    """

    text: str
    count: int
    is_corrected: bool = False


def completions(prefix: str, *, vocabulary: Vocabulary, limit: int = 8) -> list[Completion]:
    """Complete the last word of a query, the commonest first; where nothing begins so, with its typo mended.

    After another word those come first that stand after it in the catalog. A prefix without words has none.
    """
    words = [word.form for word in words_of(normalised(prefix))][-MAX_PREFIX_WORDS:]
    if not words or limit < 1:
        return []
    *before, last = words
    found = _after(before[-1], last, vocabulary) if before else {}
    if not found:
        found = {text: _count(text, vocabulary) for text in _beginning(last, vocabulary)}
    is_corrected = not found
    if is_corrected:
        found = {text: _count(text, vocabulary) for text in _nearly(last, vocabulary)}
    best = nsmallest(limit, found.items(), key=lambda item: (-item[1], item[0]))
    return [Completion(" ".join([*before, text]), count, is_corrected) for text, count in best]


def _after(word: str, last: str, vocabulary: Vocabulary) -> dict[str, int]:
    """Return what begins so and stands after the word, with how often."""
    start = f"{word} {last}"
    return {text.partition(" ")[2]: vocabulary.phrases[text] for text in _beginning(start, vocabulary) if " " in text}


def _beginning(start: str, vocabulary: Vocabulary) -> Iterator[str]:
    words = vocabulary.sorted_forms
    return takewhile(lambda text: text.startswith(start), words[bisect_left(words, start) :])


def _nearly(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield words whose beginning is nearly the word."""
    allowed = min(errors_allowed(word), 1)
    if len(word) <= MIN_CHARS or not allowed:
        return
    heads = {form: form[: len(word)] for form in vocabulary.forms if form[0] == word[0] and len(form) >= len(word)}
    for _, _, form in process.extract_iter(word, heads, scorer=OSA.distance, processor=None, score_cutoff=allowed):
        yield form


def _count(text: str, vocabulary: Vocabulary) -> int:
    return vocabulary.phrases[text] if " " in text else vocabulary.forms[text]
