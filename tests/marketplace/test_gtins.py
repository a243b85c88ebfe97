"""GTINs: their check digit, the one form of an article's numbers, and those that are not for trade."""

import pytest

from marketplace.gtins import check_digit, is_gtin, is_restricted, plain_gtin

EAN = "4006381333931"


@pytest.mark.parametrize("gtin", [EAN, "96385074", "036000291452", "10614141007346", "00012345600012"])
def test_the_last_digit_is_the_check_digit_of_the_others(gtin: str) -> None:
    assert check_digit(gtin[:-1]) == gtin[-1]
    assert is_gtin(gtin)


@pytest.mark.parametrize("digits", ["", "4006381333932", "400638133393", f"{EAN}00", f"{EAN[:12]}¹", "٤٠٠٦٣٨١٣٣٣٩٣١"])
def test_other_digits_are_no_gtin(digits: str) -> None:
    assert not is_gtin(digits)


def test_an_article_has_one_form_alone_padded_and_in_a_case() -> None:
    assert {plain_gtin(form) for form in (EAN, f"0{EAN}", f"1{EAN[:12]}{check_digit(f'1{EAN[:12]}')}")} == {EAN}
    assert plain_gtin("00036000291452") == plain_gtin("036000291452") == "36000291452"


@pytest.mark.parametrize(
    ("body", "is_for_one_shop"),
    [
        ("200000000000", True),
        ("291234567890", True),
        ("021234567890", True),
        ("21234567890", True),  # as a GTIN-12
        ("051234567890", True),
        ("951123456789", True),
        ("960123456789", True),
        ("980000000000", True),
        ("984123456789", True),
        ("991234567890", True),
        ("2012345", True),
        ("0123456", True),
        ("000000012345", True),  # the same, written longer
        ("0000000", True),
        ("000000000000", True),
        ("400638133393", False),
        ("977123456700", False),
        ("978030640615", False),
        ("979006011561", False),
        ("950600013435", False),
        ("985123456789", False),
        ("9638507", False),
        ("0000009638507", False),
        ("1061414100734", False),
    ],
)
def test_numbers_for_one_shop_and_coupons_name_no_article(body: str, is_for_one_shop: bool) -> None:
    assert is_restricted(body + check_digit(body)) is is_for_one_shop
