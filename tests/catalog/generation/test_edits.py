"""A seller's own texts over what the catalog says."""

from dataclasses import replace
from typing import Any

import pytest

from catalog.contents import content_hash
from catalog.generation.edits import (
    UnusableText,
    attribute_lines,
    attributes_in,
    catalog_hash,
    lay_over,
    take_back,
    text_of,
)
from catalog.product_pages import PageRead, products_to_read, read_in_a_list, store_pages
from catalog.sources.source import ExtractedProduct
from marketplace.models import Product
from tests.catalog.generation.proposals import make_lamp

pytestmark = pytest.mark.django_db


@pytest.fixture
def said() -> ExtractedProduct:
    return ExtractedProduct(
        title="lamp brass",
        description="Of brass.",
        attributes={"Colour": "gold"},
        canonical_address="https://shop.example/p/1",
    )


def read(product: Product, said: ExtractedProduct) -> PageRead:
    return PageRead(products_to_read([product.pk])[product.pk], content=said, content_hash=content_hash(said))


def edit(product: Product, **texts: str) -> None:
    product.refresh_from_db()
    for field, text in texts.items():
        lay_over(product, field, "", text)
    product.save()


@pytest.fixture
def product(said: ExtractedProduct) -> Product:
    """A product as its page says it."""
    made = make_lamp()
    store_pages([read(made, said)])
    made.refresh_from_db()
    return made


def test_edits_lie_over_what_is_read_and_what_they_cover_is_kept(product: Product, said: ExtractedProduct) -> None:
    edit(product, title="Brass lamp", attributes="Height: 40 cm")

    store_pages([read(product, replace(said, title="lamp, brass, new", attributes={"Colour": "yellow"}))])

    product.refresh_from_db()
    assert (product.title, product.description) == ("Brass lamp", "Of brass.")
    assert product.attributes == {"Colour": "yellow", "Height": "40 cm"}
    assert product.unedited == {"title": "lamp, brass, new", "attributes": {"Colour": "yellow"}}
    assert product.content_hash == content_hash(replace(said, title="lamp, brass, new"))


def test_an_edited_product_whose_page_says_the_same_leads_nowhere(product: Product, said: ExtractedProduct) -> None:
    edit(product, title="Brass lamp", description="A lamp.", attributes="Height: 40 cm")
    before = Product.objects.filter(pk=product.pk).values().get()

    again = read(product, said)
    assert (again.is_changed, again.next_task) == (False, None)
    store_pages([again])

    stamps = {"last_seen_at", "scraped_at", "updated_at"}
    after = Product.objects.filter(pk=product.pk).values().get()
    assert {k: v for k, v in after.items() if k not in stamps} == {k: v for k, v in before.items() if k not in stamps}
    listed = read_in_a_list(products_to_read([product.pk])[product.pk], said)
    assert listed.content is None  # as not modified: nothing is written


def test_a_change_under_an_edit_needs_no_new_vector(product: Product, said: ExtractedProduct) -> None:
    edit(product, title="Brass lamp")
    assert read(product, replace(said, title="lamp new")).next_task == "quality-control"
    assert read(product, replace(said, description="New.")).next_task == "generate-embedding"


def test_an_edit_accepted_after_the_page_was_read_is_not_lost(product: Product, said: ExtractedProduct) -> None:
    early = read(product, replace(said, title="lamp of today"))
    edit(product, title="Brass lamp")

    store_pages([early])

    product.refresh_from_db()
    assert (product.title, product.unedited) == ("Brass lamp", {"title": "lamp of today"})


@pytest.mark.parametrize("field", ["title", "description", "attributes"])
@pytest.mark.parametrize("language", ["", "de"])
def test_what_is_taken_back_leaves_no_trace(product: Product, field: str, language: str) -> None:
    if language and field == "attributes":
        return
    fields = ("title", "description", "attributes", "edits", "unedited")
    before: dict[str, Any] = {name: getattr(product, name) for name in fields}

    lay_over(product, field, language, "Height: 40 cm")
    lay_over(product, field, language, "Height: 41 cm")
    assert text_of(product, field, language).endswith("41 cm")
    assert catalog_hash(product) == catalog_hash(Product.objects.get(pk=product.pk))
    take_back(product, field, language)
    take_back(product, field, language)

    assert {name: getattr(product, name) for name in fields} == before


def test_attributes_are_lines() -> None:
    attributes = {"Colour": "red: dark", "Sizes": ["S", "M"]}
    assert attribute_lines(attributes) == 'Colour: red: dark\nSizes: ["S", "M"]'
    assert attributes_in("Colour: red: dark\n\n Height : 4 cm ") == {"Colour": "red: dark", "Height": "4 cm"}


@pytest.mark.parametrize(
    ("field", "text"), [("title", " "), ("title", "x" * 501), ("description", ""), ("attributes", "no value here")]
)
def test_what_no_field_can_take_is_refused(product: Product, field: str, text: str) -> None:
    with pytest.raises(UnusableText):
        lay_over(product, field, "", text)
