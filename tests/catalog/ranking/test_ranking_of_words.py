"""The order of products by their words, as PostgreSQL alone finds them too."""

from decimal import Decimal

import pytest

from catalog.index import IndexFilter
from catalog.models import SearchDocument
from catalog.models import Vocabulary as StoredVocabulary
from catalog.ranking.documents import document_of, remove_documents, write_documents
from catalog.ranking.rerank import Tier, modifies
from catalog.ranking.vocabulary import current_vocabulary, forget_vocabulary, refresh_vocabulary
from marketplace.models import Product
from tests.catalog.ranking.catalogs import counted, found, hits, keep

pytestmark = pytest.mark.django_db


def test_all_words_come_before_some_and_a_title_before_a_text() -> None:
    keep("Red table", "Blue lamp", "Red lamp")
    keep("Shade", description="For a red lamp.")
    counted()
    assert found("red lamp")[:2] == ["Red lamp", "Shade"]
    assert set(found("red lamp")[2:]) == {"Red table", "Blue lamp"}


def test_a_thing_comes_before_what_belongs_to_it() -> None:
    keep("Optical mouse black", "Mouse pad", "Mouse pad large", "Tray for mouse", "Gel pad", "Keyboard black")
    counted()
    assert found("mouse")[0] == "Optical mouse black"
    assert found("mouse pad")[:2] == ["Mouse pad", "Mouse pad large"]


def test_a_word_describes_the_next_in_the_measure_in_which_they_belong_together() -> None:
    keep("Mouse pad", "Mouse pad large", "Gel pad", "Black mouse", "Mouse black", "Screen black")
    vocabulary = counted()
    assert modifies("mous", " mous  pad ", "", vocabulary) == pytest.approx(2 / 3)
    assert modifies("mous", " mous  black ", "", vocabulary) == 0.0
    assert modifies("mous", " tray  >  mous ", "", vocabulary) == 1.0
    assert modifies("mous", " mous  .  pad ", "", vocabulary) == 0.0
    assert modifies("mous", " mous  pad ", " mous ", vocabulary) == 0.0
    assert modifies("mous", " keyboard ", "", vocabulary) == 0.0


def test_a_brand_finds_its_own_products_before_what_goes_with_them() -> None:
    keep("Acme lamp", "Acme table for the garden and the house", brand="Acme")
    keep("Shade for Acme", "Acme bulb", brand="Other")
    counted()
    assert set(found("acme")[:2]) == {"Acme lamp", "Acme table for the garden and the house"}


@pytest.mark.parametrize("query", ["TN-2110", "tn2110", "TN 2110", "tn-2110 toner", "brother tn2110", "Toner TN2110"])
def test_the_product_that_a_query_names_by_its_code_comes_first(query: str) -> None:
    keep("Toner toner toner", "Toner for 2110 printers", brand="Brother")
    keep("Toner cartridge black", brand="Brother", sku="TN-2110")
    counted()
    best = hits(query)[0]
    assert (found(query)[0], best.legs["exact"], int(best.score)) == ("Toner cartridge black", 1.0, Tier.EXACT)


@pytest.mark.parametrize("query", ["4006381333931", "04006381333931", "4 006381 333931"])
def test_a_gtin_finds_its_product_in_any_form(query: str) -> None:
    keep("Pencil", gtin="4006381333931")
    keep("Pen", gtin="4006381333924")
    counted()
    assert found(query) == ["Pencil"]


def test_values_of_attributes_are_found_and_told() -> None:
    keep("Cable", attributes={"connector": "DisplayPort", "more": [{"colour": "Teal"}], "length": 3})
    counted()
    (hit,) = hits("Displayport TEAL nowhere")
    assert (hit.matched, int(hit.score)) == (("Displayport", "TEAL"), Tier.ALL_WORDS)


@pytest.mark.parametrize(
    ("title", "description", "query"),
    [
        ("Lampe rot", "Eine Lampe für den Tisch mit einem Schalter", "Lampen"),
        ("Zapato rojo", "Un zapato de piel para la calle con suela", "zapatos"),
        ("Lámpara", "Una lámpara para la mesa con su cable", "lamparas"),
        ("東京タワー", "", "タワー"),
        ("LED灯泡", "", "灯"),
        ("مصباح أحمر", "", "مصباح"),
        ("Café mug", "", "cafés"),
        ("Синяя лампа", "", "лампы"),
    ],
)
def test_products_of_many_languages_are_found(title: str, description: str, query: str) -> None:
    keep(title, description=description)
    keep("Something else", "Nothing")
    counted()
    assert found(query) == [title]


def test_filters_and_status_narrow_what_is_found() -> None:
    (cheap,) = keep("Red lamp", price=Decimal(5))
    dear, sleeping = keep("Blue lamp", "Green lamp", price=Decimal(50))
    Product.objects.filter(pk=sleeping.pk).update(status="pending")
    assert {hit.product_id for hit in hits("lamp")} == {cheap.pk, dear.pk}
    assert [hit.product_id for hit in hits("lamp", IndexFilter(max_price=Decimal(10)))] == [cheap.pk]
    assert not hits("lamp", IndexFilter(seller_ids=(2**60,)))


def test_documents_are_written_once_and_removed() -> None:
    (lamp,) = keep("Red lamp")
    written = SearchDocument.objects.get()
    assert (written.title, written.language) == (" red  lamp ", "en")
    write_documents([document_of(lamp, [])] * 2)
    lamp.title = "Blue lamp"
    write_documents([document_of(lamp, ["Home > Lamps"])])
    written.refresh_from_db()
    assert (written.title, written.categories) == (" blue  lamp ", " home  lamp ")
    remove_documents([lamp.pk])
    assert not SearchDocument.objects.exists()


def test_the_vocabulary_is_counted_anew_only_when_much_has_changed() -> None:
    assert not refresh_vocabulary()
    keep(*(f"Lamp number {number}" for number in range(30)))
    first = counted()
    assert (first.documents, first.frequency["lamp"], first.pairs["lamp number"]) == (30, 30, 30)
    assert not refresh_vocabulary()

    keep("One lamp more")
    assert not refresh_vocabulary()
    StoredVocabulary.objects.update(made_at="2020-01-01T00:00Z", index_version=-1)
    assert refresh_vocabulary()
    assert current_vocabulary().documents == 31
    assert StoredVocabulary.objects.count() == 1
    StoredVocabulary.objects.all().delete()
    forget_vocabulary()
    assert found("lamp more")[0] == "One lamp more"
