"""Prohibited goods: what names them for certain, what only goes with them, and what is only like them."""

import pytest

from qc.rules.contract import ProductFacts
from qc.rules.prohibited_goods import goods_are_prohibited, goods_may_be_prohibited

REJECTED, FLAGGED, PASSED = "rejected", "flagged", "passed"


def outcome(title: str, description: str = "") -> str:
    facts = ProductFacts(title=title, description=description)
    if goods_are_prohibited.check(facts, {}) is not None:
        return REJECTED
    return FLAGGED if goods_may_be_prohibited.check(facts, {}) is not None else PASSED


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Parrot, hand tame", REJECTED),
        ("Hand tame parrot", REJECTED),
        ("Parrot vase", PASSED),
        ("Laptop, stolen", REJECTED),
        ("Laptop alarm, in case it is stolen", PASSED),
    ],
)
def test_a_name_and_what_forbids_it_count_together_in_any_order(title: str, expected: str) -> None:
    assert outcome(title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Whisky glass", PASSED),
        ("Whisky with two glasses", FLAGGED),
        ("Whisky 0.7 l, 40 % vol, with two glasses", REJECTED),
    ],
)
def test_what_comes_with_goods_takes_nothing_back(title: str, expected: str) -> None:
    assert outcome(title) == expected


@pytest.mark.parametrize(
    "title", ["Hand grenade-shaped soap", "Rifle green scarf", "Thé au goût de rhum", "Color cava"]
)
def test_shapes_colours_and_tastes_are_no_goods(title: str) -> None:
    assert outcome(title) == PASSED


@pytest.mark.parametrize(
    ("title", "description", "expected"),
    [
        ("Gin, 0.7 l", "Juniper and citrus.", REJECTED),
        ("Gin, 0.7 l", "Alcohol free.", PASSED),
        ("Human skull", "Not plastic, but real.", REJECTED),
        ("Human skull", "Plastic, for schools.", PASSED),
        ("Pistol 9 mm", "Loaded.", REJECTED),
        ("Pistol 9 mm", "No idea whether it works.", FLAGGED),
    ],
)
def test_a_description_may_deny_what_a_title_says_or_doubt_it(title: str, description: str, expected: str) -> None:
    assert outcome(title, description) == expected


@pytest.mark.parametrize("title", ["Box for cigars", "Etui für Zigarren", "Ständer für Pistolen", "Tabanca için kutu"])
def test_what_a_thing_is_for_is_not_what_it_is(title: str) -> None:
    assert outcome(title) == PASSED


def test_a_description_that_mentions_goods_in_passing_rejects_nothing() -> None:
    assert outcome("Torch", "Its light shows stains, and cocaine on notes.") == FLAGGED
