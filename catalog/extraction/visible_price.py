"""The prices that a reader sees, ranked by how surely each is the product's own and of now.

What a score rests on: a shop shows its price beside the title and the buy button, names the element a price, writes a
currency with it, and crosses out or names what it was. Amounts named otherwise (shipping, savings, instalments, per
unit) and those among other products are held back, not dropped: a page may have nothing better.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from catalog.extraction.layout import Layout
from catalog.extraction.money_reading import Hints, read_visible_money
from catalog.extraction.prices import ParsedPrice
from catalog.extraction.standing import Standing
from catalog.extraction.word_lists import phrase_test

MAX_SHOWN = 300
MAX_TRIED = 3_000
MAX_TEXT = 64
_PIECE = re.compile(r"[.,]?\s?\d{2}[.,]?|\d{1,3}[.,]")  # decimals, or what they follow, in an element of their own
_DIGIT = re.compile(r"\d")
_CURRENCY = re.compile(
    r"[$€£¥￥₽₴₸₺₹₩฿₫₱₪₦₲₡₾₼֏₮]|(?-i:\b[A-Z]{3}\b)|(?<![^\W\d_])(?:zł|kč|kn|лв|руб|р\.|тг|тенге|грн|"
    r"сум|сом|kr|rs|rp|rm|lei|ft|din|rsd|"
    r"eur|euro|usd|chf|fr|tl|ден|км|dh|dhs|aed|sar|ر|د|ج|درهم|ريال|جنيه|دينار|تومان|元|円|원|บาท|đ|vnđ|"
    r"dkk|sek|nok)(?![^\W\d_])|元|円|원|บาท|ريال|تومان",
    re.IGNORECASE,
)  # fmt: skip
_begins_with_unit = phrase_test(
    r"^\s*(?:/|per\b|pro\b|je\b|za\s+(?:kg|m2)|por\s+(?:kg|m2)|par\s|le\s+kg|al\s+(?:kg|metro)|\bx\b\s*\d|×\s*\d)"
)
_names_unit = phrase_test(
    r"(?:/|per|pro|je)\s*(?:\d+\s*)?(?:kg|g|ml|l|cl|m²|m2|m|oz|lb|100)\b"
    r"|/\s*(?:mo|month|monat|mois|mes|miesiąc|мес)|(?:a|per)\s+month|p\.?m\.?\b|monatlich|mensual|"
    r"mensili|в месяц|в мес"
)
_names_other_amount = phrase_test(
    r"sav(?:e|ing)|you save|spar(?:en|t)?\b|rabatt|rabat\b|zniżk|oszcz|taniej|économi|ahorr|econom|"
    r"risparmi|скидк|эконом|выгод|indirim|descuento|desconto"
    r"|kedvezm|sleva|ušetř|ušetr|popust|discount|折|省|off\b"
    r"|ship|deliver|postage|versand|liefer|livraison|envío|envio|frete|spedizion|dostaw|dopra|доставк|"
    r"kargo|szállít|leveran|frakt|fragt|toimitus|運費|运费|送料|배송"
    r"|instal|rate[n]?\b|raty\b|rata\b|splát|cuota|parcela|mensualit|taksit|рассроч|кредит|в месяц|"
    r"/mo\b|monthly|klarna|afterpay|financ|leasing|分期"
    r"|start(?:ing|preis|gebot)|opening|reserve\b|minimum|free over|orders? over|above|ab einem|dès\b|"
    r"estimate|est\.|bid\b|deposit|points?\b|bonus|балл|cashback|кэшб|coupon|gutschein"
    r"|\bex(?:cl)?\.?\s*(?:vat|tax)|tax\b|fee\b|reviews?\b|rating|bewertung"
)
_names_former = phrase_test(
    r"\bwas\b|\brrp\b|\bmsrp\b|\bsrp\b|list price|regular price|original(?:ly)?|before\b|compare at|"
    r"statt\b|uvp\b|vorher|früher|bisher|prix (?:de base|conseillé|barré)"
    r"|au lieu de|precio (?:anterior|original|de lista)|antes\b|precio normal|\bde:?\s*(?:r\$)?$|preço (?:de|"
    r"original)|prezzo (?:di listino|precedente|originale)|anziché|invece di"
    r"|cena (?:regularna|katalogowa|przed|poprzednia)|najniższa cena|původní|běžná cena|pôvodn|bežná|"
    r"стара|старая|вместо|было|обычная|eski fiyat|ordinarie|ordinær|\bför\b|\bfør\b|norm\."
    r"|adviesprijs|van\b|原價|原价|定價|市價|市价|定価|通常価格|参考価格|정가|السعر السابق|قبل"
)
_names_current = phrase_test(
    r"\bnow\b|our price|sale price|your price|price\b|buy (?:it )?now|jetzt|nur\b|preis|prix\b|maintenant|"
    r"ahora|precio\b|oferta|agora|preço|\bpor\b|à vista|prezzo|adesso|ora\b|cena\b|teraz"
    r"|promoc|akč|nyní|цена|сейчас|fiyat|nu\b|pris\b|hinta|nyt\b|ár\b|特價|優惠價|售價|现价|售价|促销价|価格|税込|판매가|"
    r"할인가|السعر|الآن|מחיר"
)


@lru_cache(maxsize=8_192)
def _has_currency(text: str) -> bool:
    return _CURRENCY.search(text) is not None


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """A price as it is seen."""

    amount: Decimal
    currency: str
    raw: str
    score: float  # about 0 to 6
    text: int  # the index of its first text
    is_old: bool
    place: str


def shown_prices(layout: Layout, hints: Hints, *, title: int | None, buttons: Iterable[int]) -> list[ShownPrice]:
    """Return the prices that the page shows, the surest first; at most MAX_SHOWN are looked at."""
    title_at = layout.elements[title].start if title is not None else None
    button_at = next((at for at in sorted(buttons) if title_at is None or at >= title_at), None)
    found: list[tuple[int, int, ParsedPrice]] = []
    done: set[int] = set()
    for tried, index in enumerate(_likely_texts(layout)):
        element, parsed = _smallest_price(layout, index, hints)
        if parsed is not None and element not in done:
            done.add(element)
            found.append((index, element, parsed))
        if len(found) >= MAX_SHOWN or tried >= MAX_TRIED:
            break
    signatures = [_signature(layout, element) for _, element, _ in found]
    repeats = Counter(signatures)
    prices = []
    for (index, element, parsed), signature in zip(found, signatures, strict=True):
        is_old = bool(layout.standings[index] & Standing.STRUCK)
        score = _score(layout, index, element, parsed)
        score += _nearness(index, title_at, button_at) - 0.25 * min(max(repeats[signature] - 3, 0), 6)
        was = _names_former(_context(layout, index)[0])
        if was:
            score -= 2.5
        own = layout.elements[element]
        place = f"{own.tag}.{own.names.split(' ')[0]}" if own.names else own.tag
        prices.append(ShownPrice(parsed.amount, parsed.currency, parsed.raw, score, index, is_old or was, place))
    return sorted(_regular_put_back(layout, prices), key=lambda price: (-price.score, price.text))


def _likely_texts(layout: Layout) -> Iterable[int]:
    """Yield the texts with a digit that may be a price: with a currency about, or named a price."""
    for index, text in enumerate(layout.texts):
        if not layout.have_digits[index] or len(text) > MAX_TEXT:
            continue
        standing = layout.standings[index]
        is_code = layout.elements[layout.owners[index]].own & Standing.CODE
        if (standing & Standing.CHOICE and standing & Standing.ASIDE) or is_code:
            continue
        if (
            _has_currency(text)
            or _named_price(layout, index)
            or any(
                _has_currency(layout.texts[near])
                for near in range(max(0, index - 1), min(index + 3, len(layout.texts)))
                if len(layout.texts[near]) <= 24
            )
        ):
            yield index


def _named_price(layout: Layout, index: int) -> bool:
    chain = layout.ancestors(layout.owners[index], 3)
    return any(layout.elements[around].own & Standing.PRICE for around in chain)


def _smallest_price(layout: Layout, index: int, hints: Hints) -> tuple[int, ParsedPrice | None]:
    """Return the innermost element about a text that reads as one price with its currency, else without."""
    leave_out = Standing.NONE if layout.standings[index] & Standing.STRUCK else Standing.STRUCK
    bare: tuple[int, ParsedPrice | None] = (layout.owners[index], None)
    for level, element in enumerate(layout.ancestors(layout.owners[index], 5)):
        own = layout.elements[element]
        if own.end - own.start > 12:
            break
        if level and not _is_one_number(layout, index, element, leave_out):
            break
        text = layout.text_of(element, limit=MAX_TEXT, leave_out=leave_out)
        if len(text) > MAX_TEXT or (level and len(re.findall(r"\d[\d\s.,'’]*", text)) > 2):
            break
        if not _has_currency(text):
            if level == 0 or (bare[1] is not None and own.end - own.start <= 3):
                parsed = read_visible_money(text, hints)
                bare = (element, parsed) if parsed else bare
            continue
        parsed = read_visible_money(text, hints)
        if parsed is not None and parsed.currency_raw:
            return element, parsed
    if (
        bare[1] is not None
        and _named_price(layout, index)
        and re.fullmatch(r"\D{0,12}\d[\d\s.,'’٫٬]*\D{0,6}", layout.texts[index])
        and "%" not in layout.texts[index]
    ):
        return bare
    return bare[0], None


def _is_one_number(layout: Layout, index: int, element: int, leave_out: int) -> bool:
    """Return whether the digits of an element are one number: the text's, and decimals set apart."""
    own = layout.elements[element]
    for other in range(own.start, own.end):
        text = layout.texts[other]
        if other == index or not layout.have_digits[other] or layout.standings[other] & leave_out:
            continue
        if not _PIECE.fullmatch(text) and not _PIECE.fullmatch(layout.texts[index]):
            return False
    return True


