"""Currencies: the ISO 4217 code that a sign, a word or a code names. None is ever guessed.

A sign that several currencies use (`$`, `kr`, `¥`, `£`) names none until the page decides between them: by the
currency that it states, or by the region of its language tag.

Sources: ISO 4217 list one (codes, minor units), Unicode CLDR 45 (symbols and narrow symbols, regions), and for words
price-parser's list of national symbols.
"""

import re
from functools import lru_cache

from catalog.extraction.currency_signs import AMBIGUOUS, CERTAIN, NEEDS_PROOF
from catalog.extraction.locales import split_locale
from catalog.extraction.word_lists import word_set

MAX_TEXT = 10_000

# Each currency with the regions that pay in it.
REGIONS = {
    code: frozenset(regions.split())
    for code, regions in {
        "AED": "AE", "AFN": "AF", "ALL": "AL", "AMD": "AM", "AOA": "AO", "ARS": "AR", "AUD": "AU CC CX KI NF NR TV HM",
        "AWG": "AW", "AZN": "AZ", "BAM": "BA", "BBD": "BB", "BDT": "BD", "BHD": "BH", "BIF": "BI", "BMD": "BM",
        "BND": "BN", "BOB": "BO", "BRL": "BR", "BSD": "BS", "BTN": "BT", "BWP": "BW", "BYN": "BY", "BZD": "BZ",
        "CAD": "CA", "CDF": "CD", "CHF": "CH LI", "CLP": "CL", "CNY": "CN", "COP": "CO", "CRC": "CR", "CUP": "CU",
        "CVE": "CV", "CZK": "CZ", "DJF": "DJ", "DKK": "DK FO GL", "DOP": "DO", "DZD": "DZ", "EGP": "EG", "ERN": "ER",
        "ETB": "ET", "EUR": "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT RE "
        "SI SK SM VA XK YT", "FJD": "FJ", "FKP": "FK", "GBP": "GB UK GG IM JE", "GEL": "GE", "GHS": "GH", "GIP": "GI",
        "GMD": "GM", "GNF": "GN", "GTQ": "GT", "GYD": "GY", "HKD": "HK", "HNL": "HN", "HTG": "HT", "HUF": "HU",
        "IDR": "ID", "ILS": "IL PS", "INR": "IN", "IQD": "IQ", "IRR": "IR", "ISK": "IS", "JMD": "JM", "JOD": "JO",
        "JPY": "JP", "KES": "KE", "KGS": "KG", "KHR": "KH", "KMF": "KM", "KPW": "KP", "KRW": "KR", "KWD": "KW",
        "KYD": "KY", "KZT": "KZ", "LAK": "LA", "LBP": "LB", "LKR": "LK", "LRD": "LR", "LSL": "LS", "LYD": "LY",
        "MAD": "MA EH", "MDL": "MD", "MGA": "MG", "MKD": "MK", "MMK": "MM", "MNT": "MN", "MOP": "MO", "MRU": "MR",
        "MUR": "MU", "MVR": "MV", "MWK": "MW", "MXN": "MX", "MYR": "MY", "MZN": "MZ", "NAD": "NA", "NGN": "NG",
        "NIO": "NI", "NOK": "NO SJ BV", "NPR": "NP", "NZD": "NZ CK NU PN TK", "OMR": "OM", "PAB": "", "PEN": "PE",
        "PGK": "PG", "PHP": "PH", "PKR": "PK", "PLN": "PL", "PYG": "PY", "QAR": "QA", "RON": "RO", "RSD": "RS",
        "RUB": "RU", "RWF": "RW", "SAR": "SA", "SBD": "SB", "SCR": "SC", "SDG": "SD", "SEK": "SE", "SGD": "SG",
        "SHP": "SH", "SLE": "SL", "SOS": "SO", "SRD": "SR", "SSP": "SS", "STN": "ST", "SVC": "", "SYP": "SY",
        "SZL": "SZ", "THB": "TH", "TJS": "TJ", "TMT": "TM", "TND": "TN", "TOP": "TO", "TRY": "TR", "TTD": "TT",
        "TWD": "TW", "TZS": "TZ", "UAH": "UA", "UGX": "UG", "USD": "US AS EC FM GU MH MP PA PR PW SV TC TL UM VG VI",
        "UYU": "UY", "UZS": "UZ", "VED": "", "VES": "VE", "VND": "VN", "VUV": "VU", "WST": "WS",
        "XAF": "CM CF TD CG GQ GA", "XCD": "AG DM GD KN LC VC AI MS", "XCG": "CW SX", "XOF": "BJ BF CI GW ML NE SN TG",
        "XPF": "NC PF WF", "YER": "YE", "ZAR": "ZA", "ZMW": "ZM", "ZWG": "ZW",
        # withdrawn, but still met on pages
        "ANG": "", "BGN": "", "BYR": "", "CUC": "", "HRK": "", "LTL": "", "LVL": "", "EEK": "", "MRO": "", "SLL": "",
        "STD": "", "VEF": "", "ZMK": "", "ZWL": "", "TRL": "", "ROL": "",
    }.items()
}  # fmt: skip
CODES = frozenset(REGIONS)
_OF_REGION = {region: code for code, regions in REGIONS.items() for region in regions}

