"""The rule on payments around the marketplace."""

import re

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, quoted, read
from qc.rules.wordlists import Match, first_match, matches_in, said

_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:\s?[a-z0-9]{2,4}){3,8}(?![a-z0-9])")
_IBAN_LENGTHS = {
    "ad": 24, "ae": 23, "at": 20, "be": 16, "bg": 22, "ch": 21, "cy": 28, "cz": 24, "de": 22, "dk": 18, "ee": 20, "es": 24,
    "fi": 18, "fr": 27, "gb": 22, "gr": 27, "hr": 21, "hu": 28, "ie": 22, "il": 23, "is": 26, "it": 27, "li": 21, "lt": 20,
    "lu": 20, "lv": 21, "mc": 27, "mt": 31, "nl": 18, "no": 15, "pl": 28, "pt": 25, "qa": 29, "ro": 24, "rs": 22, "sa": 24,
    "se": 24, "si": 19, "sk": 24, "sm": 27, "tr": 26, "ua": 29, "br": 29, "eg": 29, "kw": 30, "pk": 24,
}  # fmt: skip
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
        if words:
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
