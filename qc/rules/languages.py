"""Which language a text is in, and the rule on descriptions in another language than the shop's."""

import re
from functools import cache, lru_cache
from unicodedata import category

from babel import Locale, UnknownLocaleError
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, Threshold, rule
from qc.rules.reading import cleaned, read
from qc.rules.wordlists import words_for_patterns

# Languages that shops write in. Among fewer languages py3langid errs less.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "tr", "ar", "hi", "ru", "zh", "ja", "ko", "fa", "ur", "he", "el", "pl",
    "cs", "sk", "hu", "ro", "bg", "uk", "sr", "hr", "sl", "sv", "no", "da", "fi", "et", "lv", "lt", "id", "vi", "th",
    "bn", "ta", "te", "mr", "gu", "ca",
)  # fmt: skip
# Languages so near to each other that a listing's few words do not tell them apart.
NEAR = (
    frozenset({"no", "da", "sv"}),
    frozenset({"hr", "sr", "sl"}),
    frozenset({"cs", "sk"}),
    frozenset({"ru", "uk", "bg"}),
    frozenset({"hi", "mr"}),
    frozenset({"ca", "es"}),
    frozenset({"ar", "fa", "ur"}),
)
LEAST_LETTERS = 40
# More characters cost time (0.6 us each) and tell no more.
_READ_CHARS = 250
_SURE = 0.75
_PART_LEAST_LETTERS = 25
_SENTENCE = re.compile(r"[.!?;|/\n।。！？•]+|\s[-–—]\s")
# So many little words of a language, each another one, are no chance.
_LEAST_LITTLE = 4
_WITH_LITTLE_WORDS = ("en", "de", "fr", "es", "it", "pt", "nl", "tr")
# Addresses, models, sizes, and what is written with a capital: names, which say nothing of the language.
_NO_WORDS = re.compile(r"\S*[\d@/_]\S*|\b[A-Z]{2,}\b")


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier


def language_of(text: str) -> str:
    """Return the language of a text, ISO 639-1; "" for fewer than LEAST_LETTERS letters, and when unsure.

    The first text that little words do not tell loads the model: 0.6 s, once a process.
    """
    words = read(text[:_READ_CHARS]).tokens
    told = sorted((len(_little_words_of(it).intersection(words)), it) for it in _WITH_LITTLE_WORDS)
    if told[-1][0] >= _LEAST_LITTLE and told[-2][0] <= 1 and sum(map(str.isalpha, text)) >= LEAST_LETTERS:
        return told[-1][1]
    return _language(_words_only(text), least_letters=LEAST_LETTERS)


def _words_only(text: str) -> str:
    return _NO_WORDS.sub(" ", cleaned(text[:_READ_CHARS]))


def _language(text: str, *, least_letters: int, sure: float = _SURE) -> str:
    if sum(map(_is_letter, text)) < least_letters:
        return ""
    language, probability = _identifier().classify(text.lower())
    return str(language) if probability >= sure else ""


def _is_letter(character: str) -> bool:
    """Tell whether a character is a letter, or a sign that Indic scripts write vowels with."""
    return character.isalpha() or category(character)[0] == "M"


@rule(
    code="text.language_mismatch",
    severity=Severity.ADVISE,
    looks_at=("description", "shop_language"),
    remedy="Write the description in the language of your other products; buyers find it then.",
    thresholds=(
        Threshold(
            "sureness",
            default=0.9,
            least=0.5,
            most=1.0,
            calibration="py3langid's own probability; descriptions of one language reach 0.99.",
        ),
    ),
)
def language_is_not_the_shops(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a description that is in another language than the seller's catalog, and nowhere in the catalog's."""
    if not facts.shop_language or len(facts.description) < LEAST_LETTERS:
        return None
    told = _little_words_of(facts.shop_language).intersection(read(facts.description).tokens)
    if len(told) >= _LEAST_LITTLE:
        return None  # some of it is in the shop's language; the model, which costs 0.3 ms, is not asked
    text = facts.description[:_READ_CHARS]
    language = _language(_words_only(text), least_letters=LEAST_LETTERS, sure=limits["sureness"])
    if not language or _are_near(language, facts.shop_language) or _says_it_in(facts.shop_language, text):
        return None
    return Finding(
        "description",
        f"The description is in {_name(language)}; most of your products are in {_name(facts.shop_language)}.",
    )


@cache
def _little_words_of(language: str) -> frozenset[str]:
    """Return words of a language that no other with such words has."""
    if language not in _WITH_LITTLE_WORDS:
        return frozenset()
    others = (words_for_patterns("languages", it) for it in _WITH_LITTLE_WORDS if it != language)
    return frozenset(words_for_patterns("languages", language)).difference(*others)


def _are_near(one: str, other: str) -> bool:
    return one == other or any(one in it and other in it for it in NEAR)


def _says_it_in(language: str, text: str) -> bool:
    """Tell whether a sentence of a text is in a language."""
    return any(
        _are_near(_language(_words_only(part), least_letters=_PART_LEAST_LETTERS, sure=0.5), language)
        for part in _SENTENCE.split(text)
    )


def _name(language: str) -> str:
    try:
        return Locale(language).get_display_name("en") or language
    except UnknownLocaleError:
        return language


RULES = (language_is_not_the_shops,)
