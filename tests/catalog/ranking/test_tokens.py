"""Words of texts in any script, codes, and numbers with units."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catalog.ranking.languages import detect, stem
from catalog.ranking.tokens import codes_in, normalised, single_characters, spaced, words_of
from catalog.ranking.units import measures


def forms(text: str) -> list[str]:
    return [word.form for word in words_of(normalised(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café CAFE\u0301 cafe", ["cafe"] * 3),
        ("Straße, men's, l'eau d’or qu'il", ["strasse", "men", "eau", "or", "il"]),
        ("TN-2110/USB", ["tn", "2110", "usb"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("灯 LED灯泡", ["灯", "led", "灯泡"]),
        ("مصباح", ["مصباح"]),
        ("한국어 램프", ["한국어", "램프"]),
        ("", []),
        ("!!! ’’ \0", []),
    ],
)
def test_words_are_folded_and_unspaced_scripts_give_pairs(text: str, expected: list[str]) -> None:
    assert forms(text) == expected


def test_a_character_of_an_unspaced_script_is_a_word_of_its_own_as_well() -> None:
    assert single_characters("LED灯泡") == ["灯", "泡"]


def test_phrases_end_at_signs_but_not_at_spaces_hyphens_and_trade_marks() -> None:
    words = words_of("Sony® Walk-man (blue), 4 GB")
    assert [word.begins_phrase for word in words] == [False, False, False, True, True, False]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Brother TN-2110 toner", ["tn2110"]),
        ("C4872A", ["c4872a"]),
        ("DC315/37", ["dc31537", "dc315"]),
        ("a 4-in-1 set, 12345, abcd", ["4in1"]),
        ("M3", []),
    ],
)
def test_codes_have_letters_and_digits_and_no_separators(text: str, codes: list[str]) -> None:
    assert codes_in(words_of(text), text) == codes


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("17 inch 17-inch 17in 17\" 17″ 17''", ["17inch"] * 6),
        ('2.5" 2,5 inch 2.50 Zoll', ["2.5inch"] * 3),
        ("2 TB 2TB 2 terabytes", ["2tb"] * 3),
        ("4 in 1, 5 a day, size 10", []),
        ('11.9 cm (4.7")', ["11.9cm", "4.7inch"]),
        ("500 ml, 0.5 L", ["500ml"]),
        ("0.5l", ["0.5l"]),
    ],
)
def test_a_measure_has_one_form_however_it_is_written(text: str, forms: list[str]) -> None:
    assert [form for *_, form in measures(words_of(text), text)] == forms


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("lampen lampe", "de"),
        ("zapatos zapato", "es"),
        ("lamparas lampara", "es"),
        ("cafes cafe", "en"),
        ("lampes lampe", "fr"),
        ("лампы лампа", "en"),
    ],
)
def test_one_stem_for_the_forms_of_a_word(words: str, language: str) -> None:
    assert len({stem(word, language) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Lampe für den Schreibtisch mit einem Schalter", "de"),
        ("Zapatos de piel para hombre con suela de goma", "es"),
        ("The lamp with a switch for the desk", "en"),
        ("DELL Toner 2000 Pages", "en"),
        ("Housse pour ordinateur avec poche et une poignée", "fr"),
    ],
)
def test_small_words_tell_the_language(text: str, language: str) -> None:
    assert detect(forms(text), text) == language


@given(st.text(max_size=200))
@hypothesis_settings(max_examples=100)
def test_any_text_can_be_read(text: str) -> None:
    whole = normalised(text)
    words = words_of(whole)

    assert all(word.form and not set(word.form) & set(" '\\\"\0") and len(word.form) <= 64 for word in words)
    assert spaced(word.form for word in words).split() == [word.form for word in words]
    assert len(measures(words, whole)) <= len(words)
    assert all(whole[word.start : word.end] for word in words)
