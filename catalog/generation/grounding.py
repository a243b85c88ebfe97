"""What a text claims that a listing does not say: numbers, measures, names, materials.

It finds claims to be looked at, and proves nothing: what stands only in the picture is found as well, for a program
cannot tell what the picture shows. A seller is asked to check those before taking the text.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from catalog.ranking.languages import detect
from catalog.ranking.units import UNITS
from catalog.words import fold

_CLAIMS = Path(__file__).with_name("claims.txt")
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f']\d+)*")
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)*)(?:\s|-)?([^\W\d_]{1,12}|\")")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?:•\n]\W*$")
_PROSE = re.compile(r"[^\W\d_]{2}[.!?](?:\s|$)")
_GROUPS = re.compile(r"(?<=\d)[.,\u00a0\u202f'](?=\d{3}(?!\d))")
# Words of their own as well: a unit only where they touch the number.
_ONLY_ATTACHED = frozenset(["in", "m", "g", "l", "a", "v", "w"])
_UNITS = {name: unit for unit, names in UNITS.items() for name in names.split()} | {'"': "inch"}
# Languages that begin every noun with a capital letter, so that one tells nothing.
NOUNS_IN_CAPITALS = frozenset(["de", "lb"])
TITLE_CASE_SHARE = 0.5


class Claimed(StrEnum):
    """What kind of thing is claimed."""

    NUMBER = "number"
    NAME = "name"
    PROPERTY = "property"


@dataclass(frozen=True, slots=True)
class Note:
    """A claim that the listing does not make."""

    kind: Claimed
    claim: str


@dataclass(frozen=True, slots=True)
class Sayings:
    """What a listing says, in the forms that claims are compared in."""

    text: str
    numbers: frozenset[str]
    measures: Mapping[str, frozenset[str]]  # by number: the units that it stands with
    words: frozenset[str]
    properties: frozenset[str]


def sayings_of(text: str) -> Sayings:
    """Read what a listing says."""
    text = _even(text)
    measures: defaultdict[str, set[str]] = defaultdict(set)
    for _, number, unit in _measures(text):
        for reading in _readings(number):
            measures[reading].add(unit)
    words = frozenset(_words(text))
    return Sayings(
        text=text,
        numbers=frozenset(reading for number in _NUMBER.findall(text) for reading in _readings(number)),
        measures={number: frozenset(units) for number, units in measures.items()},
        words=words,
        properties=_properties(words),
    )


def claims_beyond(text: str, said: Sayings, *, language: str = "", brands: Collection[str] = ()) -> list[Note]:
    """List what a text claims beyond a listing, each claim once, in the order of the text's kinds of claim.

    Args:
        text: what was written.
        said: what the listing says.
        language: the code of the text's language; "" where it is not known.
        brands: names of brands that the text holds; see brand_candidates.
    """
    text = _even(text)
    found = [Note(Claimed.NUMBER, number) for number in _new_numbers(text, said)]
    found += [Note(Claimed.NAME, name) for name in _new_names(text, said, language)]
    found += [Note(Claimed.NAME, brand) for brand in brands if not _says(said, brand)]
    mine = {word: _properties(_words(word)) for word in _WORD.findall(text)}
    found += [Note(Claimed.PROPERTY, word) for word, held in mine.items() if held and not held & said.properties]
    return list(dict.fromkeys(found))


def brand_candidates(text: str) -> set[str]:
    """Return the stretches of one to three words that begin with a capital letter, any of which may be a brand."""
    words = _WORD.findall(_even(text))
    stretches = (words[i : i + size] for i in range(len(words)) for size in (1, 2, 3))
    return {" ".join(it) for it in stretches if it[0][0].isupper() and len(" ".join(it)) > 2}


def _says(said: Sayings, name: str) -> bool:
    return all(part in said.words for part in _words(name))


def _new_numbers(text: str, said: Sayings) -> Iterable[str]:
    measures = {place: unit for place, _, unit in _measures(text)}
    for it in _NUMBER.finditer(text):
        readings, unit = _readings(it[0]), measures.get(it.start(), "")
        known = [said.measures[reading] for reading in readings if reading in said.measures]
        is_said = bool(readings & said.numbers)
        if not is_said or (unit and known and not any(unit in units for units in known)):
            yield f"{it[0]} {unit}".strip()


def _new_names(text: str, said: Sayings, language: str) -> Iterable[str]:
    found = list(_WORD.finditer(text))
    tells_by_case = _tells_by_case(text, [it[0] for it in found], language)
    for it in found:
        word = it[0]
        if _says(said, word) or any(character.isdigit() for character in word):
            continue
        begins = it.start() == 0 or _SENTENCE_END.search(text[: it.start()]) is not None
        is_marked = text[it.end() : it.end() + 1] in ("™", "®")
        is_odd = any(character.isupper() for character in word[1:]) and not _is_compound(word)
        if is_marked or is_odd or (tells_by_case and word[0].isupper() and not begins):
            yield word


def _tells_by_case(text: str, words: Sequence[str], language: str) -> bool:
    """Tell whether a capital letter within a sentence makes a name: not in titles, nor where every noun has one."""
    spoken = language or detect(map(fold, words), text)
    upper = sum(1 for word in words if word[0].isupper())
    return bool(_PROSE.search(text)) and spoken not in NOUNS_IN_CAPITALS and upper <= TITLE_CASE_SHARE * len(words)


def _is_compound(word: str) -> bool:
    """Tell whether its inner capitals only begin the parts of a hyphenated word ("Non-Slip")."""
    return all(part[1:] == part[1:].lower() for part in re.split(r"[-'’]", word))


def _measures(text: str) -> Iterable[tuple[int, str, str]]:
    """List the numbers that stand with a unit: their places, they, and the units."""
    for it in _MEASURE.finditer(text):
        name = fold(it[2])
        is_attached = it.end(1) == it.start(2)
        if name in _UNITS and (is_attached or name not in _ONLY_ATTACHED):
            yield it.start(), it[1], _UNITS[name]


def _readings(number: str) -> frozenset[str]:
    """Return what a number may mean: 1.200 is twelve hundred to one, and a little more than one to another."""
    plain = _GROUPS.sub("", number)
    return frozenset(_normal(it) for it in (number, plain))


def _normal(number: str) -> str:
    whole, _, decimals = re.sub(r"[\u00a0\u202f']", "", number).replace(",", ".").partition(".")
    return ".".join(part for part in (whole.lstrip("0") or "0", decimals.rstrip("0")) if part)


def _even(text: str) -> str:
    """Return the text with the digits of every script as 0 to 9, and fractions and full-width forms as plain ones."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(it)) if it.isdigit() and not it.isascii() else it for it in plain)