def _score(layout: Layout, index: int, element: int, parsed: ParsedPrice) -> float:
    standing = layout.standings[index]
    near = list(layout.ancestors(element, 4))
    named = Standing.NONE
    for around in near:
        named |= layout.elements[around].own
    score = 0.5 * bool(parsed.currency_raw) + 1.0 * bool(named & Standing.PRICE)
    own = layout.elements[element].own | layout.elements[layout.owners[index]].own
    score += 0.7 * bool(own & Standing.CURRENT) + 0.2 * bool(named & Standing.CURRENT & ~own)
    score -= 0.5 * bool((own | layout.elements[layout.elements[element].parent].own) & Standing.REGULAR)
    score -= 3.0 * bool(standing & Standing.ASIDE) + 1.0 * bool(standing & Standing.LINK)
    score -= 1.5 * bool(standing & Standing.CAROUSEL)
    score -= 4.0 * bool(standing & Standing.STRUCK) + 1.2 * bool(standing & Standing.HIDDEN)
    score -= 1.0 * bool((standing | named) & Standing.CHOICE)
    score -= 1.8 * bool(standing & Standing.OTHER_AMOUNT)
    score -= 5.0 * (parsed.amount == 0)
    before, after, own_text = _context(layout, index)
    element_text = layout.text_of(element, limit=MAX_TEXT)
    if _begins_with_unit(after) or _names_unit(own_text) or _names_unit(element_text):
        score -= 1.5
    if _names_other_amount(before) or _names_other_amount(own_text) or _names_other_amount(element_text):
        score -= 1.8
    elif _names_current(before) or _names_current(own_text):
        score += 0.6
    if re.match(r"^[+(−–-]\s*\D{0,4}\d", own_text):
        score -= 1.0
    return score


