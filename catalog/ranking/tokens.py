"""Texts as lists of words: folded, with what stood between them, and with what else they may be called."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from catalog.words import fold

MAX_WORD_CHARS = 64
MIN_CODE_CHARS = 4

# Scripts that put no spaces between words: Han, kana, Thai, Lao, Khmer, Myanmar. They are found by pairs of characters.
# Source: Lucene's CJKBigramFilter.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"([{_UNSPACED}]+)|((?:(?![{_UNSPACED}])[^\W_])+(?:['’](?:(?![{_UNSPACED}])[^\W_])+)*)")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")
_CHUNK = re.compile(r"[^\W_]+(?:[-./_][^\W_]+)+")
_SEPARATORS = re.compile(r"[\W_]+")
_PHRASE_ENDS = re.compile(r"[^\s\-'’™®©]")
_DIGIT = re.compile(r"\d")
_SPACES = frozenset(["", " ", "-"])
_INCH_MARKS = frozenset(['"', "″", "”"])
_ELISION_CHARS = 2  # "l'eau", "d'or", "qu'il": what counts comes after; "men's": before


class Word(NamedTuple):
    """One word of a text; a tuple, for millions of them are made.

    Args:
        form: folded: lower case, no accents.
        written: as people wrote it.
        begins_phrase: something other than space or hyphen stands before it.
        inch_mark: it is a number with a double prime or a quotation mark right after it, as in 17".
        start, end: where it stands in the normalised text.
    """

    form: str
    written: str
    begins_phrase: bool
    inch_mark: bool
    start: int
    end: int


def normalised(text: str) -> str:
    """Return the text with each letter and its accents as one character."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Return the text in lower case without accents; syllables of Hangul stay whole."""
    return fold(text) if text.isascii() else unicodedata.normalize("NFC", fold(text))


def words_of(text: str) -> list[Word]:
    """List the words of a normalised text, in order; runs of unspaced scripts give their pairs of characters."""
    words: list[Word] = []
    last = 0
    for match in _WORD.finditer(text):
        start, end = match.span()
        begins = text[last:start] not in _SPACES and bool(_PHRASE_ENDS.search(text, last, start))
        written = match.group()
        if match.group(1):
            words += _pairs(written, start, begins=begins)
        elif form := _form(written):
            has_mark = form.isdecimal() and (text[end : end + 1] in _INCH_MARKS or text.startswith("''", end))
            words.append(Word(form, written, begins, has_mark, start, end))
        last = end
    return words


def single_characters(text: str) -> list[str]:
    """List the characters of unspaced scripts, so that a query of one of them finds the text."""
    return [] if text.isascii() else [folded(character) for run in _UNSPACED_RUN.findall(text) for character in run]


def codes_in(words: Iterable[Word], text: str) -> list[str]:
    """List what may be codes in a text and its words: letters with digits, also over hyphens, dots and slashes."""
    chunks = [joined(chunk) for chunk in _CHUNK.findall(text) if has_digit(chunk)]
    return [code for code in dict.fromkeys([*chunks, *(word.form for word in words)]) if is_code(code)]


def joined(text: str) -> str:
    """Return the letters and digits of a text, folded and without anything between: "TN-2110" becomes "tn2110"."""
    return folded(_SEPARATORS.sub("", text))[:MAX_WORD_CHARS]


def is_code(word: str) -> bool:
    """Tell whether a joined word looks like a code: letters and digits, four characters at least."""
    return len(word) >= MIN_CODE_CHARS and has_digit(word) and not word.isdecimal()


def has_digit(word: str) -> bool:
    """Tell whether there is a digit in it: such words are numbers, measures or codes, and never misspelt."""
    return not word.isalpha() and _DIGIT.search(word) is not None


def spaced(tokens: Iterable[str]) -> str:
    """Join tokens so that each has a space of its own on either side, and neighbours can be counted as text."""
    text = "  ".join(tokens)
    return f" {text} " if text else ""


def _pairs(run: str, start: int, *, begins: bool) -> list[Word]:
    size = min(2, len(run))
    return [
        Word(folded(run[i : i + size]), run[i : i + size], begins and i == 0, False, start + i, start + i + size)
        for i in range(len(run) - size + 1)
    ]


@lru_cache(maxsize=100_000)
def _form(written: str) -> str:
    """Fold a word; of an elision what follows the apostrophe, of a possessive what stands before it."""
    parts = folded(written).replace("’", "'").split("'")
    is_elision = len(parts) > 1 and len(parts[0]) <= _ELISION_CHARS and len(parts[1]) > 1
    form = parts[1] if is_elision else parts[0]
    return "".join(character for character in form if character.isalnum())[:MAX_WORD_CHARS]
