"""The rule on messengers: texts that ask buyers to write around the marketplace."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import Match, first_match, matches_in, said, words_for_patterns

_HANDLE = re.compile(r"(?<![\w.+@/-])@[a-z_](?:[\w.]{2,29})(?![\w@-])")
_NO_HANDLES = frozenset(words_for_patterns("addresses", "no_handles"))
_LINK = re.compile(
    r"(?<![\w.])(?:wa|t|m|ig)\.me\s?/|(?:chat|api|web)\.whatsapp\.com|telegram\.me|(?<![\w.])line\.me/|discord\.gg|instagr\.am"
)
# Letters apart, as in "w h a t s a p p".
_MAY_BE_SPACED = re.compile(r"[ .*\-][a-z][ .*\-][a-z][ .*\-][a-z]")
_SPACED = re.compile(r"(?<!\S)(?:[a-z][ .*\-]){4,30}[a-z](?!\S)")
# How many words may stand between a messenger and what asks to write there.
_REACH = 5
# Letters that signs and digits stand for, as in "wh@tsapp"; who disguises a messenger's name means it.
_DISGUISED = re.compile(r"(?<![\w@])[a-z]{1,8}(?:[0134@$!*]{1,2}[a-z]{1,8}){1,3}(?![\w@])")
_MAY_BE_DISGUISED = re.compile("[a-z][0134@$!*]{1,2}[a-z]")
_LONG_NAMES = frozenset(
    {"whatsapp", "watsapp", "telegram", "instagram", "insta", "facebook", "messenger", "snapchat", "signal", "viber"}
    | {"wechat", "skype", "discord", "tiktok"}
)
_MEANT = str.maketrans("0134@$!", "oieaasi")
_NUMBER_DIGITS = 6


@rule(
    code="text.messenger_contact",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Take it out; buyers reach you through the marketplace.",
)
def text_asks_for_messages(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that asks to write elsewhere; a product about a messenger is none."""
    for name, text in facts.texts:
        together = _drawn_together(text)
        words = _messenger_contact(text) or (together and _messenger_contact(together)) or _disguised_messenger(text)
        if words:
            return Finding(name, f"The {name} asks to write outside the marketplace: {quoted(words)}.")
    return None


def _drawn_together(text: str) -> str:
    """Return a text with its letter-spaced words made whole ("w h a t s a p p"), "" when it has none."""
    folded = read(text).folded
    if _MAY_BE_SPACED.search(folded) is None or _SPACED.search(folded) is None:
        return ""
    return _SPACED.sub(lambda match: re.sub(r"[^a-z]", "", match.group()), folded)


def _disguised_messenger(text: str) -> str:
    """Return the name of a messenger that is written with signs in place of letters, "" for none."""
    folded = read(text).folded
    if _MAY_BE_DISGUISED.search(folded) is None:
        return ""
    for match in _DISGUISED.finditer(folded):
        for guess in (match.group().translate(_MEANT), re.sub(r"[*!]", "", match.group())):
            if len(guess) >= 5 and guess.isalpha() and guess in _LONG_NAMES:
                return match.group()
    return ""


def _messenger_contact(text: str) -> str:
    reading = read(text)
    link = _LINK.search(reading.folded) if "." in reading.folded else None
    if link is not None:
        return reading.text[link.start() : link.end() + 20]
    certain = first_match(text, "contacts", "certain", unless="harmless")
    if certain is not None:
        return said(text, certain)
    handles = (it.group() for it in _HANDLE.finditer(reading.text.lower())) if "@" in text else iter(())
    handle = next((it for it in handles if it not in _NO_HANDLES), "")
    return handle or _messenger_beside_writing(text, reading)


def _messenger_beside_writing(text: str, reading: Reading) -> str:
    its = matches_in(text).get("contacts", ())
    harmless = [it for it in its if it.kind == "harmless"]
    messengers = [it for it in its if it.kind == "messenger" and not any(it.overlaps(other) for other in harmless)]
    writing = [it for it in its if it.kind == "writing"]
    for messenger in messengers:
        near = next((it for it in writing if _are_near(it, messenger, reading)), None)
        if near is not None:
            return reading.original(min(near.first, messenger.first), max(near.last, messenger.last))
        if _gives_account(messenger, reading):
            return reading.original(messenger.first, min(messenger.last + 3, len(reading.tokens) - 1))
    return ""


def _are_near(one: Match, other: Match, reading: Reading) -> bool:
    first, last = sorted((one, other), key=lambda it: it.first)
    if last.first - first.last > _REACH or one.overlaps(other):
        return False
    return not any(it in ".!?;\n" for it in reading.tokens[first.last + 1 : last.first])


def _gives_account(messenger: Match, reading: Reading) -> bool:
    """Tell whether a messenger is followed by a number or, after a colon, by a name: an account there."""
    named = reading.original(messenger.first, messenger.last)
    if "_" in reading.text and re.search(re.escape(named) + r"\s+@?[A-Za-z][A-Za-z0-9.]*_\w", reading.text):
        return True
    after = [it for it in reading.tokens[messenger.last + 1 : messenger.last + 8] if it not in "()."]
    if not after:
        return False
    digits = 0
    for word in after[1:] if after[0] in ":+-" else after:
        if not word[0].isdigit() and word != "+":
            break
        digits += len(word)
    if digits >= _NUMBER_DIGITS:
        return True
    is_set_apart = after[0] == ":" and len(after) > 1 and after[1].isalpha()
    return is_set_apart and _is_account_name(messenger, reading)


def _is_account_name(messenger: Match, reading: Reading) -> bool:
    """Tell whether what follows the colon is one word that is no word: with @, digits or strokes in it."""
    rest = reading.text[reading.text.lower().find(":", _end_of(messenger, reading)) + 1 :].strip()[:40]
    name = rest.split(maxsplit=1)[0] if rest else ""
    return bool(re.fullmatch(r"@?[\w.]{3,30}", name)) and bool(re.search(r"[@\d_]|\w\.\w", name))


def _end_of(messenger: Match, reading: Reading) -> int:
    return reading.text.find(reading.original(messenger.first, messenger.last))


RULES = (text_asks_for_messages,)
