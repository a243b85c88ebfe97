"""The rule on payments around the marketplace."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, is_quoted, quoted, read
from qc.rules.wordlists import Match, apart_from, in_clause, is_motif, matches_in, of_kind, said

_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:\s?[a-z0-9]{2,4}){3,8}(?![a-z0-9])")
# Source: SWIFT, IBAN Registry; the countries by how long their numbers are.
_COUNTRIES = {
    15: "no",
    16: "be",
    18: "dk fi nl",
    19: "si",
    20: "at ee lt lu",
    21: "ch hr li lv",
    22: "bg de gb ie rs",
    23: "ae il",
    24: "ad cz es pk ro sa se sk",
    25: "pt",
    26: "is tr",
    27: "fr gr it mc sm",
    28: "cy hu pl",
    29: "br eg qa ua",
    30: "kw",
    31: "mt",
}
_IBAN_LENGTHS = {country: length for length, countries in _COUNTRIES.items() for country in countries.split()}
_WALLET = re.compile(
    r"(?<![A-Za-z0-9])(?:bc1[a-z0-9]{25,60}|0x[0-9a-fA-F]{40}|T[1-9A-HJ-NP-Za-km-z]{33})(?![A-Za-z0-9])"
)
# Ways to pay, what asks for them, and how many words may stand between the two.
_ASKING = (
    ("way", "paying", 4),
    ("way", "only", 1),
    ("famous", "person", 6),
    ("famous", "cheaper", 8),
    ("cash", "handing", 4),
    ("friends", "fees", 6),
)
_CLAUSE_REACH = 20
# A text that names more ways to pay says nothing else by it.
_MOST_NAMED = 100


@rule(
    code="text.outside_payment",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Take it out; buyers pay through the marketplace, which protects both sides.",
)
def text_asks_for_outside_payment(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that asks to be paid around the marketplace: to an account, a wallet, by friends' transfers."""
    for name, text in facts.texts:
        reading = read(text)
        words = _account_in(reading) or _payment_words(text, reading, title=facts.title)
        if words:
            return Finding(name, f"The {name} asks to be paid outside the marketplace: {quoted(words)}.")
    return None


def _account_in(reading: Reading) -> str:
    """Return a bank account or a wallet that a text gives, "" for none."""
    account = next((it.group() for it in _IBAN.finditer(reading.folded) if _is_iban(it.group())), None)
    if account is not None:
        return account.upper()
    wallet = _WALLET.search(reading.text)
    return wallet.group() if wallet is not None else ""


def _payment_words(text: str, reading: Reading, *, title: str) -> str:
    if "payments" not in matches_in(text):
        return ""
    for it in of_kind(text, "payments", "certain", unless="harmless")[:_MOST_NAMED]:
        if not _is_harmless(it, text, title=title):
            return said(text, it)
    for kind, asking, reach in _ASKING:
        if kind in ("famous", "cash") and any(of_kind(title, "payments", it) for it in (kind, "till")):
            continue  # the goods have to do with it
        ways = of_kind(text, "payments", kind, unless="harmless")[:_MOST_NAMED]
        # Of "Apple Pay", "pay" is none.
        its = apart_from(of_kind(text, "payments", asking, unless="harmless"), ways) if ways else []
        for way in ways:
            asked = next(in_clause(way, its, reading.tokens, reach=reach, may_have_comma=kind == "way"), None)
            if asked is not None and not _is_harmless(way, text, title=title):
                return reading.original(min(asked.first, way.first), max(asked.last, way.last))
    return _named_for_nothing(text, title=title)


def _named_for_nothing(text: str, *, title: str) -> str:
    """Return a way to pay around the marketplace, told of goods that have nothing to do with paying, "" for none."""
    if text == title or any(of_kind(title, "payments", it) for it in ("famous", "told", "till", "way")):
        return ""
    named = of_kind(text, "payments", "told", unless="harmless")[:_MOST_NAMED]
    told = next((it for it in named if not _is_harmless(it, text, title=title)), None)
    return said(text, told) if told is not None else ""


def _is_harmless(match: Match, text: str, *, title: str) -> bool:
    """Tell whether words are shown or written on a thing, taken back, or speak of the checkout or a buyer's till."""
    tokens = read(text).tokens
    if any(in_clause(match, of_kind(text, "payments", "warning"), tokens, reach=_CLAUSE_REACH)):
        return True
    if _is_shown(match, text, title=title) or _is_taken_back(match, text):
        return True
    outside = of_kind(text, "payments", "outside")
    inside = apart_from(of_kind(text, "payments", "inside"), outside)
    return any(in_clause(match, inside, tokens, reach=_CLAUSE_REACH)) and not any(
        in_clause(match, outside, tokens, reach=_CLAUSE_REACH)
    )


def _is_shown(match: Match, text: str, *, title: str) -> bool:
    """Tell whether words are a motif, or are to be written into a form and nobody says "me" or "we" beside them."""
    reading = read(text)
    tokens = reading.tokens
    if is_motif(match, text, title=title):
        return True
    if "printed" in matches_in(text) and is_quoted(reading, reading.span(match.first, match.last)):
        return True
    if any(in_clause(match, of_kind(text, "payments", "person"), tokens, reach=_CLAUSE_REACH)):
        return False
    spaces = of_kind(text, "payments", "space")
    return bool(of_kind(title, "payments", "paper")) or any(in_clause(match, spaces, tokens, reach=_CLAUSE_REACH))


def _is_taken_back(match: Match, text: str) -> bool:
    """Tell whether a clause says that nobody is paid so, or that a buyer gets money back so."""
    tokens = read(text).tokens
    turns = {
        token
        for kind in ("turn", "inside")  # "we do not sell through the site" takes nothing back
        for it in of_kind(text, "payments", kind)
        for token in range(it.first, it.last + 1)
    }
    before = [*of_kind(text, "payments", "never"), *of_kind(text, "payments", "back")]
    denied = [it for it in before if it.first <= match.first and turns.isdisjoint(range(it.last + 1, match.last + 1))]
    if any(it.overlaps(match) for it in denied):  # "no aceptamos Bizum", of "aceptamos Bizum"
        return True
    declined = [it for it in of_kind(text, "payments", "declined") if match.last < it.first]
    its = sorted([*denied, *declined], key=lambda it: it.first)
    return any(in_clause(match, its, tokens, reach=_CLAUSE_REACH, may_have_comma=False))


def _is_iban(text: str) -> bool:
    """Tell whether a text is an account number by its length and its check digits (ISO 13616)."""
    compact = "".join(text.split())
    length = _IBAN_LENGTHS.get(compact[:2], 0)
    if not length or len(compact) < length:
        return False
    number = compact[:length]
    return int("".join(str(int(it, 36)) for it in number[4:] + number[:4])) % 97 == 1


RULES = (text_asks_for_outside_payment,)
