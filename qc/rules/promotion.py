"""The rules on sales talk and on gross words."""

import re
from functools import cache
from itertools import chain

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import quoted, read
from qc.rules.wordlists import Match, first_match, matches_in, of_kind, said, word_lists, words_for_patterns

# "SALE" itself: in capitals, or set apart by signs. "For sale" and "salesman" are words like others.
_SALE = re.compile(
    r"(?:^|\s)[-–]\s?\d{1,2}\s?%(?!\w)|\bSALE\b|(?:^|[|*!~\[(\-–—]\s*)sale\s*(?:$|[|*!~\])])", re.IGNORECASE
)
# Letters that digits and signs stand for in words that are to be hidden from lists.
_DISGUISED = re.compile(
    r"(?<!\w)[a-z]+(?:[0-9@$*!#.\-]{1,3}[a-z]+)+(?!\w)|(?<!\w)[a-z](?:\*{1,3}|[#@!$]{2,3})[a-z]*(?!\w)"
)
_SPACED = re.compile(r"(?<!\w)[a-z](?:[ ._\-][a-z]){3,9}(?!\w)")
_MAY_BE_DISGUISED = re.compile(r"[a-z][0-9@$*!#.\-]+[a-z]|[a-z][*#@!$]")
_MEANT = str.maketrans("0134578@$!", "oieastbasi")
_MOST_DISGUISED = 200
_MOST_LOOKED_AT = 100
# Those that use a gross word in another meaning; see profanity.toml.
_TRADES = ("dogs", "birds", "goods")
_JOINING = frozenset(words_for_patterns("offers", "joining"))
_OFFERING = frozenset(("in", "en", "em", "im"))


@rule(
    code="text.promotion",
    severity=Severity.ADVISE,
    looks_at=("title",),
    remedy="Let the title name the product only; offers are shown beside it.",
)
def title_promotes(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on sales talk in the title, such as “free shipping”."""
    talk = first_match(facts.title, "promotion", "talk", unless="harmless") or _lone_word(facts.title)
    if talk is not None:
        return Finding("title", f"The title has sales talk: {quoted(said(facts.title, talk))}.")
    sale = _SALE.search(facts.title)
    if sale is None or any(it.kind == "harmless" for it in matches_in(facts.title).get("promotion", ())):
        return None
    if sale.group().isalpha() and sale.group() != "SALE":
        return None
    return Finding("title", f"The title has sales talk: {quoted(sale.group())}.")


@rule(
    code="text.profanity",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Say it without gross words.",
)
def text_is_gross(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag gross words, also with signs in place of letters."""
    for name, text in facts.texts:
        match = first_match(text, "profanity", "gross", unless="harmless")
        word = said(text, match) if match is not None else _word_of_two_meanings(text, facts) or _disguised_word(text)
        if word:
            return Finding(name, f"The {name} has a gross word: {quoted(word)}.")
    return None


def _word_of_two_meanings(text: str, facts: ProductFacts) -> str:
    """Return a word that is gross as it is written, or outside of the trade that has it, "" for none."""
    for match in of_kind(text, "profanity", "exactly", unless="harmless")[:_MOST_LOOKED_AT]:
        word = said(text, match)
        if word in _written_exactly() or (not word.isascii() and word.lower() in _written_exactly()):
            return word
    for trade in _TRADES:
        named = first_match(text, "profanity", trade, unless="harmless")
        around = f"{trade}_around"
        if named is not None and not any(of_kind(it, "profanity", around) for _, it in facts.texts):
            return said(text, named)
    return ""


@cache
def _written_exactly() -> frozenset[str]:
    return frozenset(it.strip() for kind, it in word_lists()["profanity"].phrases if kind == "exactly")


def _lone_word(title: str) -> Match | None:
    """Return a word of sales talk that stands at the title's edge or between signs, and belongs to no phrase."""
    tokens = read(title).tokens
    its = matches_in(title).get("promotion", ())
    harmless = [it for it in its if it.kind == "harmless"]
    for it in its:
        before = tokens[it.first - 1] if it.first else ""
        after = tokens[it.last + 1] if it.last + 1 < len(tokens) else ""
        if it.kind == "apart":
            is_apart = len(tokens) > 1 and not (before[:1].isalnum() or after[:1].isalnum())
            if is_apart and not any(it.overlaps(other) for other in harmless):
                return it
        if it.kind != "lone":
            continue
        is_offered = before in _OFFERING or after[:1].isdigit()
        is_at_edge = not (before[:1].isalnum() and after[:1].isalnum())
        if is_offered or (is_at_edge and not {before, after} & _JOINING):
            return it
    return None


def _disguised_word(text: str) -> str:
    """Return the first gross word that is written with digits or signs ("sh1t", "f**k")."""
    folded = read(text).folded
    spaced = next((it.group() for it in _SPACED.finditer(folded) if _has_gross_word(it.group()[::2])), None)
    if spaced is not None:
        return spaced
    if _MAY_BE_DISGUISED.search(folded) is None:
        return ""
    found = _DISGUISED.finditer(folded)
    for it in (match.group() for match, _ in zip(found, range(_MOST_DISGUISED), strict=False)):
        guesses = chain([it.translate(_MEANT)], _FILLED.get(re.sub(r"[*#@!$.\-]+", "*", it), ()))
        if any(_has_gross_word(guess) for guess in guesses if guess.isalpha()):
            return it
    return ""


def _has_gross_word(text: str) -> bool:
    return any(it.kind == "gross" or it.kind in _TRADES for it in matches_in(text).get("profanity", ()))


# What stands behind asterisks, for the words that are written so most.
_FILLED = {
    "f*k": ("fuck",),
    "f*ck": ("fuck",),
    "f*cking": ("fucking",),
    "f*ing": ("fucking",),
    "f*king": ("fucking",),
    "fu*k": ("fuck",),
    "motherf*ker": ("motherfucker",),
    "motherf*cker": ("motherfucker",),
    "fu*king": ("fucking",),
    "s*t": ("shit",),
    "sh*t": ("shit",),
    "b*tch": ("bitch",),
    "b*h": ("bitch",),
    "c*nt": ("cunt",),
    "a*hole": ("asshole",),
    "sch*e": ("scheisse",),
    "p*te": ("putain",),
    "m*rde": ("merde",),
    "p*ta": ("puta",),
    "m*rda": ("merda",),
    "c*zzo": ("cazzo",),
}

RULES = (title_promotes, text_is_gross)
