"""What a text claims beyond a listing."""

import pytest

from catalog.generation.grounding import brand_candidates, claims_beyond, sayings_of

LISTING = "lamp brass\nTable lamp of brass, 40 cm high, 1,200 lm, 2 x E27. Cable 1.5 m\nNordlicht\nHome > Lamps"


def claims(text: str, *, listing: str = LISTING, language: str = "", brands: tuple[str, ...] = ()) -> list[str]:
    return [note.claim for note in claims_beyond(text, sayings_of(listing), language=language, brands=brands)]


@pytest.mark.parametrize(
    "text",
    [
        "Nordlicht table lamp of brass, 40 cm",
        "A lamp of 40cm with 1200 lm.",
        "A lamp with 1.200 lm and a cable of 1,5 m.",
        "Tischlampe aus Messing, 40 cm hoch, 2 x E27",
        "Lampe de table en laiton, hauteur 40 cm",
        "Piriç değil: pirinç masa lambası, ٤٠ cm",
        "BRASS lamp",
        "A lamp for the desk. It lights your evenings. Two bulbs fit.",
    ],
)
def test_what_the_listing_says_is_no_claim(text: str) -> None:
    assert claims(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A lamp of brass, 45 cm high", ["45 cm"]),
        ("A lamp of brass, 40 mm high", ["40 mm"]),
        ("A lamp with 3 bulbs", ["3"]),
        ("A lamp of solid copper", ["copper"]),
        ("Lampe aus Leder und Messing", ["Leder"]),
        ("A waterproof lamp", ["waterproof"]),
        ("A lamp that goes well with Hufnagel chairs.", ["Hufnagel"]),
        ("The LED lamp", ["LED"]),
        ("Lamp by GlowMax", ["GlowMax"]),
        ("Sonnenlicht® lamp", ["Sonnenlicht"]),
    ],
)
def test_what_it_does_not_say_is_named(text: str, expected: list[str]) -> None:
    assert claims(text) == expected


def test_capitals_tell_nothing_where_every_noun_has_one_or_the_text_is_a_title() -> None:
    assert claims("Eine Lampe für den Schreibtisch.", language="de") == []
    assert claims("Eine Lampe für den Schreibtisch mit einem Schirm, der das Licht lenkt.") == []
    assert claims("Elegant Table Lamp For Living Rooms") == []


def test_a_brand_of_the_marketplace_is_found_where_capitals_tell_nothing() -> None:
    text = "Elegant Solar Ikarus Table Lamp"
    assert "Solar Ikarus" in brand_candidates(text)
    assert claims(text, brands=("Solar Ikarus",)) == ["Solar Ikarus"]


def test_a_number_without_a_unit_may_be_said_with_one() -> None:
    assert claims("60 cm by 40 cm", listing="Table 60 x 40") == []