# A language of one country, among those that have a sign in common.
_OF_LANGUAGE = {
    "hu": "HUF",
    "ja": "JPY",
    "sv": "SEK",
    "da": "DKK",
    "nb": "NOK",
    "nn": "NOK",
    "no": "NOK",
    "is": "ISK",
    "fo": "DKK",
}

# Codes that are words too: alone with a number they are currencies, amid other words only with proof.
WORDY_CODES = word_set("ALL AMD ANG BAM CAD COP CUP ERN GEL LAK MAD MOP PEN SOS STD TOP TRY")

# ISO 4217 minor units, other than two; in the second line those that shops do not print (CLDR: digits 0).
_ZERO = word_set(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF "
    "COP CRC HUF IDR IQD IRR KHR KPW LAK LBP MGA MMK MNT SOS SYP TZS UZS AFN ALL YER BYR"
)
_THREE = word_set("BHD JOD KWD LYD OMR TND")

# The sign that begins the decimals where the currency is at home. EUR: all but Ireland, Malta and Cyprus.
_DOT_HOMES = word_set(
    "AED AUD BBD BDT BHD BMD BND BSD BWP BZD CAD CHF CNY DOP EGP ETB FJD GBP GHS GTQ HKD HNL ILS INR JMD JOD JPY KES "
    "KRW KWD KYD LKR LRD MOP MUR MVR MWK MXN MYR NAD NGN NIO NPR NZD OMR PAB PEN PGK PHP PKR QAR SAR SBD SGD THB TTD "
    "TWD TZS UGX USD XCD ZMW ZWL"
)
_COMMA_HOMES = word_set(
    "ALL AOA ARS AZN BAM BGN BOB BRL BYN CLP COP CRC CVE CZK DKK DZD EUR GEL HRK HUF IDR ISK KGS KZT LYD MAD MDL MKD "
    "MZN NOK PLN PYG RON RSD RUB SEK TND TRY UAH UYU UZS VES VND XAF XOF XPF"
)

_LONGEST = max(map(len, [*CERTAIN, *AMBIGUOUS, *NEEDS_PROOF]))
_APART = re.compile(r"(?<![^\W\d_])[A-Za-z]{1,3} [$£¥]$")
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_ANY_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted({*CERTAIN, *AMBIGUOUS}, key=len, reverse=True)))


def minor_digits(currency: str) -> int | None:
    """Return how many decimals prices in a currency have in its shops; None for an unknown currency."""
    if currency not in CODES:
        return None
    return 0 if currency in _ZERO else 3 if currency in _THREE else 2


def home_separator(currency: str) -> str:
    """Return the sign that begins the decimals where a currency is at home, empty where that is not known."""
    return "." if currency in _DOT_HOMES else "," if currency in _COMMA_HOMES else ""


