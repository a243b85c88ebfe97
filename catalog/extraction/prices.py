"""Prices: the amount and the currency that a short text states.

price-parser, which reads the same kind of text, takes the first number anywhere and reads `1.234` alike in every
locale; here the number beside a currency is taken, its separators are read by locale and currency
(`catalog.extraction.numbers`), and a currency is never guessed (`catalog.extraction.currencies`).

Decided, and held by the tests' table:
- a range is its lower end; `from 12` is 12; a former price (`was`, `UVP`) is read only where it stands alone;
- of a price with and one without tax, it is the one with; a unit's (`/kg`) or a month's stands behind the whole one;
- `2 for 5`, `3 x 4 €`, `12x de R$ 99` name no price of one product: None; so do savings, discounts and shipping;
- percentages, ratings, sizes, dates, times and negative numbers are no prices;
- a number without any currency sign is a price only where the words beside it are those of prices;
- a text that says no more than `free` is 0.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from catalog.extraction.currencies import (
    WORDY_CODES,
    candidates_of,
    currency_of,
    is_certain,
    needs_proof,
    resolve_sign,
    sign_after,
    sign_before,
)
from catalog.extraction.numbers import NUMBER, fold, parse_number, read_number
from catalog.extraction.price_words import (
    FORMER_WORDS,
    FREE_TEXTS,
    MULTIBUY_WORDS,
    MULTIPLES,
    OTHER_AMOUNT_WORDS,
    PRICE_WORDS,
    REDUCTION_WORDS,
)

__all__ = ["ParsedPrice", "currency_of", "parse_number", "parse_price"]

MAX_AMOUNT = Decimal(10) ** 14  # what the marketplace's money holds
MAX_TEXT = 2_000
MAX_NUMBERS = 50
MAX_BARE_DIGITS = 10  # a longer number without a currency is an article's or a telephone's

_TOKEN = re.compile(rf"(?P<number>(?<![\d.,])[.,]\d{{1,2}}(?![\d.,])|{NUMBER})(?P<bare>[.,:] ?[-–—]{{1,2}}(?! ?\d))?")
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:['’.][^\W\d_]+)*")
_JOINED = re.compile(r" ?(?:[-–—~〜～]|\.\.+|to|bis|à|a|do|до|til|till|tot|ile|hasta|fino a) ?", re.IGNORECASE)
_UNIT = (
    r"(?:[kmc]?g|[mcd]?l|oz|lbs?|fl|m|m2|m3|qm|cm|ft|yd|100|1000|mo|mon|months?|mth|mes|mês|mois|monat|mese|year|yr|jahr|an|"
    r"año|week|wk|woche|day|tag|hour|hr?|кг|гр?|л|мл|м|мес\w*|год|кв|unidad)"
)
_PER_UNIT = re.compile(
    rf" ?(?:(?:/|per|pro|par|por|je|за|al?|na) ?(?:1 ?)?(?:{_UNIT}\b|$)|monthly|mtl|monatlich|mensual|mensil)",
    re.IGNORECASE,
)
_TAX = r"(?:vat|tax|gst|dph|mwst|ust|btw|moms|mva|iva|tva|ндс|пдв|alv|pdv|áfa|kdv)\b"
_WITHOUT = r"(?:excl?|excluding|ex|exkl|exc|exclusief|zzgl|plus|bez|без|ekskl|senza|sin|sem|fără|uden|utan|hors|o)\b\.?"
_NET = re.compile(rf"[ (]*(?:{_WITHOUT} ?{_TAX}|ht\b|h\.t\.|netto\b)[ :)]*", re.IGNORECASE)
_TIMES = re.compile(r" ?[x×*] ?(?:de|of|à|von|за)? ?", re.IGNORECASE)
_SPLIT_CENTS = re.compile(r"(?P<left>\D{0,6}?)(?P<whole>\d{1,4}) (?P<cents>\d\d)(?P<right>\D{0,6})")
_CENTS_BEHIND_SIGN = re.compile(
    r"(?<![\d.,])(?P<whole>\d{1,3}(?:[., ']?\d{3}){0,3})(?P<gap> ?)(?P<sign>[^\d\s]{1,6})(?P<space> ?)"
    r"(?P<cents>\d{1,2})(?![\d.,:/%])(?P<minor> ?(?:коп\b\.?|ст\b\.?|gr\b|cents?\b))?"
)
_NOT_A_PRICE_BEFORE = re.compile(r"[%٪#№+/]$|[#№/] $|\d:$|\d \($")
_NOT_A_PRICE_AFTER = re.compile(r" ?[%‰٪°\"]|:\d| ?/ ?[^\w\s]?\d| \(\d|\.\d|[x×]\d", re.IGNORECASE)
_DATE = re.compile(r"\b\d{4}([-/.])\d{2}\1\d{2}\b|\b\d{1,2}([-/.])\d{1,2}\2(?:19|20)\d\d\b")
_MACHINE = re.compile(r"\d[\d.]{0,38}[eE][+-]?\d{1,2}")

_CURRENT, _NET_OF_TAX, _FORMER, _PER = range(4)
_UNSPACED = tuple(word for word in PRICE_WORDS | FORMER_WORDS if word >= "\u2e80")


@dataclass(frozen=True, slots=True)
class ParsedPrice:
    """An amount, its ISO 4217 code or an empty string, the sign as written, and the text it was read from."""

    amount: Decimal
    currency: str
    currency_raw: str
    raw: str


@dataclass(frozen=True, slots=True)
class _Hints:
    currency: str
    locale: str | None
    decimal: str | None

    def resolve(self, sign: str) -> str:
        return resolve_sign(sign, currency_hint=self.currency, locale_hint=self.locale)


@dataclass(frozen=True, slots=True)
class _Found:
    """One number of a text, and what stands between it and its neighbours without their currency signs."""

    number: str
    before: str
    after: str
    left: str = ""
    right: str = ""
    is_bare: bool = False  # `19,-`: no decimals follow
    is_glued: bool = False  # a letter touches it: `A12`, `12mm`
    is_ruled_out: bool = False  # %, 4/5, 10:30
    rank: int = _CURRENT

    @property
    def is_signed(self) -> bool:
        return bool(self.left or self.right)


def parse_price(
    text: str,
    *,
    currency_hint: str | None = None,
    locale_hint: str | None = None,
    decimal_hint: str | None = None,
) -> ParsedPrice | None:
    """Return the price that a text states, or None.

    Args:
        text: a price as shown or as marked up; of a longer one the first 2,000 characters are read.
        currency_hint: what the page says of its currency (a code or a sign). It decides what a shared sign means,
            and is the currency of a number without one; a sign in the text that contradicts it wins.
        locale_hint: language tag of the page (`de-CH`), or a region (`CH`). It decides separators and shared signs.
        decimal_hint: `.` or `,` where the format is known, as in machine-readable markup.

    The currency is empty where neither text nor hints decide it.
    """
    return _parsed(text[:MAX_TEXT], currency_hint, locale_hint, decimal_hint)


@lru_cache(maxsize=8_192)
def _parsed(raw: str, currency: str | None, locale: str | None, decimal: str | None) -> ParsedPrice | None:
    folded = fold(raw)
    hint = currency_of(currency, locale_hint=locale) if currency else ""
    hints = _Hints(currency=hint, locale=locale, decimal=decimal)
    if folded.casefold().strip(" .!") in FREE_TEXTS:
        return ParsedPrice(Decimal(0), hint, "", raw.strip())
    if _MACHINE.fullmatch(folded):
        return _priced(parse_number(folded), hint, "", raw)
    chain = _chosen(folded, hints)
    if not chain:
        return None
    sign, code = _currency(chain, folded, hints)
    amounts = [_amount(found, sign, code, hints) for found in chain]
    known = [amount for amount in amounts if amount is not None]
    return _priced(min(known), code, sign, raw) if len(known) == len(amounts) else None


def _priced(amount: Decimal | None, currency: str, sign: str, raw: str) -> ParsedPrice | None:
    if amount is None or not 0 <= amount < MAX_AMOUNT:
        return None
    return ParsedPrice(amount, currency, sign, raw.strip())


def _chosen(text: str, hints: _Hints) -> list[_Found]:
    """Return the number that is the price, or the two of a range; empty when there is none."""
    numbers = _numbers(_with_cents_in_place(_DATE.sub(" ", text)), hints)
    chains = _chains([_ranked(numbers, place) for place in range(len(numbers))])
    signed = [chain for chain in chains if any(found.is_signed for found in chain)]
    unsigned = [chain for chain in chains if all(_is_among_price_words(found) for found in chain)]
    candidates = signed or (unsigned if len(numbers) <= 3 else [])
    return min(candidates, key=lambda chain: chain[0].rank, default=[])


def _with_cents_in_place(text: str) -> str:
    """Return the text with cents behind a dot: of `19 99 €`, `35€99`, `5 руб. 50 коп.`."""
    split = _SPLIT_CENTS.fullmatch(text)
    if split and (sign_before(split["left"].rstrip()) or sign_after(split["right"].lstrip())):
        return f"{split['left']}{split['whole']}.{split['cents']}{split['right']}"
    return _CENTS_BEHIND_SIGN.sub(_cents_moved, text)


def _cents_moved(match: re.Match[str]) -> str:
    text, sign = match.string, match["sign"]
    is_currency = sign_after(sign) == sign and not sign_before(text[: match.start()].rstrip())
    is_near = not match["gap"] and len(match["cents"]) == 2
    is_last = not text[match.end() :].strip(" *")
    goes_on = bool(sign_after(text[match.end() :].lstrip()[:20]))
    if not is_currency or (not match["minor"] and (not is_near or goes_on or (match["space"] and not is_last))):
        return match.group()
    return f"{re.sub(r'[^0-9]', '', match['whole'])}.{match['cents'].zfill(2)} {sign}"


def _numbers(text: str, hints: _Hints) -> list[_Found]:
    """Return the numbers of a text in order, each currency sign given to the number that it belongs to."""
    tokens = [match for match, _ in zip(_TOKEN.finditer(text), range(MAX_NUMBERS), strict=False)]
    if not tokens:
        return []
    starts = [token.start() for token in tokens[1:]] + [len(text)]
    between = [text[token.end() : start] for token, start in zip(tokens, starts, strict=True)]
    before, left = _cut_left(text[: tokens[0].start()], hints, text)
    is_prefixed = bool(left) and not _cut_right(between[-1], hints, text)[1]
    is_suffixed = not left and bool(_cut_right(between[-1], hints, text)[1])
    found = []
    for token, gap in zip(tokens, between, strict=True):
        is_last = token is tokens[-1]
        after, right = _cut_right(gap, hints, text)
        if right and not is_last and not after.strip() and (is_prefixed or (not is_suffixed and _touches_next(gap))):
            after, right = gap, ""
        middle, next_left = ("", "") if is_last else _cut_left(after, hints, text)
        found.append(
            _Found(
                number=token["number"],
                before=before,
                after=after if is_last else middle,
                left=left,
                right=right,
                is_bare=token["bare"] is not None,
                is_glued=_is_glued(text, token),
                is_ruled_out=_is_ruled_out(text, token, left=left, right=right),
            )
        )
        before, left = middle, next_left
    return found


def _cut_left(segment: str, hints: _Hints, text: str) -> tuple[str, str]:
    """Return what stands before a number without the currency sign beside it, and the sign."""
    for candidate in (segment.rstrip(), segment.rstrip(" :=")):
        sign = sign_before(candidate[-20:])
        if sign and _counts(sign, hints, text):
            return candidate[: len(candidate) - len(sign)], sign
    return segment, ""


def _cut_right(segment: str, hints: _Hints, text: str) -> tuple[str, str]:
    """Return what stands behind a number without the currency sign beside it, and the sign; a multiple stays."""
    behind = segment.lstrip()
    word = _multiple(segment)
    if word:
        behind = behind[len(word) :].lstrip(" .")
    sign = sign_after(behind[:20])
    if sign and _counts(sign, hints, text):
        rest = behind[len(sign) :]
        return f" {word} {rest}" if word else rest, sign
    return segment, ""


def _multiple(segment: str) -> str:
    """Return the word at the head of a segment that multiplies the number before it, as written."""
    behind = segment.lstrip()
    word = _WORD.match(behind)
    if word and word.group().casefold() in MULTIPLES:
        return word.group()
    return behind[0] if behind[:1] in MULTIPLES else ""


def _touches_next(gap: str) -> bool:
    """Tell whether the one sign between two numbers touches the second only."""
    return gap.startswith(" ") and not gap.endswith(" ")


def _counts(sign: str, hints: _Hints, text: str) -> bool:
    """Tell whether a sign is a currency here: letters that are other words too need proof."""
    if needs_proof(sign):
        return bool(hints.resolve(sign))
    if sign in WORDY_CODES:
        rest = re.sub(r"[\d\s.,'’:-]", "", text.replace(sign, "", 1))
        return not rest or sign == hints.currency or bool(sign_after(rest))
    return True


def _is_glued(text: str, token: re.Match[str]) -> bool:
    around = text[max(token.start() - 1, 0) : token.start()] + text[token.end() : token.end() + 1]
    return any(letter.isalpha() and letter.lower() != letter.upper() for letter in around)


def _is_ruled_out(text: str, token: re.Match[str], *, left: str, right: str) -> bool:
    """Tell whether the number is a percentage, a rating, a time, or part of something longer."""
    head = text[max(token.start() - 3, 0) : token.start()]
    if not left and _NOT_A_PRICE_BEFORE.search(head):
        return True
    if not right and _NOT_A_PRICE_AFTER.match(text, token.end()):
        return True
    is_in_groups = re.search(r"\d $", head) or re.match(r" \d", text[token.end() : token.end() + 2])
    return token["number"].isdigit() and not left and not right and is_in_groups is not None


def _ranked(numbers: list[_Found], place: int) -> _Found | None:
    """Return the number with its rank among the prices, or None when it is no price."""
    found = numbers[place]
    if found.is_ruled_out or _is_negative(found, is_first=place == 0) or _is_of_several(numbers, place):
        return None
    words = [word.casefold() for word in _WORD.findall(found.before)[-2:]]
    behind = _WORD.match(found.after.lstrip(" *"))
    if not (OTHER_AMOUNT_WORDS | REDUCTION_WORDS).isdisjoint(words):
        return None
    if behind and behind.group().casefold() in REDUCTION_WORDS:
        return None
    if any(word in FORMER_WORDS for word in words):
        return replace(found, rank=_FORMER)
    if found.before.rstrip().endswith("=") or _PER_UNIT.match(found.after):
        return replace(found, rank=_PER)
    said_first = re.search(_TAX, numbers[0].before, re.IGNORECASE)  # `net of tax: 5, with tax: 6`
    is_net = _NET.fullmatch(found.before[-24:]) if said_first else _NET.match(found.after)
    return replace(found, rank=_NET_OF_TAX) if is_net else found


def _is_negative(found: _Found, *, is_first: bool) -> bool:
    """Tell whether a minus belongs to the number: `-20 €`, `-$5`, `(-5 €)`, but not `10-20`."""
    before = found.before
    if not before.rstrip().endswith(("-", "–")):
        return False
    ahead = before.rstrip()[:-1]
    if not ahead.strip():
        return is_first
    return before == before.rstrip() and ahead.endswith((" ", "("))


def _is_of_several(numbers: list[_Found], place: int) -> bool:
    """Tell whether the price is of several together: `2 for 5 €`, `5 € for 2`, `2/5 €`, `12x 9 €`."""
    found = numbers[place]
    previous = numbers[place - 1] if place else None
    following = numbers[place + 1] if place + 1 < len(numbers) else None
    if previous and _is_count(previous):
        joint = found.before.strip().casefold()
        if joint in MULTIBUY_WORDS or joint == "/" or _TIMES.fullmatch(found.before):
            return True
    return bool(following and _is_count(following) and found.after.strip().casefold() in MULTIBUY_WORDS)


def _is_count(found: _Found) -> bool:
    return not found.is_signed and found.number.isdigit() and len(found.number) <= 2


def _chains(numbers: list[_Found | None]) -> list[list[_Found]]:
    """Join the two ends of each range."""
    chains: list[list[_Found]] = []
    previous: _Found | None = None
    for found in numbers:
        if found and previous and len(chains[-1]) == 1 and _JOINED.fullmatch(found.before):
            chains[-1].append(found)
        elif found:
            chains.append([found])
        previous = found
    return chains


def _is_among_price_words(found: _Found) -> bool:
    """Tell whether a number without a currency is a price by the words that touch it, if any do."""
    digits = re.sub(r"\D", "", found.number)
    if found.is_glued or len(digits) > MAX_BARE_DIGITS or re.match(r"0\d", found.number):
        return False
    before, after = _WORD.findall(found.before), _WORD.match(_without_multiple(found.after).lstrip(" *,.(-–"))
    if before and not _is_price_word(before[-1].casefold(), str.endswith):
        return False
    return after is None or _is_price_word(after.group().casefold(), str.startswith)


def _is_price_word(word: str, touches: Callable[[str, tuple[str, ...]], bool]) -> bool:
    """Tell whether a word is one of prices; where words are not spaced, whether its end towards the number is."""
    return word in PRICE_WORDS or word in FORMER_WORDS or (word >= "\u2e80" and touches(word, _UNSPACED))


def _without_multiple(after: str) -> str:
    word = _multiple(after)
    return after.lstrip()[len(word) :] if word else after


def _currency(chain: list[_Found], text: str, hints: _Hints) -> tuple[str, str]:
    """Return the sign as written and its code, empty while the page leaves several possible."""
    signs = [sign for found in chain for sign in (found.left, found.right) if sign]
    resolved = {sign: hints.resolve(sign) for sign in signs}
    for sign in sorted(signs, key=is_certain, reverse=True):
        if resolved[sign]:
            return sign, resolved[sign]
    elsewhere = currency_of(text, locale_hint=hints.locale)
    if signs:
        return signs[0], elsewhere if elsewhere in candidates_of(signs[0]) else ""
    return "", elsewhere or hints.currency


def _amount(found: _Found, sign: str, currency: str, hints: _Hints) -> Decimal | None:
    number = found.number
    if found.is_bare and re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", number):
        number = re.sub(r"[.,]", "", number)
    amount = read_number(number, decimal_hint=hints.decimal, currency=currency, locale_hint=hints.locale)
    if amount is None:
        return None
    if sign == "¢":
        return amount / 100
    word = _multiple(found.after)
    return amount * MULTIPLES[word.casefold()] if word else amount
