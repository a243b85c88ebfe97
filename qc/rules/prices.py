"""Rules on the price."""

import math
from decimal import Decimal

from qc.rules.contract import CategoryPrices, Finding, Limits, ProductFacts, Severity, Threshold, rule
from qc.rules.currencies import has_small_unit, is_currency, minor_digits

_COUNTED = ("0123456789", "1234567890")


@rule(
    code="price.missing",
    severity=Severity.REJECT,
    looks_at=("price",),
    remedy="Add a price to the product in your catalog.",
)
def price_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a product without a price above zero, where its source can tell a price."""
    if facts.price is None and "price" in facts.not_carried:
        return None
    if facts.price is not None and facts.price > 0:
        return None
    return Finding("price", "The product has no price." if facts.price is None else "The price is not above zero.")


@rule(
    code="price.unknown_currency",
    severity=Severity.REJECT,
    looks_at=("currency",),
    remedy="Name the currency by its three letters of ISO 4217, such as EUR or USD.",
)
def currency_is_unknown(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Reject a currency that is no code of ISO 4217."""
    if not facts.currency or is_currency(facts.currency.strip().upper()):
        return None
    return Finding("currency", f"“{facts.currency}” is no currency that we know.")


@rule(
    code="price.currency_missing",
    severity=Severity.ADVISE,
    looks_at=("price", "currency"),
    remedy="Name the currency of the price in your catalog.",
)
def currency_is_missing(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Advise on a price without a currency, where its source can name one."""
    if facts.price is None or facts.currency or "currency" in facts.not_carried:
        return None
    return Finding("currency", "The price has no currency, so buyers cannot tell what they would pay.")


@rule(
    code="price.too_many_decimals",
    severity=Severity.FLAG,
    looks_at=("price", "currency"),
    remedy="Write the price as a buyer would pay it.",
)
def price_has_too_many_decimals(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a price that cannot be paid: it has more decimals than its currency."""
    currency = facts.currency.strip().upper()
    if facts.price is None or not is_currency(currency):
        return None
    most, found = minor_digits(currency), _decimals(facts.price)
    if found <= most:
        return None
    return Finding("price", f"The price {_plain(facts.price)} has {found} decimals; {currency} has {most or 'none'}.")


@rule(
    code="price.placeholder",
    severity=Severity.FLAG,
    looks_at=("price", "currency"),
    remedy="Put the real price in.",
    thresholds=(
        Threshold(
            "least_digits",
            default=4,
            least=3,
            most=9,
            unit="digits",
            calibration="Three equal or rising digits are everyday prices (999, 123). Of 19,406 real listings with "
            "prices in hundredths, four digits and more find none.",
        ),
    ),
)
def price_is_placeholder(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a price that nobody means: equal digits, or digits that count up, such as 9999 or 1234.

    Where the unit is worth little, as yen and rupees are, one digit more is asked for.
    """
    if facts.price is None or facts.price <= 0:
        return None
    least = int(limits["least_digits"]) + has_small_unit(facts.currency.strip().upper())
    return (
        Finding("price", f"The price {_plain(facts.price)} looks like a stopgap.")
        if _is_typed(facts.price, least)
        else None
    )


def _is_typed(price: Decimal, least: int) -> bool:
    whole, _, decimals = _plain(price).partition(".")
    if len(whole) < least:
        return False
    digits = whole + decimals
    if any(digits in it for it in _COUNTED):
        return True
    # With decimals only nines are the end of the scale: 1111.11 is a sum as good as any.
    return set(digits) == {"9"} if decimals else len(set(digits)) == 1


@rule(
    code="price.outlier",
    severity=Severity.FLAG,
    looks_at=("price", "currency", "category_prices"),
    remedy="Check the price and its currency, or put the product in the category where it belongs.",
    thresholds=(
        Threshold(
            "least_others", default=10, least=5, most=1000, unit="products", calibration="A median of fewer leaps."
        ),
        Threshold(
            "least_share", default=0.01, least=0.0001, most=0.5, calibration="A slip of the decimal point is 0.01."
        ),
        Threshold("most_times", default=100, least=2, most=10000, calibration="A slip of the decimal point is 100."),
        Threshold(
            "most_spreads",
            default=6,
            least=3,
            most=50,
            calibration="Iglewicz and Hoaglin 1993, “How to detect and handle outliers”, ask for 3.5 of normal values; "
            "prices have longer tails.",
        ),
        Threshold(
            "least_spread",
            default=0.15,
            least=0.01,
            most=2,
            calibration="Of the natural logarithm. Where nearly all prices are the same, less than 2.4 times their "
            "median is no outlier.",
        ),
    ),
)
def price_is_outlier(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a price that is far from the others in its category, on a scale of ratios."""
    others = facts.category_prices
    if facts.price is None or facts.price <= 0 or others is None or others.median <= 0:
        return None
    if others.count < limits["least_others"] or not _is_far(facts.price, others, limits):
        return None
    side = "far above" if facts.price > others.median else "far below"
    price, median = _plain(facts.price), _plain(round(others.median, 2))
    return Finding("price", f"The price {price} is {side} what the category's other products cost, about {median}.")


def _is_far(price: Decimal, others: CategoryPrices, limits: Limits) -> bool:
    ratio = float(price / others.median)
    if ratio < limits["least_share"] or ratio > limits["most_times"]:
        return True
    return abs(math.log(ratio)) > limits["most_spreads"] * max(others.log_spread, limits["least_spread"])


@rule(
    code="price.above_list_price",
    severity=Severity.FLAG,
    looks_at=("price", "list_price"),
    remedy="Check which of the two is the price now, and which the one before the reduction.",
)
def price_is_above_list_price(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a price above the list price: the two were mixed up."""
    if not facts.price or not facts.list_price or not 0 < facts.list_price < facts.price:
        return None
    return Finding("price", f"The price {_plain(facts.price)} is above the list price {_plain(facts.list_price)}.")


@rule(
    code="price.absurd_discount",
    severity=Severity.FLAG,
    looks_at=("price", "list_price"),
    remedy="Check both prices; a reduction that nobody believes drives buyers away.",
    thresholds=(
        Threshold(
            "least_share",
            default=0.05,
            least=0.001,
            most=0.9,
            calibration="Clearance sales end at 80 to 90 % off; beyond 95 % a point or a currency is wrong.",
        ),
    ),
)
def discount_is_absurd(facts: ProductFacts, limits: Limits) -> Finding | None:
    """Flag a price that is next to nothing beside the list price."""
    if not facts.price or not facts.list_price or facts.price <= 0:
        return None
    if float(facts.price / facts.list_price) >= limits["least_share"]:
        return None
    return Finding("price", f"The price {_plain(facts.price)} is next to nothing beside {_plain(facts.list_price)}.")


def _decimals(price: Decimal) -> int:
    return len(_plain(price).partition(".")[2])


def _plain(price: Decimal) -> str:
    """Return the digits without an exponent or trailing zeros."""
    return f"{price.normalize():f}"


RULES = (
    price_is_missing,
    currency_is_unknown,
    currency_is_missing,
    price_has_too_many_decimals,
    price_is_placeholder,
    price_is_outlier,
    price_is_above_list_price,
    discount_is_absurd,
)
