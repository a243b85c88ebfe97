"""What becomes of a product when its seller takes a text, changes it, refuses it, or takes it back."""

from typing import Any

import pytest

from catalog.generation.accepting import (
    NotAccepted,
    NotOpen,
    OutOfDate,
    accept_text,
    accept_texts,
    refuse_text,
    undo_text,
)
from catalog.generation.edits import UnusableText
from catalog.generation.models import ProposedText
from jobs.models import Job
from marketplace.models import Product
from tests.catalog.generation.proposals import DESCRIPTION, TITLE, make_lamp, propose
from tests.catalog.products import make_seller

pytestmark = pytest.mark.django_db


def now(product: Product) -> Product:
    return Product.objects.get(pk=product.pk)


def test_an_accepted_text_is_laid_over_and_the_product_looked_at_anew() -> None:
    product = make_lamp()
    text = propose(product, text="Brass table lamp")

    accept_text(text.pk, actor="pia")

    after = now(product)
    assert (after.title, after.edits, after.unedited) == (
        "Brass table lamp", {"title": "Brass table lamp"}, {"title": TITLE},
    )  # fmt: skip
    assert after.content_hash == product.content_hash
    (job,) = Job.objects.filter(task="generate-embedding")
    assert job.payload == {"edit": f"{text.pk}-accepted", "sync": product.last_sync_id, "product": product.pk}
    assert job.tenant == product.seller.tenant
    text.refresh_from_db()
    assert (text.state, text.accepted_text, text.decided_by) == ("accepted", "Brass table lamp", "pia")


def test_a_changed_text_is_the_seller_s_own() -> None:
    text = propose(product := make_lamp(), text="Brass table lamp")
    accept_text(text.pk, actor="pia", changed_to="  My brass lamp ")
    assert now(product).title == "My brass lamp"
    text.refresh_from_db()
    assert (text.text, text.accepted_text) == ("Brass table lamp", "My brass lamp")


def test_texts_of_one_proposal_do_not_make_each_other_out_of_date() -> None:
    product = make_lamp(attributes={"Colour": "gold"})
    title = propose(product, text="Brass table lamp")
    others = [
        ProposedText.objects.create(
            proposal=title.proposal, field="description", text="A lamp of brass.", source=DESCRIPTION
        ),
        ProposedText.objects.create(
            proposal=title.proposal, field="attributes", text="Material: Brass", source="Colour: gold"
        ),
        ProposedText.objects.create(
            proposal=title.proposal, field="title", language="de", text="Messinglampe", source=TITLE
        ),
    ]
    for text in (title, *others):
        accept_text(text.pk, actor="pia")

    after = now(product)
    assert (after.title, after.description) == ("Brass table lamp", "A lamp of brass.")
    assert after.attributes == {"Colour": "gold", "Material": "Brass"}
    assert after.edits["translations"] == {"de": {"title": "Messinglampe"}}
    assert after.edits["attributes"] == {"Material": "Brass"}
    assert Job.objects.filter(task="generate-embedding").count() == 3  # a translation is no text of the index


@pytest.mark.parametrize(
    "changes", [{"title": "lamp"}, {"description": "New."}, {"attributes": {"Colour": "red"}}, {"brand": "New"}]
)
def test_a_text_for_what_the_catalog_said_before_is_not_applied(changes: dict[str, Any]) -> None:
    text = propose(product := make_lamp())
    Product.objects.filter(pk=product.pk).update(**changes)
    with pytest.raises(OutOfDate):
        accept_text(text.pk, actor="pia")
    assert now(product).edits == {}
    text.refresh_from_db()
    assert text.state == "open"
    assert accept_texts([text], actor="pia") == (0, 1)
    refuse_text(text.pk, actor="pia")


def test_of_two_proposals_for_one_field_the_second_is_out_of_date() -> None:
    product = make_lamp()
    first, second = propose(product, text="Brass lamp"), propose(product, text="Lamp of brass")
    accept_text(first.pk, actor="pia")
    with pytest.raises(OutOfDate):
        accept_text(second.pk, actor="pia")
    Product.objects.filter(pk=product.pk).update(price=1)  # what was not written about
    assert now(product).title == "Brass lamp"


def test_a_text_is_decided_on_once() -> None:
    text = propose(product := make_lamp())
    with pytest.raises(NotAccepted):
        undo_text(text.pk, actor="pia")
    refuse_text(text.pk, actor="pia")
    for decide in (accept_text, refuse_text):
        with pytest.raises(NotOpen):
            decide(text.pk, actor="pia")
    assert (now(product).title, Job.objects.filter(task="generate-embedding").count()) == (TITLE, 0)


def test_a_text_that_no_field_takes_leaves_all_as_it_was() -> None:
    text = propose(product := make_lamp())
    with pytest.raises(UnusableText):
        accept_text(text.pk, actor="pia", changed_to="x" * 501)
    text.refresh_from_db()
    assert (text.state, now(product).edits) == ("open", {})


def test_undoing_brings_back_what_the_catalog_says_by_now() -> None:
    product = make_lamp()
    text = propose(product, text="Brass table lamp")
    accept_text(text.pk, actor="pia")
    Product.objects.filter(pk=product.pk).update(unedited={"title": "lamp of today"})

    undo_text(text.pk, actor="pia")

    after = now(product)
    assert (after.title, after.edits, after.unedited) == ("lamp of today", {}, {})
    assert [job.payload["edit"] for job in Job.objects.filter(task="generate-embedding").order_by("pk")] == [
        f"{text.pk}-accepted", f"{text.pk}-undone",
    ]  # fmt: skip
    text.refresh_from_db()
    assert text.state == "undone"
    with pytest.raises(NotAccepted):
        undo_text(text.pk, actor="pia")


@pytest.mark.parametrize("fields", [{"embedding_fingerprint": ""}, {"status": "gone"}])
def test_a_product_that_comes_through_the_stages_anyway_or_never_gets_no_job(fields: dict[str, Any]) -> None:
    text = propose(product := make_lamp(**fields))
    accept_text(text.pk, actor="pia")
    assert now(product).title == text.text
    assert not Job.objects.filter(task="generate-embedding").exists()


def test_many_are_accepted_at_once_but_those_that_want_a_look() -> None:
    seller = make_seller()
    products = [make_lamp(seller) for _ in range(3)]
    good = [propose(product) for product in products[:2]]
    second = ProposedText.objects.create(
        proposal=good[0].proposal, field="description", text="A lamp.", source=DESCRIPTION
    )
    noted = propose(products[2], notes=[{"kind": "number", "claim": "45"}])

    assert accept_texts([*good, second, noted], actor="pia") == (3, 1)

    assert [now(product).title for product in products] == ["Brass table lamp", "Brass table lamp", TITLE]
    assert now(products[0]).description == "A lamp."
    # One look at each product, however many of its texts were taken.
    assert Job.objects.filter(task="generate-embedding").count() == 2
    assert accept_texts([*good, second], actor="pia") == (0, 0)
