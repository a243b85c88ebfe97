"""Rules on how titles and descriptions are written."""

import re
from collections import Counter
from itertools import groupby
from unicodedata import category, numeric

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, Threshold, rule
from qc.rules.reading import cleaned, quoted, read, words_of
from qc.rules.wordlists import words_for_patterns

# A description that says the title more often than this says something by it.
_MOST_TIMES = 5
_LEAST_CAPITALS = 10
# Signs of scripts that write words or syllables with one, or leave out vowels: two of them name a thing.
_FULL_SIGN = re.compile(
    r"[\u0590-\u08ff\u0900-\u109f\u1200-\u139f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
# Signs that are words by themselves, as those for chopsticks, a cup or a book; numerals among them are not.
_WORD_SIGN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]")
# A letter or a sign four times; five X before an L are a size, AAAA is a battery, dots and strokes part what they
# stand between.
_HAMMERED = re.compile(
    r"([^\W\d_])\1{3,}|[!?！？]{4,}|([^\w\s.,:;'\"“”«»()\[\]{}/\\=~\-–—…。・·])(?:[ \ufe0f]*\2){3,}", re.IGNORECASE
)
_FOUR_ALIKE = re.compile(r"([^\s.,\d\-_])(?: *\1){3}")
_NO_WORDS = re.compile(r"[^\w]*")
# Ornament that lines of a description may have, and a title may not.
_ORNAMENT = re.compile(r"([=~<>|(){}\[\]_^\-–—])\1{4,}")
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]{0,100}[\"”“»]")
_MODEL = re.compile(r"(?=[^\s]*\d)[A-Z][A-Z\d/\-]*")
_SIZE_OR_NUMERAL = re.compile(r"\b(?:x+[sl]+|x+|i+|a+|w+|m+|z+)\b", re.IGNORECASE)
_LITTLE = frozenset(words_for_patterns("offers", "little"))
_IN_CAPITALS = frozenset(words_for_patterns("offers", "in_capitals"))
# So many letters in two words are no two names.
_LONG_PAIR = 15


@rule(
    code="text.title_missing",
    severity=Severity.REJECT,
    looks_at=("title",),
    remedy="Give the product a title that names it.",
    thresholds=(
        Threshold(
            "least_letters",
            default=3,
            least=1,
            most=50,
            unit="letters or digits",
            calibration="Chosen: no shorter title names a thing. A sign of a script that writes syllables "
            "counts twice, one that is a word three times.",
        ),
    ),
)
def title_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a title that is empty, or has hardly a letter."""
    title = facts.title.strip()
    least = limits["least_letters"]
    if sum(map(str.isalnum, title)) >= least or _letters_in(title) >= least:
        return None
    if "title" in facts.not_carried and not title:
        return None
    return Finding("title", f"The title is only {quoted(title)}." if title else "The product has no title.")


def _letters_in(text: str) -> int:
    """Count letters, marks and digits; signs that write more than a sound count twice, a word three times."""
    words = sum(numeric(it, None) is None for it in _WORD_SIGN.findall(text))
    return sum(category(it)[0] in "LNM" for it in text) + len(_FULL_SIGN.findall(text)) + words


@rule(
    code="text.title_too_long",
    severity=Severity.ADVISE,
    looks_at=("title",),
    remedy="Shorten the title to {most_chars:.0f} characters; put the rest into the description.",
    thresholds=(
        Threshold(
            "most_chars",
            default=150,
            least=20,
            most=1000,
            unit="characters",
            calibration="Google Merchant Center, “Title”: 150 characters at most.",
        ),
    ),
)
def title_is_too_long(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a title that is cut off wherever it is shown."""
    length = len(facts.title.strip())
    if length <= limits["most_chars"]:
        return None
    return Finding("title", f"The title has {length} characters.")


