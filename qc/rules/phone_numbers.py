"""The rule on phone numbers in texts."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    ValidationResult,
    is_possible_number_with_reason,
    is_valid_number,
    parse,
    region_code_for_number,
)

from qc.rules.contract import Finding, Limits, ProductFacts, Severity, rule
from qc.rules.reading import Reading, latin_apart, quoted, read
from qc.rules.wordlists import one_of, words_for_patterns

# National forms are looked for where a number would be dialled from: the seller's country, or the currency's.
REGIONS_OF_CURRENCIES = {"EUR": ("DE", "FR", "ES", "IT", "NL", "BE", "AT", "IE", "PT", "GR", "FI"), "USD": ("US",)}
# A listing may speak to buyers elsewhere than where its seller lives; these write to each other's marketplaces most.
_ELSEWHERE = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "PT", "BR", "TR", "IN", "EG", "AE", "SA", "MX", "RU", "CN", "JP", "KR",
    "PL", "SE", "CH", "GR", "IR", "IL", "UA", "VN", "ID", "CA", "AU", "SG", "HK", "TW", "ZA")  # fmt: skip
# Shorter numbers are valid in some country by chance.
_ELSEWHERE_DIGITS = 9
LEAST_DIGITS, MOST_DIGITS = 7, 15
# The keys of a telephone.
_RUN = "01234567890"
_MOST_LETTER_O = 2  # that stand for zeros

_CANDIDATE = re.compile(r"(?<![\w.,+/-])(?:\+|\(\+?)?\s?[\do](?:[\s().\-–/_*]{0,3}[\do]){6,17}(?![\w%€$£])")
_INVITATION = re.compile(rf"(?<!\w){one_of('phones', 'invitation')}(?!\w)|{one_of('phones', 'invitation_unspaced')}")
# A word of calling right before the number.
_CALLING = re.compile(
    rf"(?:(?<!\w){one_of('phones', 'calling')}|{one_of('phones', 'invitation_unspaced')})"
    r"(?:\s(?:us|me|now|at|on|uns|mich|unter|an|nous|moi|al|ai|il|o|au|para|op|nr|no|number))*[\s.:,#–-]{0,4}$"
)
_INVITATION_AFTER = re.compile(rf"^[\s,;:()\-–]{{0,3}}(?:\w+\s){{0,2}}{one_of('phones', 'invitation_after')}(?!\w)")
_LABEL = re.compile(
    rf"(?<!\w){one_of('phones', 'label')}(?:s|n|en|er|es)?"
    rf"(?:[\s.\-]{{0,2}}{one_of('phones', 'label_end')})?[\s.:#°º\-]{{0,4}}"
    r"(?:[\w.\-]*\d[\w.\-]*[\s,;/]{1,3})*$"
)
_LABEL_OF_ANY = re.compile(rf"{one_of('phones', 'label_of_any')}[\s.:#°º\-]{{0,4}}")
_INVITING = re.compile(
    rf"(?:(?<!\w){one_of('phones', 'invitation')}|{one_of('phones', 'invitation_unspaced')})[\s.:]{{0,3}}$"
)
_JOINED = re.compile(rf"[\s,;/&|+]*(?:{one_of('phones', 'joining')})?[\s,;/&|+]*")
_DIGITS_SPOKEN = {word: str(it) for it in range(10) for word in words_for_patterns("phones", f"digit_{it}")}
_SPOKEN = frozenset(_DIGITS_SPOKEN)
# So many different digits spelled out are a number: "one or two" are not.
_LEAST_SPOKEN = 2
_REACH_BEFORE, _REACH_AFTER = 40, 25
_DATE_OR_RANGE = re.compile(
    r"(?:19|20)\d\d[-./]\d\d?[-./]\d\d?(?:\s.*)?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d.*"
    r"|(?:19|20)\d\d\s?[-–/]\s?(?:19|20)\d\d.*|\d{3,4}(?:\s?/\s?\d{3,4}){1,5}"
)
_NATIONAL_OF_RUSSIA = re.compile(r"8[\s\-]?\(?9\d{2}\)?[\s\-]\d{3}[\s\-]\d{2}[\s\-]\d{2}")
# Numbers in the national writing of some country, whose grouping says enough.
_NATIONAL = re.compile(
    r"0[1-9](?:[ .\-]\d\d){4}"
    r"|\(\d{3}\)\s?\d{3}[-\s.]\d{4}|\d{3}[-.]\d{3}[-.]\d{4}"
    r"|\(?0\d{1,4}\)?\s?[/\- ]\s?\d{5,9}"
    r"|0\d[- ]\d{3,4}[- ]\d{4}|\(?0\d{2,4}\)?[/\- ]{1,3}\d{3,4}[- ]?\d{3,4}(?:[- ]?\d{1,3})?"
    r"|3\d{2}[ ./\-]\d{3}[ .]?\d{4}|3\d{2}[ ./\-]\d{6}"
    r"|0\d{3}\s\d{3}\s\d{2}\s\d{2}|\(\d{2}\)\s?9?\d{4}-\d{4}|[679]\d{2}\s\d{3}\s\d{3}|[679]\d{2}(?:\s\d\d){3}"
)


@rule(
    code="text.phone_number",
    severity=Severity.FLAG,
    looks_at=("title", "description", "currency", "seller_phone"),
    remedy="Take the phone number out; buyers reach you through the marketplace.",
)
def text_has_phone_number(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a text that invites buyers to call around the marketplace.

    In international form any valid number counts. In national form a number must also be written in a country's
    usual groups or stand near a word such as "call", so that part numbers pass.
    """
    for name, text in facts.texts:
        number = next(_phone_numbers(text, facts), None)
        if number is not None:
            return Finding(name, f"The {name} has a phone number: {quoted(number)}.")
    return None


