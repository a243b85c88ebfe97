"""Lists of phrases: how they are written, and where texts say them."""

import pytest

from qc.rules.reading import read
from qc.rules.wordlists import (
    FOLDER,
    MOST_WORDS,
    PATTERNS,
    Match,
    WordListInvalid,
    _Node,
    apart_from,
    first_match,
    in_clause,
    matches_in,
    near,
    plant,
    said,
    word_lists,
)


def found(phrase: str, text: str) -> bool:
    """Tell whether a text begins with a phrase, and says all of it."""
    root = _Node()
    plant(root, phrase, ("list", "kind"))
    nodes = [root]
    for token in text.split():
        nodes = [after for node in nodes for after in node.after(token)]
    return any(node.found for node in nodes)


@pytest.mark.parametrize(
    ("phrase", "says", "does_not"),
    [
        ("knife(s)", ["knife", "knifes"], ["knives", "knif"]),
        ("{water|toy} {gun|pistol}(s)", ["water gun", "toy pistols"], ["gun", "water", "glue gun"]),
        ("*pistole", ["pistole", "luftpistole"], ["pistolen"]),
        ("zigarett*", ["zigarette", "zigaretten"], ["zigar"]),
        ("# {mg|g} thc", ["5 mg thc", "12 g thc"], ["mg thc", "x mg thc"]),
        ("pay (me) by {wire|bank transfer}", ["pay by wire", "pay me by bank transfer"], ["pay me", "pay by bank"]),
        ("parecid{o|a|os} a", ["parecida a"], ["parecid a"]),
        ("hand-made l'arme", ["hand made l arme"], ["hand-made"]),
    ],
)
def test_phrases_take_their_forms(phrase: str, says: list[str], does_not: list[str]) -> None:
    assert [it for it in says if not found(phrase, it)] == []
    assert [it for it in does_not if found(phrase, it)] == []


@pytest.mark.parametrize("phrase", ["{water|toy gun", "*ab", "(maybe)", "gun(s", "a " * MOST_WORDS + "b"])
def test_a_phrase_that_cannot_be_is_refused(phrase: str) -> None:
    with pytest.raises(WordListInvalid):
        plant(_Node(), phrase, ("list", "kind"))


def test_phrases_that_begin_alike_are_all_found() -> None:
    matches = matches_in("water gun").get("prohibited/weapons", ())

    assert {(it.kind, it.first, it.last) for it in matches} >= {("harmless", 0, 1), ("doubtful", 1, 1)}


@pytest.mark.parametrize("text", ["FUCK", "ﬀ fuck", "a\nfuck\nb", "«fuck»", "fúck"])
def test_case_accents_and_signs_make_no_difference(text: str) -> None:
    assert first_match(text, "profanity", "gross") is not None


def test_a_phrase_does_not_reach_over_a_sentence() -> None:
    assert first_match("It is free. Shipping takes a day", "promotion", "talk") is None


def test_what_is_near_a_match_is_told_on_both_sides_and_no_farther() -> None:
    pay, *_, far = (Match("payments", "paying", it, it) for it in (5, 0, 2, 6, 8, 9))
    others = [Match("payments", "way", first, last) for first, last in ((0, 1), (2, 2), (5, 6), (7, 8), (9, 9))]

    assert [it.first for it in near(pay, others, reach=3)] == [2, 7]
    assert list(near(far, others[:2], reach=3)) == []


def test_what_shares_a_word_with_another_is_left_out() -> None:
    one, two, three = Match("a", "b", 0, 2), Match("a", "b", 3, 3), Match("a", "b", 5, 8)

    assert apart_from([one, two, three], [Match("a", "c", 2, 2), Match("a", "c", 8, 9)]) == [two]
    assert apart_from([one, two], []) == [one, two]


def test_a_clause_ends_where_a_sentence_does() -> None:
    tokens = read("Pay, please, by wire. Zelle").tokens
    pay, wire, zelle = (Match("", "", it, it) for it in (0, 5, 7))

    assert list(in_clause(pay, [wire, zelle], tokens, reach=9)) == [wire]


def test_arabic_words_are_found_behind_what_is_written_onto_them() -> None:
    match = first_match("والكوكايين", "prohibited/drugs", "certain")

    assert match is not None
    assert said("والكوكايين", match) == "والكوكايين"


def test_every_list_names_its_source_and_its_languages() -> None:
    for path in FOLDER.rglob("*.toml"):
        head = path.read_text().split("[words", 1)[0]
        assert "source = " in head
        assert "languages = " in head
    assert len(word_lists()) > 20
    assert not any(name.startswith(PATTERNS) for name in word_lists())
