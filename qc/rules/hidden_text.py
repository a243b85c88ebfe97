"""Rules on characters that hide, mislead, or were broken on their way."""

import re
import unicodedata
from collections.abc import Iterator

from ftfy.badness import is_bad

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_EMBEDDINGS = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_MARKS_OF_DIRECTION = "\u200e\u200f\u061c"
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Scripts whose letters joiners join or part, and those that break lines at U+200B.
_JOINED = re.compile(
    r"[\u0600-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufeff]"
)
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_EMOJI_MODIFIERS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_BROKEN = re.compile(
    "\ufffd|[À-ÖØ-öø-ÿ]{5,}|ï¿½|(?:[ÐÑ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]){2,}|â€[™œ˜¦“”¢]|Ã[©¨¤¶¼Ÿ±¡³­ªº«§®¯´¢»]|ðŸ|[├┬][^\\s\\w]"
)

# A letter that is spoken of, as in "the letter Ã"; broken words are longer.
_LONE_LETTER = re.compile(r"(?<![^\s(\"'“„«])[ÃÂÐÑ](?=[\s,;)\"'”»]?(?:\s\w|$))")

# Letters of Cyrillic and Greek that look like Latin ones. Source: Unicode, confusables.txt, single letters.
_LOOKALIKES = frozenset(
    "АВЕКМНОРСТУХЅІЈԌԚԜҮҺавекмноргсухѕіјҽԁԛԝһӏүѵ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧΛΔΣ" + "αιονρυτκγχεηω"
)  # fmt: skip
_LATIN_ALIKE = frozenset("ABEKMHOPCTYXSIJaekmhopcyxsijunrgb")
_WORD = re.compile(r"[^\W\d_]+")
_NON_LATIN = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")


@rule(
    code="text.hidden_characters",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Type the text anew, or paste it as plain text: it has characters that cannot be seen.",
)
def text_has_hidden_characters(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag characters that hide or reorder text, where no script or emoji needs them."""
    for name, text in facts.texts:
        at = next(_hidden_in(text), None) if not text.isascii() or not text.isprintable() else None
        if at is not None:
            around = quoted(text[max(0, at - 10) : at + 11])
            return Finding(name, f"The {name} has a hidden character: {around}.")
    return None


def _hidden_in(text: str) -> Iterator[int]:
    """Yield where hidden characters stand."""
    for match in _INVISIBLE.finditer(text):
        if not _is_needed(match.group(), match.start(), text):
            yield match.start()


def _is_needed(character: str, at: int, text: str) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if character == "\ufeff":
        return at == 0
    if character in _MARKS_OF_DIRECTION or character in _EMBEDDINGS:
        return _RIGHT_TO_LEFT.search(text) is not None
    if character == "\u200b":
        return bool(_UNSPACED.match(before) and _UNSPACED.match(after))
    if character in _JOINERS and (_JOINED.match(before) or _JOINED.match(after)):
        return True
    if character == "\u200d":
        return _is_emoji(before) and _is_emoji(after)
    if "\U000e0020" <= character <= "\U000e007f":
        return "\U0001f3f4" in text[max(0, at - 8) : at]  # the flags of England, Scotland and Wales
    return "\U000e0100" <= character <= "\U000e01ef" and bool(_IDEOGRAPH.match(before))


def _is_emoji(character: str) -> bool:
    return bool(character) and (
        _EMOJI_MODIFIERS.match(character) is not None or unicodedata.category(character) in ("So", "Sm")
    )


@rule(
    code="text.lookalike_letters",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Type the word anew on one keyboard layout.",
)
def text_has_lookalike_letters(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag words that mix Latin letters with Cyrillic or Greek ones that look alike."""
    for name, text in facts.texts:
        word = next(_mixed_words(text), None)
        if word is not None:
            letters = ", ".join(dict.fromkeys(f"{it} (U+{ord(it):04X})" for it in word if it in _LOOKALIKES))
            return Finding(name, f"The {name} has the word {quoted(word)} with letters of another script: {letters}.")
    return None


def _mixed_words(text: str) -> Iterator[str]:
    if not text.isascii() and _NON_LATIN.search(text) is not None:
        yield from (it for it in _WORD.findall(text) if _is_mixed(it))


def _is_mixed(word: str) -> bool:
    """Tell whether a word of one script has letters of another that look like its own."""
    foreign = _NON_LATIN.findall(word)
    latin = [it for it in word if "a" <= it.lower() <= "z" or "À" <= it <= "ɏ"]
    if not foreign or not latin or len(word) < 3:
        return False
    if len(latin) >= max(2, len(foreign)):
        return all(it in _LOOKALIKES for it in foreign)
    return len(foreign) > len(latin) and all(it in _LATIN_ALIKE for it in latin)


@rule(
    code="text.garbled",
    severity=Severity.ADVISE,
    looks_at=("title", "description"),
    remedy="Save the catalog in UTF-8 and send it again: letters with accents arrived broken.",
)
def text_is_garbled(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on text whose encoding was mistaken, such as “CafÃ©”."""
    for name, text in facts.texts:
        if text.isascii():
            continue
        broken = _BROKEN.search(text)
        if broken is not None:
            around = text[max(0, broken.start() - 10) : broken.end() + 10]
            return Finding(name, f"The {name} has broken letters: {quoted(around)}.")
        if is_bad(_LONE_LETTER.sub("a", text[:5000])):
            return Finding(name, f"The {name} has broken letters.")
    return None


RULES = (text_has_hidden_characters, text_has_lookalike_letters, text_is_garbled)