def _phone_numbers(text: str, facts: ProductFacts) -> Iterator[str]:
    reading = read(text)
    spoken = _spoken_number(reading)
    if spoken:
        yield spoken
    if sum(len(it) for it in reading.tokens if it[0].isdigit()) < LEAST_DIGITS - _MOST_LETTER_O:
        return
    regions = _regions(facts.seller_phone, facts.currency)
    labelled_to = -1  # where the last number ends that is labelled as another
    for match in _CANDIDATE.finditer(latin_apart(reading.folded)):
        written = match.group().strip()
        start = match.end() - len(match.group().lstrip())
        before = reading.folded[max(0, start - _REACH_BEFORE) : start]
        if _is_labelled(before) or (labelled_to >= 0 and _JOINED.fullmatch(reading.folded, labelled_to, start)):
            labelled_to = match.end()
            continue
        digits = "".join(filter(str.isdigit, written.replace("o", "0")))
        if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS or len(set(digits)) < 3 or digits in _RUN:
            continue
        after = reading.folded[match.end() : match.end() + _REACH_AFTER]
        if _is_phone(written, digits, before, after, regions):
            yield written


def _spoken_number(reading: Reading) -> str:
    """Return digits that are spelled out, beside words that invite to call: "oh seven nine one one"."""
    tokens = reading.tokens
    if len(_SPOKEN.intersection(tokens)) < _LEAST_SPOKEN:
        return ""
    places = [it for it, word in enumerate(tokens) if word != ","]
    digits = {it: _DIGITS_SPOKEN.get(tokens[it], tokens[it] if tokens[it].isdigit() else "") for it in places}
    for is_said, its in groupby(places, key=lambda it: digits[it] != ""):
        run = list(its)
        said = [digits[it] for it in run]
        if not is_said or not LEAST_DIGITS <= len("".join(said)) <= MOST_DIGITS or said == sorted(said):
            continue
        span = reading.span(run[0], run[-1])
        before = reading.folded[max(0, span.start - _REACH_BEFORE) : span.start]
        after = reading.folded[span.stop : span.stop + _REACH_AFTER]
        if _INVITATION.search(before) or _INVITATION_AFTER.search(after):
            return reading.text[span]
    return ""


def _is_labelled(before: str) -> bool:
    """Tell whether words right before a number say that it is another: a part's, an order's; "tel. no." does not."""
    label = _LABEL.search(before)
    if label is None:
        return False
    return _LABEL_OF_ANY.fullmatch(label.group()) is None or _INVITING.search(before[: label.start()]) is None


def _is_phone(written: str, digits: str, before: str, after: str, regions: tuple[str, ...]) -> bool:
    if _DATE_OR_RANGE.fullmatch(written):
        return False
    is_called = _CALLING.search(before) is not None
    is_invited = is_called or _INVITATION.search(before) is not None or _INVITATION_AFTER.search(after) is not None
    if written.startswith(("+", "(+")):
        return _is_possible("+" + digits, "")
    if digits.startswith("00") and (_is_possible if is_called else _is_valid)("+" + digits[2:], ""):
        return True
    if "o" in written and not is_invited:
        return False
    if is_invited:
        return _is_meant(written, digits, regions, is_called=is_called)
    if _NATIONAL_OF_RUSSIA.fullmatch(written):
        return _is_valid(digits, "RU")
    return _NATIONAL.fullmatch(written) is not None and any(_is_valid(digits, it) for it in regions)


def _is_meant(written: str, digits: str, regions: tuple[str, ...], *, is_called: bool) -> bool:
    """Tell whether a number beside words that invite to call is one that is dialled."""
    if is_called and _is_dialled(written, digits, regions):
        return True
    if not is_called and len(digits) < _ELSEWHERE_DIGITS and not written.startswith(("0", "(0")):
        return False  # a number of any kind
    elsewhere = _ELSEWHERE if len(digits) >= _ELSEWHERE_DIGITS else ()
    return any(_is_valid(digits, it) for it in dict.fromkeys((*regions, *elsewhere)))


def _is_dialled(written: str, digits: str, regions: tuple[str, ...]) -> bool:
    """Tell whether a number is as long as those of a country, or written as short local ones are ("555-0123")."""
    if len(digits) < _ELSEWHERE_DIGITS:
        return re.fullmatch(r"\d{3}[-. ]\d{4}|\d{3}[-. ]\d{2}[-. ]\d{2}", written) is not None
    return any(_is_possible(digits, it) for it in (*regions, "US", "GB"))


@lru_cache(maxsize=2048)
def _is_possible(number: str, region: str) -> bool:
    """Tell whether a number has the length of one that is dialled, whether or not it was ever given out."""
    try:
        return is_possible_number_with_reason(parse(number, region or None)) == ValidationResult.IS_POSSIBLE
    except NumberParseException:
        return False


@lru_cache(maxsize=2048)
def _is_valid(number: str, region: str) -> bool:
    try:
        return is_valid_number(parse(number, region or None))
    except NumberParseException:
        return False


@lru_cache(maxsize=1024)
def _regions(seller_phone: str, currency: str) -> tuple[str, ...]:
    """Return the countries whose national numbers buyers would dial, most likely first."""
    if seller_phone:
        try:
            region = region_code_for_number(parse(seller_phone, None))
        except NumberParseException:
            region = None  # not in international form: it names no country
        if region:
            return (region,)
    named = REGIONS_OF_CURRENCIES.get(currency)
    if named is not None:
        return named
    region = currency[:2]  # ISO 4217 takes its first two letters from ISO 3166
    return (region,) if region in SUPPORTED_REGIONS else ()


RULES = (text_has_phone_number,)
