"""Prices: what is one, how much, in which currency, and that none is guessed."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_parser import Price

from catalog.extraction.prices import MAX_AMOUNT, currency_of, parse_number, parse_price

# Amount and currency of texts that need no hint.
CERTAIN = [
    # codes, on either side
    ("USD 12", "12", "USD"),
    ("12 USD", "12", "USD"),
    ("USD12.50", "12.50", "USD"),
    ("12.50USD", "12.50", "USD"),
    ("usd 12", "12", "USD"),
    ("EUR 1.299,00", "1299.00", "EUR"),
    ("CHF 19.—", "19", "CHF"),
    ("CHF 1'234.50", "1234.50", "CHF"),
    ("1’234.50 CHF", "1234.50", "CHF"),
    ("SEK 1 299", "1299", "SEK"),
    ("PLN 49,99", "49.99", "PLN"),
    ("AED 1,250.00", "1250.00", "AED"),
    ("US$ 12 USD", "12", "USD"),
    ("R$ 12 BRL", "12", "BRL"),
    ("$12.99 (USD)", "12.99", "USD"),
    ("$12.99 CAD", "12.99", "CAD"),
    ("kr 129 SEK", "129", "SEK"),
    ("USD: 12.99", "12.99", "USD"),
    ("Price in USD: 12.99", "12.99", "USD"),
    ("12 BAM", "12", "BAM"),
    ("120 TRY", "120", "TRY"),
    ("PEN 45.90", "45.90", "PEN"),
    # signs that one currency uses
    ("12.99 €", "12.99", "EUR"),
    ("12,99 €", "12.99", "EUR"),
    ("€12,99", "12.99", "EUR"),
    ("€ 12", "12", "EUR"),
    ("12€", "12", "EUR"),
    ("12,99 Euro", "12.99", "EUR"),
    ("1.234,56 €", "1234.56", "EUR"),
    ("1 234,56 €", "1234.56", "EUR"),
    ("1\u00a0234,56\u00a0€", "1234.56", "EUR"),
    ("1\u2009234,56 €", "1234.56", "EUR"),
    ("1\u202f234,56 €", "1234.56", "EUR"),
    ("34.000 €", "34000", "EUR"),
    ("34,000 €", "34000", "EUR"),
    ("1.234.567 €", "1234567", "EUR"),
    ("1,234,567.89 €", "1234567.89", "EUR"),
    ("12 990 ₽", "12990", "RUB"),
    ("12990₽", "12990", "RUB"),
    ("249 ₽/шт", "249", "RUB"),
    ("1 499 ₴", "1499", "UAH"),
    ("1 499 грн", "1499", "UAH"),
    ("1499 грн.", "1499", "UAH"),
    ("₺1.299,90", "1299.90", "TRY"),
    ("1.299,90 TL", "1299.90", "TRY"),
    ("₹ 1,23,456.00", "123456.00", "INR"),
    ("₹12,34,567", "1234567", "INR"),
    ("₩12,000", "12000", "KRW"),
    ("12,000원", "12000", "KRW"),
    ("1,980円", "1980", "JPY"),
    ("税込1,980円", "1980", "JPY"),
    ("1,980円(税込)", "1980", "JPY"),
    ("฿1,290.00", "1290.00", "THB"),
    ("1,290 บาท", "1290", "THB"),
    ("1.290.000 ₫", "1290000", "VND"),
    ("1.290.000đ", "1290000", "VND"),
    ("290.000 VNĐ", "290000", "VND"),
    ("Rp 12.000", "12000", "IDR"),
    ("Rp12.000,00", "12000.00", "IDR"),
    ("RM 12.90", "12.90", "MYR"),
    ("RM1,299.00", "1299.00", "MYR"),
    ("₱1,299.00", "1299.00", "PHP"),
    ("₦12,500", "12500", "NGN"),
    ("₪ 129.90", "129.90", "ILS"),
    ("129.90 ש״ח", "129.90", "ILS"),
    ("R$ 1.234,56", "1234.56", "BRL"),
    ("R$34,90", "34.90", "BRL"),
    ("S/ 129.90", "129.90", "PEN"),
    ("zł 49,99", "49.99", "PLN"),
    ("49,99 zł", "49.99", "PLN"),
    ("1 299,00 zł", "1299.00", "PLN"),
    ("1 299 Kč", "1299", "CZK"),
    ("12 990 Ft", "12990", "HUF"),
    ("12.990 Ft", "12990", "HUF"),
    ("₸ 12 990", "12990", "KZT"),
    ("12 990 тг", "12990", "KZT"),
    ("₲ 150.000", "150000", "PYG"),
    ("₡12.500", "12500", "CRC"),
    ("৳ 1,250", "1250", "BDT"),
    ("99,00 лв.", "99.00", "BGN"),
    ("2.499,00 din.", "2499.00", "RSD"),
    ("1.500 ден.", "1500", "MKD"),
    # dollars and others that name their country
    ("US$12.99", "12.99", "USD"),
    ("U$S 120", "120", "USD"),
    ("AU$ 12", "12", "AUD"),
    ("A$12.50", "12.50", "AUD"),
    ("CA$12.50", "12.50", "CAD"),
    ("NZ$ 12", "12", "NZD"),
    ("HK$1,280", "1280", "HKD"),
    ("NT$ 1,280", "1280", "TWD"),
    ("S$12.90", "12.90", "SGD"),
    ("MX$ 1,299.00", "1299.00", "MXN"),
    ("CN¥ 128", "128", "CNY"),
    # other digits and separators
    ("١٢٣٫٤٥ ر.س", "123.45", "SAR"),
    ("١٬٢٣٤٫٥٠ د.إ", "1234.50", "AED"),
    ("۱۲۳ €", "123", "EUR"),
    ("₹ १,२३४.५०", "1234.50", "INR"),
    ("৳ ১,২৫০", "1250", "BDT"),
    ("１２，９９０円", "12990", "JPY"),
    ("19⁹⁹ €", "19.99", "EUR"),
    ("د.ك 12.500", "12.500", "KWD"),
    # three decimals
    ("12.500 KWD", "12.500", "KWD"),
    ("BHD 1.250", "1.250", "BHD"),
    ("1,250 KWD", "1250", "KWD"),
    ("1,250.500 OMR", "1250.500", "OMR"),
    ("12,500 TND", "12.500", "TND"),
    ("1.250,000 TND", "1250.000", "TND"),
    # no decimals
    ("JPY 1.980", "1980", "JPY"),
    ("CLP 12.990", "12990", "CLP"),
    ("34.000 COP", "34000", "COP"),
    ("ISK 12.990", "12990", "ISK"),
    # cents apart, and none
    ("35€99", "35.99", "EUR"),
    ("35€ 99", "35.99", "EUR"),
    ("1 235€99", "1235.99", "EUR"),
    ("19 99 €", "19.99", "EUR"),
    ("€ 19 99", "19.99", "EUR"),
    ("19,- €", "19", "EUR"),
    ("1.299,- €", "1299", "EUR"),
    ("€ 19,–", "19", "EUR"),
    ("€ .75", "0.75", "EUR"),
    ("99 €, 79 €", "99", "EUR"),
    ("12 € 13 €", "12", "EUR"),
    ("35€ 999", "35", "EUR"),
    # ranges, from
    ("10-20 €", "10", "EUR"),
    ("10 € - 20 €", "10", "EUR"),
    ("€10 – €20", "10", "EUR"),
    ("20 € bis 10 €", "10", "EUR"),
    ("10 à 20 €", "10", "EUR"),
    ("от 990 до 1 990 ₽", "990", "RUB"),
    ("ab 12,99 €", "12.99", "EUR"),
    ("from €12.99", "12.99", "EUR"),
    ("à partir de 12,99 €", "12.99", "EUR"),
    ("от 1 990 ₽", "1990", "RUB"),
    ("1.299,- – 1.499,- €", "1299", "EUR"),
    ("€1,980～€2,980", "1980", "EUR"),
    # former prices, unit prices, instalments, shipping
    ("statt 20 € 15 €", "15", "EUR"),
    ("Was €20 Now €15", "15", "EUR"),
    ("UVP 20,00 € 15,00 €", "15.00", "EUR"),
    ("15 € statt 20 €", "15", "EUR"),
    ("was €20", "20", "EUR"),
    ("12,99 €/kg", "12.99", "EUR"),
    ("12,99 € (2,60 €/100 g)", "12.99", "EUR"),
    ("(2,60 €/100 g) 12,99 €", "12.99", "EUR"),
    ("500 g 12,99 €", "12.99", "EUR"),
    ("R$ 1.199 em 12x de R$ 99,90", "1199", "BRL"),
    ("12x de R$ 99,90 ou R$ 1.199", "1199", "BRL"),
    ("12,99 € zzgl. Versand", "12.99", "EUR"),
    ("€ 12,99 incl. btw", "12.99", "EUR"),
    ("12,99 €*", "12.99", "EUR"),
    ("Preis:12,99 €", "12.99", "EUR"),
    ("Save €5 €15", "15", "EUR"),
    ("-20 % 15 €", "15", "EUR"),
    ("15 € (-20%)", "15", "EUR"),
    ("997 zł /szt. 1 148 zł /szt. taniej o 151 zł", "997", "PLN"),
    ("1 148 zł /szt. taniej o 151 zł", "1148", "PLN"),
    ("bez DPH 4386,00 € s DPH 5263,20 €", "5263.20", "EUR"),
    ("30,48 € Cena bez DPH 25,40 €", "30.48", "EUR"),
    ("25,40 € excl. VAT 30,48 € incl. VAT", "30.48", "EUR"),
    ("25,40 € excl. VAT", "25.40", "EUR"),
    ("25 ر.س27 ر.س", "25", "SAR"),
    ("€25 €27", "25", "EUR"),
    ("US $3.49", "3.49", "USD"),
    ("AU $3.49/ea", "3.49", "AUD"),
    ("Approximately US $2.66(including shipping)", "2.66", "USD"),
    ("AU $12.50", "12.50", "AUD"),
    ("€9.99 / month", "9.99", "EUR"),
    ("€ 99 or € 9.99/mo", "99", "EUR"),
    ("881,00 169,00 Kn", "169.00", "HRK"),
    ("270,00 Kn 540,00 Kn", "270.00", "HRK"),
    # multiples
    ("1,5 млн ₽", "1500000.0", "RUB"),
    ("₹ 1.5 lakh", "150000.0", "INR"),
    ("₹ 2 crore", "20000000", "INR"),
    ("Rp 1,5 juta", "1500000.0", "IDR"),
]  # fmt: skip

# Texts with a sign that several currencies share: text, hints, amount, currency.
SHARED = [
    ("$12.99", {}, "12.99", ""),
    ("$12.99", {"currency_hint": "USD"}, "12.99", "USD"),
    ("$12.99", {"currency_hint": "CAD"}, "12.99", "CAD"),
    ("$12.99", {"currency_hint": "EUR"}, "12.99", ""),
    ("$12.99", {"currency_hint": "$"}, "12.99", ""),
    ("$12.99", {"currency_hint": "$", "locale_hint": "en-US"}, "12.99", "USD"),
    ("$12.99", {"locale_hint": "en-US"}, "12.99", "USD"),
    ("$12.99", {"locale_hint": "en_AU"}, "12.99", "AUD"),
    ("$12.99", {"locale_hint": "CA"}, "12.99", "CAD"),
    ("$12.99", {"locale_hint": "en"}, "12.99", ""),
    ("$12.99", {"locale_hint": "de-DE"}, "12.99", ""),
    ("$12.99", {"locale_hint": "nonsense-tag-of-much-length-and-no-sense-at-all"}, "12.99", ""),
    ("$ 1.299", {"locale_hint": "es-AR"}, "1299", "ARS"),
    ("$1,299", {"locale_hint": "es-MX"}, "1299", "MXN"),
    ("$34.000", {"locale_hint": "es-CO"}, "34000", "COP"),
    ("$34.000", {"locale_hint": "es-CL"}, "34000", "CLP"),
    ("$34.000", {"locale_hint": "en-US"}, "34.000", "USD"),
    ("$34.000", {}, "34000", ""),
    ("$1,980", {"locale_hint": "zh-Hant-TW"}, "1980", "TWD"),
    ("C $19.95", {"locale_hint": "en-CA"}, "19.95", "CAD"),
    ("C $19.95", {}, "19.95", ""),
    ("£5", {}, "5", ""),
    ("£5", {"locale_hint": "en"}, "5", ""),
    ("£5", {"locale_hint": "en-GB"}, "5", "GBP"),
    ("£5", {"locale_hint": "ar-EG"}, "5", "EGP"),
    ("£5.99", {"currency_hint": "GBP"}, "5.99", "GBP"),
    ("¥1,980", {}, "1980", ""),
    ("¥1,980", {"locale_hint": "ja"}, "1980", "JPY"),
    ("￥1,980", {"locale_hint": "ja-JP"}, "1980", "JPY"),
    ("¥128.00", {"locale_hint": "zh-CN"}, "128.00", "CNY"),
    ("128元", {"locale_hint": "zh-CN"}, "128", "CNY"),
    ("128元", {"locale_hint": "zh-TW"}, "128", "TWD"),
    ("128元", {}, "128", ""),
    ("kr 1.299,-", {}, "1299", ""),
    ("kr 1.299,-", {"locale_hint": "da"}, "1299", "DKK"),
    ("1 299 kr", {"locale_hint": "sv-SE"}, "1299", "SEK"),
    ("1 234,56 kr", {"locale_hint": "nb-NO"}, "1234.56", "NOK"),
    ("1.299 kr.", {"locale_hint": "is-IS"}, "1299", "ISK"),
    ("199:-", {"currency_hint": "SEK"}, "199", "SEK"),
    ("199 kr", {"currency_hint": "SEK"}, "199", "SEK"),
    ("Rs. 1,299", {}, "1299", ""),
    ("Rs. 1,299", {"locale_hint": "en-IN"}, "1299", "INR"),
    ("Rs.1,299.00", {"locale_hint": "en-PK"}, "1299.00", "PKR"),
    ("₨ 1,299", {"locale_hint": "ne-NP"}, "1299", "NPR"),
    ("120 руб.", {}, "120", ""),
    ("120 руб.", {"locale_hint": "ru-RU"}, "120", "RUB"),
    ("12,50 руб.", {"locale_hint": "be-BY"}, "12.50", "BYN"),
    ("5 руб. 50 коп.", {"locale_hint": "ru-RU"}, "5.50", "RUB"),
    ("1 990 р.", {"currency_hint": "RUB"}, "1990", "RUB"),
    ("49,99 lei", {}, "49.99", ""),
    ("49,99 lei", {"locale_hint": "ro-RO"}, "49.99", "RON"),
    ("49,99 lei", {"locale_hint": "ro-MD"}, "49.99", "MDL"),
    ("120 DH", {"locale_hint": "fr-MA"}, "120", "MAD"),
    ("120 Dhs", {"locale_hint": "en-AE"}, "120", "AED"),
    ("R 1,299.00", {"locale_hint": "en-ZA"}, "1299.00", "ZAR"),
    ("R1299", {"currency_hint": "ZAR"}, "1299", "ZAR"),
    ("Q 129.00", {"locale_hint": "es-GT"}, "129.00", "GTQ"),
    ("1.500 DA", {"locale_hint": "fr-DZ"}, "1500", "DZD"),
    ("45,000 DT", {"locale_hint": "fr-TN"}, "45.000", "TND"),
    ("٥٠ ريال", {"locale_hint": "ar-SA"}, "50", "SAR"),
    ("٥٠ ريال", {}, "50", ""),
    ("۵۰۰۰۰ تومان", {"locale_hint": "fa-IR"}, "50000", ""),
    ("15 000 FCFA", {"locale_hint": "fr-SN"}, "15000", "XOF"),
    ("Fr. 19.90", {"locale_hint": "de-CH"}, "19.90", "CHF"),
    ("Bs. 120", {"locale_hint": "es-BO"}, "120", "BOB"),
    ("99¢", {}, "0.99", ""),
    ("99¢", {"currency_hint": "USD"}, "0.99", "USD"),
    ("12 € ", {"currency_hint": "USD"}, "12", "EUR"),
    ("AU$ 12", {"currency_hint": "USD"}, "12", "AUD"),
    ("12 $ 13 $", {"locale_hint": "fr-CA"}, "12", "CAD"),
    ("$12 $13", {"locale_hint": "en-US"}, "12", "USD"),
    # no sign at all: the page's currency, if it says one
    ("12.99", {}, "12.99", ""),
    ("12.99", {"currency_hint": "EUR"}, "12.99", "EUR"),
    ("12.99", {"currency_hint": "eur"}, "12.99", "EUR"),
    ("12.99", {"currency_hint": "€"}, "12.99", "EUR"),
    ("12.99", {"locale_hint": "de-DE"}, "12.99", ""),
    ("12.99", {"currency_hint": "Dogecoin"}, "12.99", ""),
    ("12.99", {"currency_hint": "kr", "locale_hint": "sv-SE"}, "12.99", "SEK"),
    ("34.000", {}, "34000", ""),
    ("34.000", {"decimal_hint": "."}, "34.000", ""),
    ("34,000", {"decimal_hint": "."}, "34000", ""),
    ("34.000", {"decimal_hint": ","}, "34000", ""),
    ("34.000", {"currency_hint": "COP", "decimal_hint": "."}, "34.000", "COP"),
    ("34.000", {"currency_hint": "USD", "locale_hint": "en-US"}, "34.000", "USD"),
    ("34.000", {"currency_hint": "EUR", "locale_hint": "en-US"}, "34000", "EUR"),
    ("34,000", {"currency_hint": "EUR", "locale_hint": "de-DE"}, "34.000", "EUR"),
    ("1.0E2", {"currency_hint": "USD"}, "100", "USD"),
    ("0.125", {"currency_hint": "EUR"}, "0.125", "EUR"),
    ("3,0000", {}, "3.0000", ""),
    ("1234.567", {}, "1234.567", ""),
    ("from 12.99", {}, "12.99", ""),
    ("Our price: 12.99 incl. VAT", {}, "12.99", ""),
    ("Preis 1.234,56", {}, "1234.56", ""),
    ("Цена: 1 990", {}, "1990", ""),
    ("価格 1,980（税込）", {}, "1980", ""),
    ("199起", {}, "199", ""),
    ("10 - 20", {"currency_hint": "EUR"}, "10", "EUR"),
    ("19,-", {}, "19", ""),
    ("free", {}, "0", ""),
    ("Kostenlos", {"currency_hint": "EUR"}, "0", "EUR"),
    ("無料", {}, "0", ""),
    ("0", {}, "0", ""),
    ("0,00 €", {}, "0.00", "EUR"),
    ("99999999999999 €", {}, "99999999999999", "EUR"),
]

NO_PRICES = [
    "", " ", "on request", "Preis auf Anfrage", "€", "$", "EUR", "-", "N/A", "NaN", "null", "∞",
    "20%", "-20%", "- 20 %", "%20", "20 % off", "٢٠٪", "5 % Rabatt",
    "4.5/5", "4.5 / 5", "4,5 von 5 Sternen", "4.5 out of 5 stars", "4.5 (123)", "123 reviews", "5 stars",
    "-20 €", "-$5", "(-5 €)", "- 5 €",
    "2 for 5", "2 for £5", "3 für 10 €", "2/$5", "5 € for 2", "3 x 4 €", "12x de R$ 99,90", "2 за 500 ₽",
    "You save $5", "Save €5", "$5 off", "5 € Rabatt", "Free shipping over $50", "Versand 4,95 €", "Скидка 500 ₽",
    "free shipping", "kostenloser Versand",
    "12.05.2024", "2024-05-12", "12/05/2024", "10:30", "1.2.3", "12٫1.299", "192.168.0.1", "1,2,3", "1.23.45",
    "Size 12", "A12", "12mm", "iPhone 15", "#12", "№ 12", "500 g", "24 h", "3个", "+49 30 123456",
    "4006381333931", "0123456", "12 34 56 78", "1" * 40, "100000000000000 €", "1" * 40 + " €",
]  # fmt: skip


def test_the_tables_hold_more_than_two_hundred_prices() -> None:
    assert len(CERTAIN) + len(SHARED) + len(NO_PRICES) >= 300


@pytest.mark.parametrize(("text", "amount", "currency"), CERTAIN)
def test_a_price_is_read_with_the_currency_that_it_names(text: str, amount: str, currency: str) -> None:
    price = parse_price(text)

    assert price is not None
    assert (price.amount, price.currency) == (Decimal(amount), currency)
    assert price.currency_raw in text or price.currency_raw == "円"
    assert price.raw == text.strip()


@pytest.mark.parametrize(("text", "hints", "amount", "currency"), SHARED)
def test_a_shared_sign_means_what_the_page_says_and_else_nothing(
    text: str, hints: dict[str, str], amount: str, currency: str
) -> None:
    price = parse_price(text, **hints)

    assert price is not None
    assert (price.amount, price.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", NO_PRICES)
def test_what_is_no_price_is_none(text: str) -> None:
    assert parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "hints", "number"),
    [
        ("1,234", {}, "1234"),
        ("12,34", {}, "12.34"),
        ("1.1", {}, "1.1"),
        ("-5", {}, "-5"),
        (".75", {}, "0.75"),
        ("1 234.99", {}, "1234.99"),
        ("1_000", {}, "1000"),
        ("1'234'567.89", {}, "1234567.89"),
        ("140.000", {"decimal_hint": ","}, "140000"),
        ("140.000", {"decimal_hint": "."}, "140.000"),
        ("1.234,5", {"decimal_hint": "."}, "1234.5"),
        ("12.500", {"currency": "KWD"}, "12.500"),
        ("12.500", {"currency": "JPY"}, "12500"),
        ("1,234.567,89", {}, None),
        ("12.3456.789", {}, None),
        ("foo", {}, None),
        ("", {}, None),
        ("12 €", {}, None),
        ("1" * 200, {}, None),
    ],
)
def test_a_number_is_read_as_its_separators_say(text: str, hints: dict[str, str], number: str | None) -> None:
    assert parse_number(text, **hints) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("text", "locale", "currency"),
    [
        ("EUR", None, "EUR"),
        (" eur ", None, "EUR"),
        ("Prices in USD", None, "USD"),
        ("€", None, "EUR"),
        ("all prices in €", None, "EUR"),
        ("USD / EUR", None, ""),
        ("€ or ₽", None, ""),
        ("$", None, ""),
        ("$", "en-CA", "CAD"),
        ("$", "fr", ""),
        ("kr", "sv", "SEK"),
        ("kroner", "nb", "NOK"),
        ("ALL", None, "ALL"),
        ("ALL ABOUT", None, ""),
        ("XYZ", None, ""),
        ("toman", "fa-IR", ""),
        ("", None, ""),
    ],
)
def test_a_currency_is_named_by_code_or_sign(text: str, locale: str | None, currency: str) -> None:
    assert currency_of(text, locale_hint=locale) == currency


@pytest.mark.parametrize(
    "text",
    ["price: $12.99", "1,235 USD", "35€ 99", "1,235€ 99", "$1\xa0298,00", "$.75", "12.99", "1 234.99 €", "140,50 zł"],
)
def test_price_parser_agrees_on_its_own_examples(text: str) -> None:
    price = parse_price(text)

    assert price is not None
    assert price.amount == Price.fromstring(text).amount


PIECES = [
    "12", "1.299", "1 299,00", "€", "$", "US $", "kr", "Rs.", "R$", " ", "-", "–", ",-", "/", "kg", "was", "statt",
    "save", "for", "x", "%", "(", ")", "1¢", "lakh", "млн", "ر.س", "円", "NaN", "٫", "٣", ".5", "€99", ":", "30",
    "incl", "excl. VAT", "R", "BAM", "TOP", "free", "²", "½", "\ud800", "\x00",
]  # fmt: skip
TEXTS = (
    st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.text(alphabet="0123456789.,' -–/:%()x€$£¥krRsFtABCforab\u00a0\u2009٣٫٬", max_size=40)
)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, hint=st.sampled_from([None, "EUR", "$", "kr", "XXX"]), locale=st.none() | st.text(max_size=8))
def test_any_text_is_a_price_within_bounds_or_none(text: str, hint: str | None, locale: str | None) -> None:
    price = parse_price(text, currency_hint=hint, locale_hint=locale)

    assert price is None or 0 <= price.amount < MAX_AMOUNT
    assert price is None or not price.currency or len(price.currency) == 3


@settings(max_examples=100, deadline=None)
@given(amount=st.integers(0, 10**9), cents=st.integers(0, 99), style=st.sampled_from([",.", ".,", " ,", "'."]))
def test_every_amount_is_read_back_as_it_was_written(amount: int, cents: int, style: str) -> None:
    written = f"{amount:,}".replace(",", style[0]) + f"{style[1]}{cents:02}"

    price = parse_price(f"{written} €")

    assert price is not None
    assert (price.amount, price.currency) == (Decimal(amount) + Decimal(cents) / 100, "EUR")


@pytest.mark.parametrize("piece", ["1", "1 ", "€", "12€ ", "1,", "a", "$ ", "1.234 ", "ﷺ", "1€1", "-", " ", "1‘"])
def test_a_million_characters_take_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()

    parse_price(text, currency_hint=text, locale_hint=text)
    parse_number(text)
    currency_of(text)

    assert time.process_time() - started < 1
