"""Currencies: which codes there are, and how many decimals their prices have."""

from functools import cache

from babel.numbers import list_currencies

# The minor units of ISO 4217 list one, where they are not two.
_MINOR_DIGITS = {
    code: digits
    for digits, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
# Units worth less than about a tenth of a euro (European Central Bank and IMF, reference rates of 2025): what costs
# 20 euros has a price of three digits or more there, and 9,999 is an everyday price.
_SMALL = """
    AFN ALL AMD AOA ARS BDT BIF BTN CDF CLP COP CRC CVE CZK DJF DOP DZD EGP ETB GMD GNF GYD HTG HUF IDR INR IQD IRR
    ISK JMD JPY KES KGS KHR KMF KPW KRW KZT LAK LBP LKR LRD LSL MGA MKD MMK MNT MUR MVR MWK MXN MZN NAD NGN NIO
    NPR PHP PKR PYG RSD RUB RWF SDG SLE SLL SOS SSP STN SYP SZL THB TRY TWD TZS UAH UGX UYU UZS VES VND VUV XAF XOF
    XPF YER ZAR ZMW ZWG ZWL BWP HNL MDL NOK SCR SEK SRD TJS
"""
_SMALL_UNITS = frozenset(_SMALL.split())


def is_currency(code: str) -> bool:
    """Tell whether ISO 4217 has, or had, this code."""
    return code in _codes()


def minor_digits(code: str) -> int:
    """Return how many decimals the prices of a currency have."""
    return _MINOR_DIGITS.get(code, 2)


def has_small_unit(code: str) -> bool:
    """Tell whether one unit is worth so little that everyday prices have four digits."""
    return code in _SMALL_UNITS


@cache
def _codes() -> frozenset[str]:
    """Return the codes of ISO 4217 as CLDR lists them, those that are no more in use too."""
    return frozenset(list_currencies())
