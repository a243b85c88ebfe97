"""The rule on phone numbers in texts."""

import re
from collections.abc import Iterator

from phonenumbers import (
    SUPPORTED_REGIONS,
    Leniency,
    NumberParseException,
    PhoneNumberMatch,
    PhoneNumberMatcher,
    parse,
    region_code_for_number,
)

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule

# National forms are looked for where a number would be dialled from: the seller's country, or the currency's.
REGIONS_OF_CURRENCIES = {"EUR": ("DE", "FR", "ES", "IT", "NL", "BE", "AT", "IE", "PT", "GR", "FI"), "USD": ("US",)}
_INVITATION = re.compile(
    r"\b(?:call|phone|tel|telephone|mobile|cell|whats\s?app|text|sms|message|dial|ring)\b", re.IGNORECASE
)
_INVITATION_REACH = 40
_SEPARATOR = re.compile(r"\d[\s().\-/]+\d")


@rule(
    code="text.phone_number",
    severity=Severity.FLAG,
    looks_at=("title", "description"),
    remedy="Take the phone number out; buyers reach you through the marketplace.",
)
def text_has_phone_number(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that invites buyers to call around the marketplace.

    In international form any valid number counts. In national form a number must also be written in groups or
    follow a word such as "call", so that part numbers pass.
    """
    for name, text in facts.texts:
        number = next(_phone_numbers(text, facts), None)
        if number is not None:
            return Finding(name, f"The {name} has a phone number: {number}")
    return None


def _phone_numbers(text: str, facts: ProductFacts) -> Iterator[str]:
    if sum(character.isdigit() for character in text) < 7:
        return
    for match in PhoneNumberMatcher(text, None, leniency=Leniency.VALID):
        yield match.raw_string
    for region in _regions(facts):
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            if _is_meant_as_phone(match, text):
                yield match.raw_string


def _is_meant_as_phone(match: PhoneNumberMatch, text: str) -> bool:
    before = text[max(0, match.start - _INVITATION_REACH) : match.start]
    return bool(_SEPARATOR.search(match.raw_string) or _INVITATION.search(before))


def _regions(facts: ProductFacts) -> tuple[str, ...]:
    """Return the countries whose national numbers buyers would dial, most likely first."""
    if facts.seller_phone:
        try:
            region = region_code_for_number(parse(facts.seller_phone, None))
        except NumberParseException:
            region = None  # not in international form: it names no country
        if region:
            return (region,)
    named = REGIONS_OF_CURRENCIES.get(facts.currency)
    if named is not None:
        return named
    region = facts.currency[:2]  # ISO 4217 takes its first two letters from ISO 3166
    return (region,) if region in SUPPORTED_REGIONS else ()


RULES = (text_has_phone_number,)
