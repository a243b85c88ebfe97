"""The rule on messengers: texts that ask buyers to write around the marketplace."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import Match, apart_from, in_clause, is_motif, matches_in, of_kind, said, words_for_patterns

_HANDLE = re.compile(r"(?<![\w.+@/-])@[a-z_](?:[\w.]{2,29})(?![\w@-])")
_NO_HANDLES = frozenset(words_for_patterns("addresses", "no_handles"))
_LINK = re.compile(
    r"(?<![\w.])(?:wa|t|m|ig)\.me\s?/|(?:chat|api|web)\.whatsapp\.com|telegram\.me|(?<![\w.])line\.me/|discord\.gg|instagr\.am"
)
# Letters apart, as in "w h a t s a p p".
_MAY_BE_SPACED = re.compile(r"[ .*\-][a-z][ .*\-][a-z][ .*\-][a-z]")
_SPACED = re.compile(r"(?<!\S)(?:[a-z][ .*\-]){4,30}[a-z](?!\S)")
# Messengers, what asks to write there, and how many words may stand between the two.
_ASKING = (("messenger", "writing", 5), ("famous", "person", 5), ("reached", "dealing", 5), ("reached", "writing", 5))
_CLAUSE_REACH = 12
# Letters that signs and digits stand for, as in "wh@tsapp"; who disguises a messenger's name means it.
_DISGUISED = re.compile(r"(?<![\w@])[a-z]{1,8}(?:[0134@$!*]{1,2}[a-z]{1,8}){1,3}(?![\w@])")
_MAY_BE_DISGUISED = re.compile("[a-z][0134@$!*]{1,2}[a-z]")
_LONG_NAMES = frozenset(
    {"whatsapp", "watsapp", "telegram", "instagram", "insta", "facebook", "messenger", "snapchat", "signal", "viber"}
    | {"wechat", "skype", "discord", "tiktok"}
)
_MEANT = str.maketrans("0134@$!", "oieaasi")
_NUMBER_DIGITS = 6
# After a messenger's name, one word that is no word: with a stroke in it or, after a colon, with @, digits or a dot.
_ACCOUNT = re.compile(
    r"\s{1,3}@?[A-Za-z][A-Za-z0-9.]*_\w|\s?:\s{0,3}(?=[^\W\d]|@)(?=\S*[@\d_]|\w+\.\w)@?[\w.]{3,30}(?![^\s,;!?)])"
)
# The same after a name that is hardly used but before an account: "wechat lamps88", "discord ann#1234".
_BARE_ACCOUNT = re.compile(r"[\s:–-]{1,4}@?(?:[A-Za-z]{3}[A-Za-z.]*\d{2,}[A-Za-z.]*(?![\w-])|[\w.]{2,30}#\d{4}(?!\d))")
# After a short name of one, an account with a colon or a stroke in it: "snap: anna_88", "ig lamps_and_co".
_SIGNED_ACCOUNT = re.compile(
    r"\s{1,3}@?[A-Za-z]{3}[\w.]*_\w|\s?[:=]\s{0,3}@?(?=[A-Za-z]{3})(?=[^\s_.\d]*[\d_.]\w)[\w.]{4,30}(?![^\s,;!?.)])"
)
# And after the name of a place with profiles, a colon and one word.
_PROFILE = re.compile(r"\s?[:=]\s{0,3}@?[A-Za-z][\w.]{4,29}(?=\s{0,3}(?:[.,;!)\n]|$))")
# A number to write to: "wa: 0555 …", "WA +49 …".
_NUMBER_THERE = re.compile(
    r"\s?[:=.\-]\s?\(?\+?\d(?:[\s().\-/]{0,3}\d){6}|\s{1,2}\(?(?:\+|00)\d(?:[\s().\-/]{0,3}\d){6}"
)
_ACCOUNTS = (
    ("account", _BARE_ACCOUNT),
    ("account", _SIGNED_ACCOUNT),
    ("profile", _PROFILE),
    ("numbered", _NUMBER_THERE),
)
_ACCOUNT_REACH = 50
# A text that names more messengers says nothing else by it.
_MOST_NAMED = 100


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
        words = (
            _messenger_contact(text, title=facts.title)
            or (together and _messenger_contact(together, title=facts.title))
            or _disguised_messenger(text)
        )
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


def _messenger_contact(text: str, *, title: str) -> str:
    reading = read(text)
    link = _LINK.search(reading.folded) if "." in reading.folded else None
    if link is not None:
        return reading.text[link.start() : link.end() + 20]
    for it in of_kind(text, "contacts", "certain", unless="harmless")[:_MOST_NAMED]:
        if not _is_harmless(it, text, title=title):
            return said(text, it)
    handles = (it.group() for it in _HANDLE.finditer(reading.text.lower())) if "@" in text else iter(())
    handle = next((it for it in handles if it not in _NO_HANDLES), "")
    if handle or "contacts" not in matches_in(text):
        return handle
    return _account_after(text, reading) or _messenger_beside_writing(text, reading, title=title)


def _account_after(text: str, reading: Reading) -> str:
    """Return the name of a messenger and of an account there, "" for none."""
    for kind, pattern in _ACCOUNTS:
        for it in of_kind(text, "contacts", kind, unless="harmless")[:_MOST_NAMED]:
            end = reading.span(it.first, it.last).stop
            account = pattern.match(reading.text, end, end + _ACCOUNT_REACH)
            if account is not None:
                return reading.original(it.first, it.last) + account.group()
    return ""


def _messenger_beside_writing(text: str, reading: Reading, *, title: str) -> str:
    for kind, asking, reach in _ASKING:
        if kind != "messenger" and of_kind(title, "contacts", "famous"):
            continue  # the goods have to do with it
        messengers = of_kind(text, "contacts", kind, unless="harmless")[:_MOST_NAMED]
        its = of_kind(text, "contacts", asking) if messengers else []
        for messenger in messengers:
            if _gives_account(messenger, reading):
                return reading.original(messenger.first, min(messenger.last + 3, len(reading.tokens) - 1))
            beside = in_clause(messenger, its, reading.tokens, reach=reach, may_have_comma=kind == "messenger")
            asked = next(beside, None)
            if asked is not None and not _is_harmless(messenger, text, title=title):
                return reading.original(min(asked.first, messenger.first), max(asked.last, messenger.last))
    return _named_for_nothing(text, title=title)


def _named_for_nothing(text: str, *, title: str) -> str:
    """Return the name of a messenger in a description of goods that have nothing to do with any, "" for none."""
    if text == title or any(of_kind(title, "contacts", it) for it in ("famous", "chat", "device")):
        return ""
    if of_kind(text, "contacts", "feature"):
        return ""
    named = of_kind(text, "contacts", "chat", unless="harmless")[:_MOST_NAMED]
    chat = next((it for it in named if not _is_harmless(it, text, title=title)), None)
    return said(text, chat) if chat is not None else ""


def _is_harmless(match: Match, text: str, *, title: str) -> bool:
    """Tell whether words speak of what the goods can do with a messenger, are a motif, or are taken back."""
    tokens = read(text).tokens
    features, never = of_kind(text, "contacts", "feature"), of_kind(text, "contacts", "never")
    return (
        is_motif(match, text, title=title)
        or not apart_from([match], features)  # in one word, where a script has no spaces
        or any(in_clause(match, features, tokens, reach=_CLAUSE_REACH))
        or any(in_clause(match, never, tokens, reach=_CLAUSE_REACH, may_have_comma=False))
    )


def _gives_account(messenger: Match, reading: Reading) -> bool:
    """Tell whether a messenger is followed by a number or, after a colon, by a name: an account there."""
    end = reading.span(messenger.first, messenger.last).stop
    if _ACCOUNT.match(reading.text, end, end + _ACCOUNT_REACH):
        return True
    after = [it for it in reading.tokens[messenger.last + 1 : messenger.last + 8] if it not in "()."]
    digits = 0
    for word in after[1:] if after and after[0] in ":+-" else after:
        if not word[0].isdigit() and word != "+":
            break
        digits += len(word)
    return digits >= _NUMBER_DIGITS


RULES = (text_asks_for_messages,)
