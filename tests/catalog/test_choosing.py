"""What is chosen of what a page says, and how names, addresses and pictures are compared."""

from decimal import Decimal

import pytest

from catalog.extraction.choosing import choose_availability, choose_price, choose_sku
from catalog.extraction.matching import address_parameters, address_words, same_page
from catalog.extraction.page_data import Candidate
from catalog.extraction.pictures import best_of_srcset, is_picture, merged
from catalog.extraction.titles import similarity, title_parts, without_shop
from catalog.extraction.visible_labels import Labelled, is_code
from catalog.extraction.visible_price import ShownPrice
from catalog.extraction.visible_stock import ShownAvailability
from marketplace.money import Money


def _marked(amount: str, **fields: object) -> Candidate:
    candidate = {"evidence": "json-ld", "price": Money(Decimal(amount), "EUR", amount), "match": 1.0, **fields}
    return Candidate(**candidate)  # type: ignore[arg-type]


def _shown(amount: str, score: float, *, text: int = 0, is_old: bool = False) -> ShownPrice:
    return ShownPrice(Decimal(amount), "EUR", amount, score, text, is_old, "span.price")


@pytest.mark.parametrize(
    ("candidates", "shown", "amount"),
    [
        ([], [], None),
        ([_marked("20")], [], "20"),
        ([], [_shown("20", 3.0), _shown("30", 2.0)], "20"),
        ([], [_shown("20", 0.5)], None),
        ([_marked("20")], [_shown("25", 4.5)], "25"),
        ([_marked("20")], [_shown("25", 4.5), _shown("20", 2.0)], "20"),
        ([_marked("20")], [_shown("25", 2.0)], "20"),
        ([_marked("34")], [_shown("34000", 4.5)], "34000"),
        ([_marked("1999")], [_shown("19.99", 4.5)], "19.99"),
        ([_marked("20", is_lowest=True)], [_shown("25", 3.0)], "25"),
        ([_marked("0")], [_shown("25", 2.0)], "25"),
        ([_marked("20"), _marked("30", evidence="open-graph")], [], "20"),
        ([_marked("20", match=0.4), _marked("30", evidence="microdata")], [], "30"),
    ],
)
def test_the_price_is_what_most_evidence_stands_for(
    candidates: list[Candidate], shown: list[ShownPrice], amount: str | None
) -> None:
    choice = choose_price(candidates, shown)

    assert (choice.price and choice.price.amount) == (amount and Decimal(amount))


def test_the_old_price_beside_the_chosen_one_is_the_list_price() -> None:
    shown = [
        _shown("20", 4.0, text=10),
        _shown("25", -1.0, text=9, is_old=True),
        _shown("90", -1.0, text=80, is_old=True),
    ]

    choice = choose_price([], shown)

    assert choice.list_price == Money(Decimal("25"), "EUR", "25")


def test_strong_words_outweigh_one_markup_and_weak_ones_do_not() -> None:
    marked = [_marked("20", availability="InStock")]

    assert choose_availability(marked, ShownAvailability("OutOfStock", 0.9, ""))[0] == "OutOfStock"
    assert choose_availability(marked, ShownAvailability("OutOfStock", 0.5, ""))[0] == "InStock"
    assert choose_availability([], None) == (None, [])


def test_a_makers_number_beside_a_label_is_no_article_number_where_markup_has_one() -> None:
    marked = [_marked("20", sku="LMP-4", mpn="X-100")]

    claims = choose_sku(marked, [Labelled("X-100", "Art. No.", 0.9, 3)], set(), gtin="")

    assert [claim.value for claim in claims] == ["LMP-4", "X-100"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LMP-4", True),
        ("1002/710", True),
        ("003.492.87", True),
        ("0713695001", True),
        ("PC APPLE MQ2Y2SL/A", True),
        ("lamp", False),
        ("12.50", False),
        ("2024-05-01", False),
        ("a", False),
        ("see the 3 sizes in the table below", False),
    ],
)
def test_a_code_is_told_from_words_dates_and_amounts(text: str, expected: bool) -> None:
    assert is_code(text) == expected


def test_addresses_name_products_by_parameters_and_path() -> None:
    address = "https://shop.example/de/lamp-24718.html?sku=1049084&x=#variant=77"

    assert address_parameters(address) == {"1049084", "77"}
    assert {"1049084", "24718", "lamp-24718", "77"} <= address_words(address)
    assert same_page("http://www.shop.example/p/a/", "https://shop.example/p/A?x=1")
    assert not same_page("", "")


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Red lamp", "red LAMP!", 1.0, 1.0),
        ("Lamp Alba", "Details about Lamp Alba", 0.85, 0.99),
        ("Lamp Alba red", "Lamp Bria blue", 0.1, 0.5),
        ("急須セット", "急須セット（赤）", 0.85, 0.99),
        ("", "Lamp", 0.0, 0.0),
    ],
)
def test_titles_are_alike_as_people_would_say(one: str, other: str, least: float, most: float) -> None:
    assert least <= similarity(one, other) <= most


def test_the_shops_name_is_taken_off_a_title() -> None:
    assert without_shop("Lamp Alba – red | Lumen", "Lumen", "lumen.example") == "Lamp Alba – red"
    assert without_shop("Lumen: Lamp", "", "www.lumen.example") == "Lumen: Lamp"
    assert title_parts("Lamp | Lumen") == ["Lamp | Lumen", "Lamp", "Lumen"]


def test_of_one_picture_in_several_sizes_the_largest_is_kept() -> None:
    assert best_of_srcset("/a.jpg 300w, /b,c.jpg 1200w,/d.jpg 600w") == "/b,c.jpg"
    assert merged(
        ["https://i.example/a-300x300.jpg", "https://i.example/a-900x900.jpg", "https://i.example/b.jpg"]
    ) == [
        "https://i.example/a-900x900.jpg",
        "https://i.example/b.jpg",
    ]
    assert not any(map(is_picture, ["https://i.example/logo.png", "https://maps.example/tile.png", ""]))
