"""Rules: one defect, one code; and what only looks like one passes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qc.rules.contract import PictureFacts, ProductFacts, Reason, Severity
from qc.rules.ruleset import RULES, STANDARD

FINE = ProductFacts(
    title="Red table lamp",
    description="A lamp of brass and linen, 40 cm high.",
    price=Decimal("49.90"),
    currency="EUR",
    category_path="Home > Lamps",
    pictures=(PictureFacts(width_px=1000, height_px=1000),),
)
GOOD, SMALL = PictureFacts(width_px=600, height_px=250), PictureFacts(width_px=1000, height_px=249)
MISSING, BROKEN = PictureFacts("picture.missing"), PictureFacts("picture.undecodable")
LARGE = PictureFacts("picture.too_large")


def held_back_by(**changes: Any) -> list[Reason]:
    """Return what keeps the listing from buyers, advice aside."""
    reasons = STANDARD.reasons_against(replace(FINE, **changes))
    return [reason for reason in reasons if reason.severity is not Severity.ADVISE]


def codes(**changes: Any) -> list[str]:
    return [reason.code for reason in held_back_by(**changes)]


def test_a_sound_product_passes_every_rule() -> None:
    assert STANDARD.reasons_against(FINE) == []


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal("-1")])
def test_a_price_must_be_above_zero(price: Decimal | None) -> None:
    assert codes(price=price) == ["price.missing"]


@pytest.mark.parametrize(
    ("pictures", "found"),
    [
        ((), ["picture.missing"]),
        ((MISSING,), ["picture.missing"]),
        ((BROKEN,), ["picture.undecodable"]),
        ((LARGE,), ["picture.too_large"]),
        ((SMALL,), ["picture.too_small"]),
        ((SMALL, MISSING), ["picture.too_small"]),
        ((MISSING, SMALL), ["picture.too_small"]),
        ((BROKEN, SMALL, GOOD), []),
        ((GOOD,), []),
    ],
)
def test_one_picture_that_can_be_shown_is_enough(pictures: tuple[PictureFacts, ...], found: list[str]) -> None:
    assert codes(pictures=pictures) == found


@pytest.mark.parametrize(
    ("not_carried", "price", "pictures", "found"),
    [
        (("price",), None, (GOOD,), []),
        (("price",), Decimal(0), (GOOD,), ["price.missing"]),
        (("pictures",), Decimal(9), (), []),
        (("pictures",), Decimal(9), (BROKEN,), ["picture.undecodable"]),
        (("pictures",), None, (), ["price.missing"]),
        (("price", "pictures"), None, (), []),
        (("brand",), None, (), ["price.missing", "picture.missing"]),
    ],
)
def test_no_rule_asks_for_what_the_source_has_no_place_for(
    not_carried: tuple[str, ...], price: Decimal | None, pictures: tuple[PictureFacts, ...], found: list[str]
) -> None:
    assert codes(not_carried=not_carried, price=price, pictures=pictures) == found


def test_a_copy_is_a_duplicate() -> None:
    assert codes(duplicate_of=7) == ["catalog.duplicate"]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("Call or message us on +44 20 7946 0123 to order faster.", {}),
        ("WhatsApp +4915123456789", {}),
        ("Tel. 030 901820", {}),
        ("call 0207 946 0123", {"currency": "GBP"}),
        ("Reach us: (212) 555-0123", {"currency": "USD"}),
        ("phone 010 0123 4567", {"currency": "", "seller_phone": "+20 100 123 4567"}),
    ],
)
@pytest.mark.parametrize("field", ["title", "description"])
def test_phone_numbers_are_flagged(text: str, changes: dict[str, Any], field: str) -> None:
    facts: dict[str, Any] = {field: text, **changes}

    reasons = {it.code: it for it in held_back_by(**facts)}

    assert reasons.keys() - {"text.messenger_contact"} == {"text.phone_number"}
    assert (reasons["text.phone_number"].severity, reasons["text.phone_number"].field) == (Severity.FLAG, field)


@pytest.mark.parametrize(
    "text",
    [
        "Size 120 x 200 x 40 cm, 2026 edition",
        "Model 4006381333931, SKU 0301234567",
        "EAN 5901234123457, ISBN 978-3-16-148410-0",
        "Needs 3 x 1.5 V, 2000-4000 K, IP44, 220-240 V",
        "Price was 1.299,00 now 999,00",
        "Serial 2020-11-23 10:30:00",
    ],
)
@pytest.mark.parametrize("currency", ["EUR", "USD", "GBP", "", "XXX"])
def test_other_numbers_are_no_phone_numbers(text: str, currency: str) -> None:
    assert codes(description=text, currency=currency) == []


@pytest.mark.parametrize(
    "text",
    [
        "Loaded handgun with ammunition",
        "Hunting rifle and cartridges",
        "A bolt-action firearm",
        "Cocaine, one gram",
        "COCAINE",
        "Disposable vape, 600 puffs",
        "A pack of cigarettes",
        "Fake passports",
        "1:1 replica of a watch",
        "Ivory tusk",
        "Water gun and a real handgun",
    ],
)
def test_prohibited_goods_are_rejected(text: str) -> None:
    (reason,) = [it for it in STANDARD.reasons_against(replace(FINE, title=text)) if it.severity is Severity.REJECT]

    assert (reason.code, reason.field) == ("text.prohibited_goods", "title")


@pytest.mark.parametrize(
    "text",
    [
        "Water gun for the garden",
        "Hot glue gun, 40 W",
        "Nerf pistol, foam",
        "Six wine glasses",
        "Whiskey glass and stones",
        "Sneakers in gun metal grey",
        "Gunmetal ring",
        "Knife block of oak",
        "Weed barrier fabric",
        "Seaweed soap",
        "Cigarette pants in navy",
        "Cigar box guitar",
        "Nicotine-free tea",
        "Tobacco leather bag",
        "Begonia and ginger",
        "Drug-free",
        "Method brand soap",
        "Heroine of the story, a novel",
        "Anti-counterfeit tag",
    ],
)
def test_words_that_only_look_prohibited_pass(text: str) -> None:
    assert codes(title=text) == codes(description=text) == []


@pytest.mark.parametrize("text", ["Old gun, works", "Cannabis oil", "Vape with charger", "A bottle, whisky"])
def test_doubtful_words_are_for_staff(text: str) -> None:
    (reason,) = STANDARD.reasons_against(replace(FINE, title=text))

    assert (reason.code, reason.severity) == ("text.possibly_prohibited_goods", Severity.FLAG)


def test_every_rule_says_what_the_seller_can_do() -> None:
    assert len({it.rule.code for it in STANDARD.active}) == len(RULES)
    for active in STANDARD.active:
        assert active.remedy.endswith(".")
        assert active.rule.summary.endswith(".")
        assert active.rule.looks_at


def test_a_reason_is_kept_as_an_entry() -> None:
    (reason,) = STANDARD.reasons_against(replace(FINE, title="Cocaine, one gram"))

    assert reason.as_entry() == {
        "code": "text.prohibited_goods",
        "severity": "reject",
        "field": "title",
        "message": "The title offers drugs: “Cocaine”.",
        "remedy": "These goods may not be sold here. If it is something else, say so in other words.",
    }


def test_equal_facts_have_one_hash_and_others_another() -> None:
    others = [
        replace(FINE, title="x"),
        replace(FINE, price=Decimal(1)),
        replace(FINE, currency="USD"),
        replace(FINE, pictures=(SMALL,)),
        replace(FINE, duplicate_of=1),
        replace(FINE, seller_phone="+4930901820"),
    ]

    assert replace(FINE).input_hash == FINE.input_hash
    assert len({FINE.input_hash, *(other.input_hash for other in others)}) == 7


def test_prices_stand_in_the_content_as_people_write_them() -> None:
    content = replace(FINE, price=Decimal(20).normalize(), list_price=Decimal("1200.50").normalize()).content

    assert (content["price"], content["list_price"]) == ("20", "1200.5")
