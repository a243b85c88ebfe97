"""What queries mean, by the words that the catalog knows."""

import time
from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catalog import index
from catalog.models import Synonym
from catalog.ranking.completions import completions
from catalog.ranking.queries import Understood, understand
from catalog.ranking.synonyms import Synonyms, forget_synonyms
from catalog.ranking.typos import corrected
from catalog.ranking.vocabulary import EMPTY, Vocabulary
from tests.catalog.ranking.catalogs import counted, found, hits, keep

NONE = Synonyms({})
VOCABULARY = Vocabulary(
    documents=100,
    frequency={"headset": 9, "hard": 5, "drive": 7, "lamp": 8, "lampshad": 2, "17inch": 3, "tn": 1, "2110": 1},
    in_titles={"hard": 5, "drive": 7},
    pairs={"hard drive": 5, "tn 2110": 2},
    forms={"headset": 9, "hard": 5, "drive": 7, "lamp": 6, "lamps": 2, "lampshade": 2, "lame": 1},
    phrases={"hard drive": 5, "hard case": 2, "lamp shade": 3},
)


def understood(query: str, vocabulary: Vocabulary = VOCABULARY) -> Understood:
    return understand(query, vocabulary=vocabulary, synonyms=NONE)


def options(query: str) -> list[list[tuple[str, ...]]]:
    return [[phrase for phrase, _ in term.options] for term in understood(query).terms]


def test_a_misspelt_word_is_mended_and_the_query_told() -> None:
    assert understood("Headest for lampp").corrected == "headset for lamp"
    assert understood("headset for lamp").corrected == ""
    assert understood("headest").changes == (("typo", "headest", "headset"),)


@pytest.mark.parametrize("word", ["xyzzy", "tn2111", "12347", "la"])
def test_strangers_codes_numbers_and_short_words_are_left_alone(word: str) -> None:
    assert understood(word).corrected == ""


def test_what_too_many_products_hold_leads_to_none_where_another_word_does() -> None:
    assert {"hard", "lamp"} <= set(understood("hard lamp").sought(VOCABULARY, most=8))
    assert set(understood("hard lamp").sought(VOCABULARY, most=6)) == {"hard", "hardlamp"}
    assert "lamp" in understood("lamp headset").sought(VOCABULARY, most=6)
    assert {"hard", "nordlund"} < set(understood("hard lamp nordlund").sought(VOCABULARY, most=6))


def test_of_equally_near_words_the_commonest_is_meant() -> None:
    assert corrected("lamq", VOCABULARY) == "lamp"
    assert corrected("hedsets", VOCABULARY) == "headset"
    assert corrected("zzzz", VOCABULARY) == ""


def test_compounds_are_joined_and_split_as_the_catalog_writes_them() -> None:
    assert options("head set") == [[("head",), ("headset",)], [("set",), ("headset",)]]
    assert options("harddrive") == [[("hard", "drive")]]
    assert options("tn2110") == [[("tn", "2110")]]
    assert options("hard lamp") == [[("hard",)], [("lamp",)]]


@pytest.mark.parametrize("query", ["17 inch", '17"', "17in", "17-inch", "17 Zoll"])
def test_a_measure_is_one_term_where_products_say_it(query: str) -> None:
    assert options(query) == [[("17inch",)]]


def test_a_measure_that_no_product_says_stays_as_it_was_typed() -> None:
    assert options("18 inch") == [[("18",)], [("inch",)]]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "!!!", "\0"])
def test_a_query_that_says_nothing_has_no_terms(query: str) -> None:
    assert understood(query) == Understood()


def test_codes_of_a_query_are_itself_gtins_and_what_looks_like_a_code() -> None:
    assert understood("Brother TN-2110").codes == ("brothertn2110", "tn2110")
    assert understood("0 36000 29145 2").whole == ("036000291452", "36000291452")


def test_without_any_document_every_word_passes_as_it_is() -> None:
    assert understood("headest 17 inch", EMPTY).corrected == ""


@given(st.text(max_size=600))
@hypothesis_settings(max_examples=100)
def test_any_query_is_understood_in_bounds(query: str) -> None:
    one = understood(query)
    assert len(one.terms) <= 32
    assert len(one.sought(VOCABULARY, most=300)) <= 32
    assert len({term.stems for term in one.terms}) == len(one.terms)


def test_a_very_long_query_is_understood_quickly() -> None:
    started = time.process_time()
    for _ in range(10):
        understood(" ".join(f"wrod{chr(97 + number % 26)}x" for number in range(80)))
    assert time.process_time() - started < 5.0


def test_the_last_word_is_completed_by_what_is_commonest() -> None:
    def texts(prefix: str) -> Sequence[str]:
        return [one.text for one in completions(prefix, vocabulary=VOCABULARY)]

    assert texts("lam") == ["lamp", "lamp shade", "lamps", "lampshade", "lame"]
    assert texts("hard ") == texts("hard") == ["hard", "hard drive", "hard case"]
    assert texts("Hard d") == ["hard drive"]
    assert texts("haed") == ["headset", "hard"]
    assert texts("") == texts("!!") == []
    assert completions("haed", vocabulary=VOCABULARY)[0].is_corrected


@pytest.mark.parametrize(
    ("words", "means"), [("", ""), ("sofa", ""), (",", ""), ("sofa, !!", ""), ("sofa", "Sofa"), ("a b c d e f", "x")]
)
def test_a_group_of_synonyms_that_does_nothing_is_refused(words: str, means: str) -> None:
    with pytest.raises(ValidationError):
        Synonym(words=words, means=means).full_clean()


@pytest.mark.django_db
def test_synonyms_find_what_is_called_otherwise_but_below_what_is_called_so() -> None:
    keep("Grey couch", "Oak table", "Sofa in green", "Solid state disk")
    counted()
    assert found("sofa") == ["Sofa in green"]

    Synonym.objects.create(words="sofa, couch")
    Synonym.objects.create(words="ssd", means="solid state disk")
    Synonym.objects.create(words="oak", means="pine", is_active=False)
    forget_synonyms()

    assert found("sofas") == ["Sofa in green", "Grey couch"]
    assert found("couch") == ["Grey couch", "Sofa in green"]
    assert found("ssd") == ["Solid state disk"]
    assert found("disk") == ["Solid state disk"]
    assert hits("couches")[0].matched == ("couches",)


@pytest.mark.django_db
def test_staff_edit_synonyms_and_rankings_are_made_anew() -> None:
    office = Client()
    office.force_login(User.objects.create_superuser("ada"))
    before = index.changes()

    refused = office.post("/admin/catalog/synonym/add/", {"words": "sofa", "means": "", "is_active": "on"})
    assert "One word alone has no synonym" in refused.content.decode()
    office.post("/admin/catalog/synonym/add/", {"words": "sofa, couch", "means": "", "is_active": "on"})
    assert Synonym.objects.get().words == "sofa, couch"
    assert "each other" in office.get("/admin/catalog/synonym/").content.decode()
    assert index.changes() > before
