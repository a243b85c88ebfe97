"""Prices: what is one, how much, in which currency, and that none is guessed."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_parser import Price

from catalog.extraction.prices import MAX_AMOUNT, currency_of, parse_number, parse_price
from tests.catalog.price_texts import CERTAIN, NO_PRICES, SHARED


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
