"""A text as the rules read it: without what hides letters, folded, and cut into words."""

import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

# Texts whose reading is kept. Every rule asks for the same two texts one after the other.
KEPT = 64
# Of a longer text the rest is not read: no buyer reads it either, and a listing may not cost without bound.
READ_CHARS = 20_000

# Letters with marks that Unicode counts as no letters: Indic scripts (less their full stops), Thai, Lao.
_MARKS = "\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ece"
BREAKS = ".,;:!?\n|()[]{}/\\•…\u2028\u2029।،؛؟。，、！？；："
_BREAK_CLASS = "[" + re.escape(BREAKS) + "]"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_ASCII_TOKEN = re.compile(rf"[a-z]+|{_NUMBER}|[%&+]|{_BREAK_CLASS}")
_TOKEN = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+|{_NUMBER}|[%&+]|{_BREAK_CLASS}")
# The words of a listed phrase, which have no breaks between them, but may be open at an end, or stand for any number.
LISTED_TOKEN = re.compile(rf"\*?(?:[^\W\d_]|[{_MARKS}])+\*?|{_NUMBER}|[%&+#:]")

_HIDDEN = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\ufeff\u3164\uffa0" + "".join(
    chr(code)
    for first, last in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xE0000, 0xE007F))
    for code in range(first, last + 1)
)
_CONTROLS = "".join(chr(code) for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r\x85")
# Arabic vowel signs and the stroke that stretches words; signs that NFKC would turn into letters.
_ARABIC_SIGNS = "\u0640\u0670" + "".join(chr(code) for code in range(0x064B, 0x0660))
_CLEANED = {
    **dict.fromkeys(map(ord, _HIDDEN + _CONTROLS + _ARABIC_SIGNS)),
    **dict.fromkeys(map(ord, "™®©℠\r\x85"), " "),
}
_ASCII_CLEANED = {code: it for code, it in _CLEANED.items() if code < 128}
# Han, kana, full stops of theirs, Thai. Hangul is written with spaces.
_UNSPACED = re.compile(r"[\u3001-\u3002\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
# How far quotation marks may stand from words between them.
_QUOTED_BEFORE, _QUOTED_AFTER = 90, 200
_OPENED = re.compile(r"[\"“„«»‘'][^\"“”„«».]{0,60}$")
_CLOSED = re.compile(r"[^\"“”„«»]*[\"”“«»’']")
# Letters that are another's variant, but do not decompose into it.
_VARIANTS = str.maketrans("ıøłđðħŧæœƒ’‘ʼ´`′", "ioldðhtæœf''''''")
# A character by its number or name, also escaped twice, and a sign of addresses as links write it.
_ENTITY = re.compile(r"&(?:amp;)?((?:#\d{1,6}|#[xX][\da-fA-F]{1,5}|[A-Za-z]{2,24}\d{0,2});)")
_PERCENT = re.compile(r"(?<=[A-Za-z\d])%(40|2[eEfF]|3[aA])(?=[A-Za-z/%])")
_FOLDED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, read.

    Args:
        text: what buyers see of it: compatible forms made one (NFKC), hidden characters left out.
        folded: the same in small letters without accents; each character stands where it stands in `text`.
        tokens: the words, numbers and signs of `folded`, in order; marks that end a sentence or clause among them.
    """

    text: str
    folded: str
    tokens: tuple[str, ...]

    def original(self, first: int, last: int) -> str:
        """Return the text from token `first` to token `last`, which is included."""
        return self.text[self.span(first, last)]

    def span(self, first: int, last: int) -> slice:
        """Return where token `first` begins and token `last` ends, in `text` and in `folded`."""
        starts = _starts_of_tokens(self.folded)
        return slice(starts[first], starts[last] + len(self.tokens[last]))


@lru_cache(maxsize=KEPT)
def read(text: str) -> Reading:
    """Read a text; the last KEPT readings are at hand."""
    text = _unescaped(text[:READ_CHARS])
    if text.isascii():
        shown = text.translate(_ASCII_CLEANED)
        folded = shown.lower().replace("_", " ")
    else:
        shown = cleaned(text)
        folded = fold(shown)
    return Reading(shown, folded, tuple(_pattern_for(folded).findall(folded)))


def _unescaped(text: str) -> str:
    """Return a text with characters for their entities, and for the codes of signs that addresses have."""
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda match: unescape("&" + match[1]), text)
    if "%" in text:
        text = _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)
    return text


def _pattern_for(folded: str) -> re.Pattern[str]:
    return _ASCII_TOKEN if folded.isascii() else _TOKEN


@lru_cache(maxsize=KEPT)
def _starts_of_tokens(folded: str) -> "array[int]":
    """Return where each token begins; kept apart from the reading, for few texts are asked where they say a thing."""
    return array("I", (it.start() for it in _pattern_for(folded).finditer(folded)))


def cleaned(text: str) -> str:
    """Return what buyers see of a text: without hidden characters, compatible forms made one."""
    return unicodedata.normalize("NFKC", text.translate(_CLEANED))


def fold(text: str) -> str:
    """Return a normalized text in small letters, without accents, with digits 0 to 9; it stays as long as it was."""
    return text.translate(_FOLDING).lower()


def latin_apart(folded: str) -> str:
    """Return a folded text with spaces for the signs of scripts that write none, so that other words stand apart."""
    return folded if folded.isascii() else _UNSPACED.sub(" ", folded)


class _Folding(dict[int, str]):
    """The folded form of each character by its code, worked out when it is first asked for."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _folded_character(chr(code))
        return folded


def _folded_character(character: str) -> str:
    if character == "_":
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character == "İ":
        return "i"
    lowered = character.lower().translate(_VARIANTS)
    if len(lowered) != 1 or not unicodedata.name(lowered, "").startswith(_FOLDED_SCRIPTS):
        return lowered if len(lowered) == 1 else character
    base = unicodedata.normalize("NFD", lowered)[0].translate(_VARIANTS)
    return {"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك"}.get(base, base)


_FOLDING = _Folding()


def words_of(reading: Reading) -> Iterator[str]:
    """Yield the words and numbers, without the signs."""
    return (it for it in reading.tokens if it[0].isalnum())


def is_quoted(reading: Reading, words: slice) -> bool:
    """Tell whether a longer text speaks of words of it in quotation marks: what a thing has printed on it."""
    before = reading.text[max(0, words.start - _QUOTED_BEFORE) : words.start]
    after = reading.text[words.stop : words.stop + _QUOTED_AFTER]
    return (
        _OPENED.search(before) is not None and len(before.split(maxsplit=2)) >= 2 and _CLOSED.match(after) is not None
    )


def quoted(text: str, *, most_chars: int = 60) -> str:
    """Return words of a listing as messages quote them: on one line, shortened, what hides made visible."""
    shown = "".join(_visible(character) for character in re.sub(r"[ \t\r\n]+", " ", text).strip(" "))
    return f"“{shown if len(shown) <= most_chars else shown[: most_chars - 1].rstrip() + '…'}”"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return " " if unicodedata.category(character) == "Zs" else f"[U+{ord(character):04X}]"
