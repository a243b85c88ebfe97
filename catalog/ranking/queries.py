"""What a query means, given the words that the catalog knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog.ranking.languages import STOP_WORDS, stems_in
from catalog.ranking.synonyms import Phrase, Synonyms
from catalog.ranking.tokens import Word, codes_in, has_digit, joined, normalised, words_of
from catalog.ranking.typos import corrected
from catalog.ranking.units import measures
from catalog.ranking.vocabulary import Vocabulary
from marketplace.gtins import is_gtin, plain_gtin

MAX_TERMS = 32
MAX_SOUGHT = 32
# What a product says in other words counts less than the words that were typed.
SYNONYM_WEIGHT = 0.5
MIN_PART_CHARS = 2

Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a product should say.

    Args:
        written: as it stands in the query.
        form: folded, and mended where it was misspelt.
        options: what a product may say instead, as stems, and how much that counts; the first is what was typed.
    """

    written: str
    form: str
    options: tuple[tuple[Phrase, float], ...]

    @property
    def stems(self) -> Phrase:
        """The words that were typed."""
        return self.options[0][0]

    def also(self, phrase: Phrase, weight: float) -> "Term":
        """Return the term with one more option; one that it has already stays as it is."""
        if any(phrase == known for known, _ in self.options):
            return self
        return replace(self, options=(*self.options, (phrase, weight)))


@dataclass(frozen=True, slots=True)
class Understood:
    """A query as it was understood.

    Args:
        terms: what a product should say, each once, in the order of the query.
        corrected: the query with misspelt words mended; empty where nothing was.
        codes: what a product may have as its SKU, GTIN or product code: the whole query, joined, and codes in it.
        whole: those of the codes that are the whole query.
        changes: what was done, for people: (kind, before, after); kinds are typo, split, joined, measure, synonym.
    """

    terms: tuple[Term, ...] = ()
    corrected: str = ""
    codes: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def sought(self, vocabulary: Vocabulary, *, most: int) -> list[str]:
        """List the codes, and the stems that lead to products: the 32 rarest.

        A term that more than so many products hold leads nowhere, and is left out where another leads somewhere. One
        that the vocabulary does not know may be of a product that is newer.
        """
        held = [_held(term, vocabulary) for term in self.terms]
        is_led = any(0 < count <= most for count in held)
        leading = [term for term, count in zip(self.terms, held, strict=True) if count <= most or not is_led]
        stems = (stem for term in leading for phrase, _ in term.options for stem in phrase)
        return sorted(dict.fromkeys([*self.codes, *stems]), key=vocabulary.rarity, reverse=True)[:MAX_SOUGHT]


def _held(term: Term, vocabulary: Vocabulary) -> int:
    """Return how many products hold the commonest word that a term may be said by."""
    return max(vocabulary.frequency.get(stem, 0) for phrase, _ in term.options for stem in phrase)


def understand(query: str, *, vocabulary: Vocabulary, synonyms: Synonyms) -> Understood:
    """Say what a query means: its words as stems, mended, joined, split, measured and with their synonyms.

    A query of small words alone, or of none, has no terms.
    """
    text = normalised(query)
    words = _without_small_words(words_of(text), vocabulary)
    if not words:
        return Understood()
    measured, measure_changes = _measured(words, text, vocabulary)
    terms, changes = _spelt(measured, vocabulary)
    terms, joined_changes = _joined(terms, vocabulary)
    terms, synonym_changes = _with_synonyms(terms, synonyms)
    typos = {before: after for kind, before, after in changes if kind == "typo"}
    whole = _whole(text)
    return Understood(
        terms=_each_once(terms)[:MAX_TERMS],
        corrected=_mended(query, text, words, typos) if typos else "",
        codes=tuple(dict.fromkeys([*whole, *_codes(words, text)])),
        whole=tuple(whole),
        changes=(*measure_changes, *changes, *joined_changes, *synonym_changes),
    )


def _without_small_words(words: Sequence[Word], vocabulary: Vocabulary) -> list[Word]:
    """Leave out words that say nothing in the catalog's languages, and what is beyond any sensible query."""
    small = frozenset().union(*(STOP_WORDS[language] for language in vocabulary.languages))
    return [word for word in words if word.form not in small][: 2 * MAX_TERMS]


def _measured(words: Sequence[Word], text: str, vocabulary: Vocabulary) -> tuple[list[Word], list[Change]]:
    """Put number and unit together where a product says the same; other words stay alone."""
    ends = {first: (last, form) for first, last, form in measures(words, text) if vocabulary.knows(form)}
    found: list[Word] = []
    changes = []
    place = 0
    while place < len(words):
        last, form = ends.get(place, (place, ""))
        if form:
            written = text[words[place].start : words[last].end]
            found.append(Word(form, written, False, False, words[place].start, words[last].end))
            changes += [("measure", written, form)] if written != form else []
        else:
            found.append(words[place])
        place = last + 1
    return found, changes


