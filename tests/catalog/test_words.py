"""Words: queries and products must meet in one form."""

import pytest

from catalog.words import fold, stems


@pytest.mark.parametrize(
    ("text", "folded"), [("Café", "cafe"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("Ångström", "angstrom")]
)
def test_case_and_accents_fold_away(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_one_stem_for_all_forms_of_a_word() -> None:
    assert stems("Lamps lamp LAMP lamp's lámpś") == ["lamp"] * 5


def test_stop_words_and_signs_are_left_out() -> None:
    assert stems("The lamp, of — and for: 3 tables!") == ["lamp", "3", "tabl"]
