"""What is wrong with a seller's products, counted by reason."""

import pytest

from marketplace.models import Product
from qc.issues import issues_of, with_issue
from qc.wording import STATUS_CHIPS, field_title, issue_title
from tests.marketplace.factories import make_product, make_seller
from tests.qc.rejected import IN_CAPITALS, NO_PRICE, make_judged


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("picture.too_small", "Picture too small"),
        ("text.title_missing", "Title missing"),
        ("catalog.gtin_invalid", "GTIN invalid"),
        ("text.html_markup", "HTML markup"),
        ("qc.not_judged", "Not judged"),
        ("catalog.blocked.captcha", "Blocked captcha"),
        ("alone", "Alone"),
    ],
)
def test_a_code_is_said_in_words(code: str, title: str) -> None:
    assert issue_title(code) == title


def test_fields_and_statuses_have_names() -> None:
    assert (field_title("gtin"), field_title("category_path"), field_title("some_new")) == (
        "GTIN", "Category", "Some new",
    )  # fmt: skip
    assert set(STATUS_CHIPS) == set(Product.Status)


@pytest.mark.django_db
def test_issues_are_counted_by_tab_what_holds_back_first() -> None:
    seller, other = make_seller(), make_seller()
    for _ in range(2):
        make_judged(seller)
    make_judged(seller, reasons=[NO_PRICE, IN_CAPITALS])
    for _ in range(4):
        make_judged(seller, decision="approved", reasons=[IN_CAPITALS])
    unread = {"code": "catalog.page_not_found", "field": "address", "message": "It is gone.", "remedy": "Put it back."}
    make_product(seller, status="dead", reasons=[unread])
    make_judged(other)

    assert [(it.code, it.is_advice, it.count) for it in issues_of(seller)] == [
        ("price.missing", False, 3),
        ("catalog.page_not_found", False, 1),
        ("text.title_in_capitals", True, 5),
    ]
    assert [(it.code, it.count) for it in issues_of(seller, tab="live")] == [("text.title_in_capitals", 4)]
    assert Product.objects.filter(with_issue("price.missing"), seller=seller).count() == 3