def _spelt(words: Iterable[Word], vocabulary: Vocabulary) -> tuple[list[Term], list[Change]]:
    """Make each word a term; one that the catalog does not know is split into two that it knows, or mended."""
    terms = []
    changes = []
    for word in words:
        if known := _known(word.form, vocabulary):
            terms.append(_term(word, word.form, known))
        elif parts := _parts(word.form, vocabulary):
            terms.append(Term(word.written, word.form, ((tuple(_stem(part, vocabulary) for part in parts), 1.0),)))
            changes.append(("split", word.written, " ".join(parts)))
        elif not has_digit(word.form) and (meant := corrected(word.form, vocabulary)):
            terms.append(_term(word, meant, _known(meant, vocabulary) or stems_in(meant, vocabulary.languages)))
            changes.append(("typo", word.form, meant))
        else:
            terms.append(_term(word, word.form, stems_in(word.form, vocabulary.languages)))
    return terms, changes


def _joined(terms: Sequence[Term], vocabulary: Vocabulary) -> tuple[list[Term], list[Change]]:
    """Let two words in a row be one where the catalog writes them so: "head set" is "headset" too."""
    found = list(terms)
    changes = []
    for place, (first, second) in enumerate(pairwise(terms)):
        whole = first.form + second.form
        stem = _stem(whole, vocabulary)
        if stem in vocabulary.frequency and len(first.stems) == len(second.stems) == 1:
            found[place] = found[place].also((stem,), 1.0)
            found[place + 1] = found[place + 1].also((stem,), 1.0)
            changes.append(("joined", f"{first.written} {second.written}", whole))
    return found, changes


def _with_synonyms(terms: Sequence[Term], synonyms: Synonyms) -> tuple[list[Term], list[Change]]:
    found = list(terms)
    changes = []
    stems = [term.stems[0] if len(term.stems) == 1 else "" for term in terms]
    for start, end, others in synonyms.among(stems):
        for phrase in others:
            for place in range(start, end):
                found[place] = found[place].also(phrase, SYNONYM_WEIGHT)
            changes.append(("synonym", " ".join(stems[start:end]), " ".join(phrase)))
    return found, changes


def _each_once(terms: Iterable[Term]) -> tuple[Term, ...]:
    return tuple({term.stems: term for term in reversed(list(terms))}.values())[::-1]


def _whole(text: str) -> list[str]:
    """List the codes that the whole query may be: itself without spaces, and in a GTIN's one form."""
    whole = joined(text)
    return [whole, *([plain_gtin(whole)] if is_gtin(whole) else [])]


def _codes(words: Sequence[Word], text: str) -> list[str]:
    """List the codes in a query: GTINs in their one form, and words that look like codes."""
    return [*(plain_gtin(word.form) for word in words if is_gtin(word.form)), *codes_in(words, text)]


def _known(form: str, vocabulary: Vocabulary) -> list[str]:
    """List the word's stems that the catalog knows, in any of its languages."""
    return [stem for stem in stems_in(form, vocabulary.languages) if vocabulary.knows(stem)]


def _stem(form: str, vocabulary: Vocabulary) -> str:
    stems = stems_in(form, vocabulary.languages)
    return next((stem for stem in stems if vocabulary.knows(stem)), stems[0])


def _parts(form: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Split a word where the catalog has its two parts in a row: "harddrive", "tn2110"; the commonest pair."""
    cuts = [(form[:cut], form[cut:]) for cut in range(MIN_PART_CHARS, len(form) - MIN_PART_CHARS + 1)]
    found = [
        (vocabulary.pairs.get(f"{_stem(left, vocabulary)} {_stem(right, vocabulary)}", 0), (left, right))
        for left, right in cuts
    ]
    best = max(found, default=(0, ()))
    return best[1] if best[0] else ()


def _term(word: Word, form: str, stems: Sequence[str]) -> Term:
    return Term(word.written, form, tuple(((stem,), 1.0) for stem in stems))


def _mended(query: str, text: str, words: Iterable[Word], typos: dict[str, str]) -> str:
    """Write the query with its misspelt words replaced."""
    pieces, last = [], 0
    for word in words:
        if word.form in typos and word.start >= last:
            pieces += [text[last : word.start], typos[word.form]]
            last = word.end
    return " ".join("".join([*pieces, text[last:]]).split())