@rule(
    code="text.title_in_capitals",
    severity=Severity.ADVISE,
    looks_at=("title",),
    remedy="Write the title in small letters, with capitals where a name or a sentence begins.",
    thresholds=(
        Threshold(
            "share",
            default=0.8,
            least=0.5,
            most=1.0,
            calibration="Of the letters in words without digits; titles with one name in capitals stay below.",
        ),
    ),
)
def title_is_in_capitals(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a title of three words or more in capitals; abbreviations, models and short names are none."""
    if sum(map(str.isupper, facts.title)) < _LEAST_CAPITALS:
        return None
    # What a thing has printed on it says nothing of how the title is written.
    written = _QUOTED.sub(" ", facts.title)
    # Of a model's number, with hyphens or without, no part is a word.
    models = [it for it in written.split() if _MODEL.fullmatch(it)]
    written = " ".join(it for it in written.split() if not any(map(str.isdigit, it)))
    words = [it for it in re.findall(r"[^\W_]+", written) if it.lower() != it.upper()]
    capital = [it for it in words if it.replace("ß", "").isupper()]
    if not _are_shouted(capital, has_model=bool(models)):
        return None
    if sum(map(len, capital)) < limits["share"] * sum(map(len, words)):
        return None
    return Finding("title", f"The title is written in capitals: {quoted(facts.title)}.")


def _are_shouted(words: list[str], *, has_model: bool) -> bool:
    """Tell whether words in capitals are more than abbreviations, a maker's name and a model's."""
    words = [it for it in words if it.lower() not in _IN_CAPITALS]
    long = {it for it in words if len(it) >= 4}
    letters = sum(map(len, long))
    if len(long) < 2:
        return False
    if len(words) == 2 or (len(words) == 3 and has_model):
        return letters >= _LONG_PAIR
    return any(len(it) >= 5 for it in long) or len(long) >= 3


@rule(
    code="text.repetition",
    severity=Severity.ADVISE,
    looks_at=("title", "description"),
    remedy="Say each thing once.",
    thresholds=(
        Threshold(
            "times",
            default=4,
            least=2,
            most=20,
            unit="times",
            calibration="“Pro Max Pro”, “Bora Bora” and “Ho Ho Ho” say a word up to three times.",
        ),
    ),
)
def text_repeats_itself(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a character that is hammered, or a word that the title says over and over."""
    for name, text in facts.texts:
        found = _HAMMERED.finditer(text) if _may_be_hammered(text) else iter(())
        hammered = next((it for it in found if not _is_size_or_numeral(it, text) and not _is_rule(it, text)), None)
        if hammered is not None:
            return Finding(name, f"The {name} hammers a character: {quoted(hammered.group())}.")
    if ornament := _ORNAMENT.search(facts.title.strip()):
        return Finding("title", f"The title hammers a character: {quoted(ornament.group())}.")
    word, times = _most_said(facts.title)
    if times < limits["times"]:
        return None
    return Finding("title", f"The title says {quoted(word)} {times} times.")


def _may_be_hammered(text: str) -> bool:
    """Tell quickly that nothing is hammered, as in most texts."""
    return not text.isascii() or "!?" in text or "?!" in text or _FOUR_ALIKE.search(text.lower()) is not None


def _is_rule(hammered: re.Match[str], text: str) -> bool:
    """Tell whether signs are a line of their own between the lines of a longer text."""
    start, end = text.rfind("\n", 0, hammered.start()) + 1, text.find("\n", hammered.end())
    line = text[start : end if end >= 0 else len(text)]
    return "\n" in text.strip() and _NO_WORDS.fullmatch(line) is not None


def _is_size_or_numeral(hammered: re.Match[str], text: str) -> bool:
    """Tell whether a letter that comes again is part of a size, a numeral, or a word with digits."""
    start, end = hammered.span()
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_./-"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "_./-"):
        end += 1
    word = text[start:end]
    return _SIZE_OR_NUMERAL.fullmatch(word) is not None or any(map(str.isdigit, word)) or "www" in word.lower()


def _most_said(title: str) -> tuple[str, int]:
    """Return the word that a title says most often, and how often; names before numbers ("iPhone 12") do not count."""
    words = list(words_of(read(title)))
    if len(set(words)) == len(words):
        return "", 0
    counted = Counter(
        word
        for word, after in zip(words, [*words[1:], ""], strict=False)
        if len(word) >= 3 and word.isalpha() and word not in _LITTLE and not after[:1].isdigit()
    )
    in_a_row = ((word, len(list(its))) for word, its in groupby(words) if word.isalpha())
    return max((*counted.items(), *in_a_row), key=lambda it: it[1], default=("", 0))


@rule(
    code="text.description_missing",
    severity=Severity.ADVISE,
    looks_at=("description",),
    remedy="Describe the product: what it is made of, its size, and what is in the box.",
)
def description_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a product without a description, where its source can carry one."""
    if "description" in facts.not_carried or any(map(str.isalnum, facts.description)):
        return None
    return Finding("description", "The product has no description.")


@rule(
    code="text.description_repeats_title",
    severity=Severity.ADVISE,
    looks_at=("title", "description"),
    remedy="Say in the description what the title does not: material, size, condition, what is in the box.",
)
def description_repeats_title(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a description that says the title, once or more often, and nothing else."""
    if len(facts.description) > _MOST_TIMES * (len(facts.title) + 10):
        return None
    title, description = (_letters_only(it) for it in (facts.title, facts.description))
    if not title or not description or len(description) % len(title):
        return None
    if description != title * (len(description) // len(title)):
        return None
    return Finding("description", "The description says only what the title says.")


def _letters_only(text: str) -> str:
    return "".join(filter(str.isalnum, cleaned(text[:10_000]).casefold()))


@rule(
    code="text.description_too_long",
    severity=Severity.ADVISE,
    looks_at=("description",),
    remedy="Shorten the description to {most_chars:.0f} characters.",
    thresholds=(
        Threshold(
            "most_chars",
            default=5000,
            least=100,
            most=100_000,
            unit="characters",
            calibration="Google Merchant Center, “Description”: 5,000 characters at most.",
        ),
    ),
)
def description_is_too_long(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a description that nobody reads to its end."""
    length = len(facts.description.strip())
    if length <= limits["most_chars"]:
        return None
    return Finding("description", f"The description has {length:,} characters.")


RULES = (
    title_is_missing,
    title_is_too_long,
    title_is_in_capitals,
    text_repeats_itself,
    description_is_missing,
    description_repeats_title,
    description_is_too_long,
)
