"""Words that the catalog does not know, and the ones that were meant."""

from collections.abc import Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from catalog.ranking.vocabulary import Vocabulary

# Letters that may be wrong, by the length of the word: none below three, one below six, two from there.
# Source: Elasticsearch's fuzziness AUTO.
MIN_CHARS, TWO_ERRORS_FROM = 3, 6


def errors_allowed(word: str) -> int:
    """Return how many letters of a word may be wrong (a swap of neighbours counts once)."""
    return 0 if len(word) < MIN_CHARS else 1 + (len(word) >= TWO_ERRORS_FROM)


def corrected(word: str, vocabulary: Vocabulary) -> str:
    """Return the word of the catalog that was most probably meant, or nothing.

    The nearest by optimal string alignment; of equally near ones one that begins with the same letter, then the
    commonest. Call it for words without digits that the catalog does not know.
    """
    allowed = errors_allowed(word)
    found = [
        (errors, form[0] != word[0], -vocabulary.forms[form], form)
        for form, errors, _ in process.extract_iter(
            word, _of_length(vocabulary, len(word), allowed), scorer=OSA.distance, processor=None, score_cutoff=allowed
        )
    ]
    return min(found)[3] if found else ""


def _of_length(vocabulary: Vocabulary, length: int, slack: int) -> Iterator[str]:
    for size in range(max(MIN_CHARS, length - slack), length + slack + 1):
        yield from vocabulary.forms_by_length.get(size, ())