def _context(layout: Layout, index: int) -> tuple[str, str, str]:
    """Return the text before, the text after and the text itself; what is long is no label."""
    texts = layout.texts
    before = texts[index - 1] if index and len(texts[index - 1]) <= 40 else ""
    if before and _CURRENCY.fullmatch(before) and index > 1 and len(texts[index - 2]) <= 40:
        before = texts[index - 2]
    if _DIGIT.search(before):
        before = ""  # it labels what stands in it
    after = texts[index + 1] if index + 1 < len(texts) and len(texts[index + 1]) <= 30 else ""
    return before, after, texts[index]


def _nearness(index: int, title_at: int | None, button_at: int | None) -> float:
    score = 0.0
    if title_at is not None:
        distance = index - title_at
        score += 2.2 * math.exp(-distance / 40) if distance >= 0 else 1.2 * math.exp(distance / 30)
        score -= 0.7 * (1 - math.exp(-abs(distance) / 120))
    else:
        score += 1.5 * math.exp(-index / 400)
    if button_at is not None:
        score += 0.9 * math.exp(-abs(index - button_at) / 20)
    return score


def _signature(layout: Layout, element: int) -> tuple[str, ...]:
    return tuple(
        f"{own.tag}.{own.names}" for own in (layout.elements[around] for around in layout.ancestors(element, 3))
    )


def _regular_put_back(layout: Layout, prices: list[ShownPrice]) -> list[ShownPrice]:
    """Hold a price back that stands beside a lower one when it is named the regular one, or is the dearer of a pair."""
    result: list[ShownPrice] = []
    for price in prices:
        named = Standing.NONE
        for around in layout.ancestors(layout.owners[price.text], 2):
            named |= layout.elements[around].own
        is_regular = bool(named & Standing.REGULAR) and any(
            other.amount < price.amount <= other.amount * 10 and abs(other.text - price.text) <= 4 and not other.is_old
            and other.score > 1.5 and not layout.standings[other.text] & Standing.CHOICE for other in prices
        )  # fmt: skip
        result.append(
            ShownPrice(
                price.amount,
                price.currency,
                price.raw,
                price.score - 1.5 * is_regular,
                price.text,
                price.is_old or is_regular,
                price.place,
            )
        )
    return result


def list_price_beside(prices: list[ShownPrice], chosen: ShownPrice) -> ShownPrice | None:
    """Return the old price that stands beside the chosen one; it is the dearer, and not out of proportion."""
    beside = [
        price for price in prices
        if price.is_old and chosen.amount < price.amount <= chosen.amount * 20 and abs(price.text - chosen.text) <= 8
    ]  # fmt: skip
    return min(beside, key=lambda price: abs(price.text - chosen.text), default=None)