def _words(text: str) -> list[str]:
    """Return the folded words, and the parts of those with hyphens and apostrophes beside the whole."""
    found: list[str] = []
    for word in _WORD.findall(text):
        folded = fold(word)
        parts = re.split(r"[-'’]", folded)
        found += [folded, *parts] if len(parts) > 1 else [folded]
    return found


def _properties(words: Iterable[str]) -> frozenset[str]:
    whole, endings = _known_claims()
    found: set[str] = set()
    for word in words:
        found |= whole.get(word, frozenset())
        for size in range(3, len(word) + 1):
            found |= endings.get(word[:size], frozenset())
    return frozenset(found)


@lru_cache(maxsize=1)
def _known_claims() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Read the list of claims: those of whole words, and those of beginnings."""
    whole: defaultdict[str, set[str]] = defaultdict(set)
    beginnings: defaultdict[str, set[str]] = defaultdict(set)
    for line in _CLAIMS.read_text().splitlines():
        name, _, forms = line.partition(":")
        if line.startswith("#") or not forms:
            continue
        for form in forms.split():
            (beginnings if form.endswith("*") else whole)[form.rstrip("*")].add(name)
    return tuple({form: frozenset(names) for form, names in it.items()} for it in (whole, beginnings))  # type: ignore[return-value]