def currency_of(text: str, *, locale_hint: str | None = None) -> str:
    """Return the one currency that a text names by code, sign or word, else an empty string.

    locale_hint, a language tag with a region (`en-CA`) or a region (`CA`), decides between the currencies of one sign.
    """
    text = text[:MAX_TEXT]
    stripped = text.strip()
    if stripped.upper() in CODES:
        return stripped.upper()
    codes = {code for code in _CODE.findall(text) if code in CODES and code not in WORDY_CODES}
    if codes:
        return codes.pop() if len(codes) == 1 else ""
    found = {resolve_sign(sign, locale_hint=locale_hint) for sign in _signs_in(text)}
    return found.pop() if len(found) == 1 else ""


def resolve_sign(sign: str, *, currency_hint: str = "", locale_hint: str | None = None) -> str:
    """Return the code that a sign stands for, empty while several are possible; currency_hint is a code."""
    sign = _key(sign)
    if sign in CERTAIN:
        return CERTAIN[sign]
    if sign.upper() in CODES:
        return sign.upper()
    candidates = AMBIGUOUS.get(sign) or NEEDS_PROOF.get(sign, frozenset())
    if currency_hint in candidates:
        return currency_hint
    language, region = split_locale(locale_hint)
    local = _OF_REGION.get(region, "") if region else _OF_LANGUAGE.get(language, "")
    return local if local in candidates else ""


def is_certain(sign: str) -> bool:
    """Tell whether a sign stands for one currency wherever it is met."""
    return _key(sign) in CERTAIN or _is_code(sign)


def candidates_of(sign: str) -> frozenset[str]:
    """Return every currency that a sign may stand for."""
    sign = _key(sign)
    if sign in CERTAIN:
        return frozenset({CERTAIN[sign]})
    if sign.upper() in CODES:
        return frozenset({sign.upper()})
    return AMBIGUOUS.get(sign) or NEEDS_PROOF.get(sign, frozenset())


def needs_proof(sign: str) -> bool:
    """Tell whether a sign is another word as well, so that alone it names no currency."""
    return _key(sign) in NEEDS_PROOF


@lru_cache(maxsize=8_192)
def sign_before(text: str) -> str:
    """Return the currency sign, word or code that a text ends with, as written; else an empty string."""
    apart = _APART.search(text)  # `US $`, `C $`
    if apart and _is_sign(apart.group()):
        return apart.group()
    for length in range(min(_LONGEST, len(text)), 0, -1):
        sign = text[-length:]
        if _is_sign(sign) and not (_is_spelled(sign[0]) and _is_spelled(text[-length - 1 : -length])):
            return sign
    return ""


@lru_cache(maxsize=8_192)
def sign_after(text: str) -> str:
    """Return the currency sign, word or code that a text begins with, as written; else an empty string."""
    for length in range(min(_LONGEST, len(text)), 0, -1):
        sign = text[:length]
        if _is_sign(sign) and not (_is_spelled(sign[-1]) and _is_spelled(text[length : length + 1])):
            return sign
    return ""


def _is_spelled(letter: str) -> bool:
    """Tell whether a letter belongs to a script that sets spaces between words."""
    return letter.isalpha() and (letter < "\u0e00" or "\u1e00" <= letter < "\u2000")


def _is_sign(sign: str) -> bool:
    key = _key(sign)
    return key in CERTAIN or key in AMBIGUOUS or key in NEEDS_PROOF or (len(sign) == 3 and _is_code(sign))


def _is_code(sign: str) -> bool:
    return sign in CODES or (sign.upper() in CODES and sign.upper() not in WORDY_CODES)


def _key(sign: str) -> str:
    """Return a sign as the tables spell it: one of a single letter or two keeps its case, a longer one is folded."""
    if " " in sign and _APART.fullmatch(sign):
        sign = sign.replace(" ", "")
    return sign if sign in CERTAIN or sign in AMBIGUOUS or sign in NEEDS_PROOF else sign.casefold()


def _signs_in(text: str) -> list[str]:
    found = []
    for match in _ANY_SIGN.finditer(text):
        sign, before, after = (
            match.group(),
            text[max(match.start() - 1, 0) : match.start()],
            text[match.end() : match.end() + 1],
        )
        if not (_is_spelled(sign[0]) and _is_spelled(before)) and not (_is_spelled(sign[-1]) and _is_spelled(after)):
            found.append(sign)
    return found
