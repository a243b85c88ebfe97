"""The seller's pages of proposals, without a browser: what they show, what they do, and to whom."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.generation.models import GenerationRequest, Proposal, ProposedText
from jobs.models import Job
from marketplace.accounts.models import SellerMember
from marketplace.models import Product, Seller
from tests.catalog.generation.proposals import DESCRIPTION, TITLE, make_lamp, propose
from tests.catalog.products import make_seller
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def log_in() -> Callable[[Seller], Client]:
    def log_in_for(seller: Seller) -> Client:
        user = User.objects.create_user(f"pia-{seller.pk}", password="a long password")
        SellerMember.objects.create(seller=seller, user=user)
        client = Client()
        client.force_login(user)
        return client

    return log_in_for


@pytest.fixture
def client(log_in: Callable[[Seller], Client], seller: Seller) -> Client:
    return log_in(seller)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_list_names_what_is_to_decide(client: Client, seller: Seller) -> None:
    noted = propose(make_lamp(seller, title="<b>lamp</b>"), notes=[{"kind": "number", "claim": "45"}])
    plain = propose(make_lamp(seller))

    page = client.get(reverse("seller-proposals")).content.decode()

    assert page.count("Please check before you accept") == 1
    assert "&lt;b&gt;lamp&lt;/b&gt;" in page
    assert page.index(f'value="{plain.proposal_id}"') < page.index(f'value="{noted.proposal_id}"')
    assert (
        "You have decided on nothing yet" in client.get(reverse("seller-proposals") + "?show=decided").content.decode()
    )


def test_the_list_compares_no_words(client: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(make_lamp(seller))
    monkeypatch.setattr("catalog.pages.proposals.compare_words", lambda *_: 1 / 0)
    assert len(client.get(reverse("seller-proposals")).context["rows"]) == 1


def test_pages_follow_one_another(client: Client, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.pages.proposals.PAGE_SIZE", 2)
    texts = [propose(make_lamp(seller)) for _ in range(3)]
    first = client.get(reverse("seller-proposals"))
    assert [row.proposal.pk for row in first.context["rows"]] == [texts[2].proposal_id, texts[1].proposal_id]
    second = client.get(f"{reverse('seller-proposals')}?before={first.context['older']}")
    assert [row.proposal.pk for row in second.context["rows"]] == [texts[0].proposal_id]
    assert client.get(f"{reverse('seller-proposals')}?before=²9999999999999999999").status_code == 200


def test_a_text_is_shown_against_what_stands_and_decided_on(client: Client, seller: Seller) -> None:
    product = make_lamp(seller)
    text = propose(product, text="lamp of brass")
    second = ProposedText.objects.create(
        proposal=text.proposal, field="description", text="A lamp.", source=DESCRIPTION
    )
    address = reverse("seller-proposal", args=[text.proposal_id])

    page = client.get(address).content.decode()
    assert "lamp <ins>of </ins>brass" in page
    answer = client.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "accept", "text": "lamp of brass"})
    assert answer["Location"] == f"{address}#text-{second.pk}"
    answer = client.post(
        reverse("seller-decide-text", args=[second.pk]), {"decision": "accept", "text": " My\r\nlamp. "}
    )
    assert answer["Location"] == address

    product.refresh_from_db()
    assert product.edits == {"title": "lamp of brass", "description": "My\nlamp."}
    assert set(ProposedText.objects.values_list("decided_by", flat=True)) == {f"pia-{seller.pk}"}
    answer = client.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "refuse"})
    assert said(answer)[-1] == "Title: The text was accepted or refused before."
    client.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "undo"})
    product.refresh_from_db()
    assert product.title == TITLE
    assert "undone" in client.get(address).content.decode()


def test_what_is_out_of_date_says_so_and_cannot_be_accepted(client: Client, seller: Seller) -> None:
    text = propose(product := make_lamp(seller))
    Product.objects.filter(pk=product.pk).update(title="lamp of today")
    page = client.get(reverse("seller-proposal", args=[text.proposal_id])).content.decode()
    assert "Out of date" in page
    assert 'value="accept"' not in page
    client.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "accept"})
    assert Product.objects.get().title == "lamp of today"


def test_an_accepted_text_says_so_when_the_catalog_changes_under_it(client: Client, seller: Seller) -> None:
    text = propose(product := make_lamp(seller))
    client.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "accept"})
    address = reverse("seller-proposal", args=[text.proposal_id])
    assert "Your catalog says something else" not in client.get(address).content.decode()
    Product.objects.filter(pk=product.pk).update(unedited={"title": "lamp of today"})
    page = client.get(address).content.decode()
    assert "Your catalog says something else" in page
    assert "lamp of today" in page


def test_the_ticked_are_accepted_together(client: Client, seller: Seller) -> None:
    good, noted, other = (propose(make_lamp(seller)) for _ in range(3))
    ProposedText.objects.filter(pk=noted.pk).update(notes=[{"kind": "number", "claim": "45"}])
    chosen = [good.proposal_id, noted.proposal_id]
    answer = client.post(reverse("seller-accept-proposals"), {"proposal": chosen})
    assert said(answer) == [
        "1 text accepted. The products are being checked anew.",
        "1 text is left: out of date, or with something to check. Look at each.",
    ]
    assert list(ProposedText.objects.order_by("pk").values_list("state", flat=True)) == ["accepted", "open", "open"]
    assert other.proposal_id not in chosen
    assert said(client.post(reverse("seller-accept-proposals")))[-1].startswith("Tick")


def test_nobody_sees_or_decides_on_another_s(log_in: Callable[[Seller], Client], seller: Seller) -> None:
    text = propose(product := make_lamp(seller))
    stranger = log_in(make_seller("Other"))
    pages = [
        reverse("seller-proposal", args=[text.proposal_id]),
        reverse("seller-generation", args=[text.proposal.request_id]),
    ]
    for page in pages:
        assert stranger.get(page).status_code == 404
        assert Client().get(page).status_code == 302
    assert stranger.post(reverse("seller-decide-text", args=[text.pk]), {"decision": "accept"}).status_code == 404
    stranger.post(reverse("seller-accept-proposals"), {"proposal": [text.proposal_id]})
    assert stranger.get(reverse("seller-proposals")).context["rows"] == []
    assert stranger.get(reverse("seller-ask-proposals")).context["listed"] == []
    product.refresh_from_db()
    assert product.edits == {}


def test_proposals_are_asked_for_and_followed(client: Client, seller: Seller, gemini_api: GeminiApi) -> None:
    products = [make_lamp(seller, title=f"lamp {n}", sku=f"S{n}") for n in range(3)]
    address = reverse("seller-ask-proposals")
    assert [it.pk for it in client.get(address, {"q": "S1"}).context["listed"]] == [products[1].pk]

    form = {"kinds": ["title", "translation"], "tone": "neutral", "length": "short", "languages": ["de"]}
    answer = client.post(address, {**form, "scope": "ticked", "product": [products[0].pk, products[2].pk]})

    request = GenerationRequest.objects.get()
    assert answer["Location"] == reverse("seller-generation", args=[request.pk])
    assert (request.trigger, request.parameters["languages"]) == ("page", ["de"])
    assert Job.objects.filter(task="ai_generation").count() == 2
    page = client.get(answer["Location"]).content.decode()
    assert "0 of 2 done" in page
    assert 'hx-trigger="every 2s"' in page
    Proposal.objects.update(state="failed", error_code="gemini.key_refused", error_message="Set GEMINI_API_KEY.")
    GenerationRequest.objects.update(finished_at=request.created_at)
    page = client.get(answer["Location"]).content.decode()
    assert "The model could not be asked" in page
    assert "GEMINI_API_KEY" not in page
    assert "hx-trigger" not in page
    client.post(address, {**form, "scope": "all", "q": "lamp"})
    assert Proposal.objects.count() == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kinds": []}, "Choose at least one."),
        ({"product": []}, "Tick the products"),
        ({"kinds": ["translation"]}, "Choose the languages"),
        ({"product": ["987654321"]}, "These are no products"),
    ],
)
def test_a_form_that_cannot_be_taken_says_what_to_change(
    client: Client, seller: Seller, gemini_api: GeminiApi, changes: dict[str, Any], message: str
) -> None:
    form = {"kinds": ["title"], "tone": "neutral", "length": "short", "product": [make_lamp(seller).pk]}
    answer = client.post(reverse("seller-ask-proposals"), form | changes)
    assert message in answer.content.decode()
    assert not GenerationRequest.objects.exists()


def test_without_a_key_the_page_says_that_nothing_can_be_asked_for(
    client: Client, seller: Seller, settings: Any
) -> None:
    settings.GEMINI_API_KEY = ""
    form = {"kinds": ["title"], "tone": "neutral", "length": "short", "product": [make_lamp(seller).pk]}
    assert "not set up" in client.get(reverse("seller-ask-proposals")).content.decode()
    answer = client.post(reverse("seller-ask-proposals"), form)
    assert (answer.status_code, "not set up" in answer.content.decode()) == (503, True)
    assert not Job.objects.filter(task="ai_generation").exists()


def test_staff_see_requests_and_proposals_and_change_nothing(seller: Seller) -> None:
    text = propose(make_lamp(seller), notes=[{"kind": "number", "claim": "45"}])
    Proposal.objects.update(answer=json.loads('{"title": "x"}'))
    staff = Client()
    staff.force_login(User.objects.create_superuser("ada", password="a long password"))
    request = text.proposal.request_id
    for page in (
        reverse("admin:catalog_generationrequest_changelist"),
        reverse("admin:catalog_generationrequest_change", args=[request]),
        reverse("admin:catalog_proposal_changelist") + f"?request__id__exact={request}",
        reverse("admin:catalog_proposal_change", args=[text.proposal_id]),
    ):
        assert staff.get(page).status_code == 200, page
    assert staff.post(reverse("admin:catalog_proposal_delete", args=[text.proposal_id])).status_code == 403


def test_the_list_of_requests_asks_no_more_for_more_of_them(
    seller: Seller, django_assert_num_queries: Callable[..., Any]
) -> None:
    staff = Client()
    staff.force_login(User.objects.create_superuser("ada", password="a long password"))
    address = reverse("admin:catalog_generationrequest_changelist")
    propose(make_lamp(seller))
    with CaptureQueriesContext(connection) as few:
        assert "1 of 1 (1 ready, 0 unchanged, 0 failed)" in staff.get(address).content.decode()
    for _ in range(3):
        propose(make_lamp(seller))
    with django_assert_num_queries(len(few)):
        staff.get(address)
