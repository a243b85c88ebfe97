"""The rule on payments around the marketplace."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import Match, first_match, matches_in, said

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
_REACH = 4


@rule(
    code="text.outside_payment",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Take it out; buyers pay through the marketplace, which protects both sides.",
)
def text_asks_for_outside_payment(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that asks to be paid around the marketplace: to an account, a wallet, by friends' transfers."""
    for name, text in facts.texts:
        words = _payment_words(text)
        if words and not (name == "title" and "carriers" in matches_in(text)):  # a shirt that says so
            return Finding(name, f"The {name} asks to be paid outside the marketplace: {quoted(words)}.")
    return None


def _payment_words(text: str) -> str:
    reading = read(text)
    account = next((it.group() for it in _IBAN.finditer(reading.folded) if _is_iban(it.group())), None)
    if account is not None:
        return account.upper()
    wallet = _WALLET.search(reading.text)
    if wallet is not None:
        return wallet.group()
    certain = first_match(text, "payments", "certain", unless="harmless")
    return said(text, certain) if certain is not None else _way_beside_paying(text, reading)


def _way_beside_paying(text: str, reading: Reading) -> str:
    its = matches_in(text).get("payments", ())
    harmless = [it for it in its if it.kind == "harmless"]
    ways = [it for it in its if it.kind == "way" and not any(it.overlaps(other) for other in harmless)]
    paying = [it for it in its if it.kind == "paying"] if ways else []
    for way in ways:
        near = next((it for it in paying if _are_near(it, way, reading)), None)
        if near is not None:
            return reading.original(min(near.first, way.first), max(near.last, way.last))
    return ""


def _are_near(one: Match, other: Match, reading: Reading) -> bool:
    first, last = sorted((one, other), key=lambda it: it.first)
    if last.first - first.last > _REACH or one.overlaps(other):
        return False
    return not any(it in ".!?;\n" for it in reading.tokens[first.last + 1 : last.first])


def _is_iban(text: str) -> bool:
    """Tell whether a text is an account number by its length and its check digits (ISO 13616)."""
    compact = "".join(text.split())
    length = _IBAN_LENGTHS.get(compact[:2], 0)
    if not length or len(compact) < length:
        return False
    number = compact[:length]
    return int("".join(str(int(it, 36)) for it in number[4:] + number[:4])) % 97 == 1


RULES = (text_asks_for_outside_payment,)
