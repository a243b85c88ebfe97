"""Appeals: who may ask, how often, and what an answer does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.models import Audit, Job
from marketplace.models import Product, Seller
from marketplace.notifications.models import OutboxEntry
from qc.appeals import (
    AlreadyAnswered,
    AnswerMissing,
    BadWhy,
    CannotAppeal,
    NothingToAppeal,
    NotOpen,
    TooManyAppeals,
    UnderReview,
    WaitsForStaff,
    answer,
    ground_for,
    open_appeal,
    open_count,
    withdraw,
)
from qc.facts import facts_of
from qc.models import Appeal, Verdict
from qc.review import ProductChanged, ProductIsAway
from tests.marketplace.factories import make_product, make_seller
from tests.qc.rejected import IN_CAPITALS, NO_PRICE, make_judged, make_verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return make_seller(name="Lamp House")


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("ada", "ada@example.com", "a long password")


def _appeal(product: Product, why: str = "It has a price on request.") -> Appeal:
    return open_appeal(product.pk, why=why, asked_by="ann@shop.example")


def test_an_appeal_names_the_verdict_that_holds(seller: Seller) -> None:
    product = make_judged(seller)
    latest = make_verdict(product)
    appeal = _appeal(product, "  Look again.\r\nPlease.  ")
    assert (appeal.verdict, appeal.seller, appeal.state) == (latest, seller, "open")
    assert (appeal.why, appeal.asked_by) == ("Look again.\nPlease.", "ann@shop.example")
    assert open_count() == "1"


@pytest.mark.parametrize("why", ["", "  \n ", "x" * 501, "a\x00b"])
def test_a_why_is_asked_for_and_has_an_end(seller: Seller, why: str) -> None:
    with pytest.raises(BadWhy):
        _appeal(make_judged(seller), why)


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda seller: make_judged(seller, decision="approved", reasons=[]), NothingToAppeal),
        (lambda seller: make_judged(seller, decision="flagged"), WaitsForStaff),
        (lambda seller: make_judged(seller, status="gone"), NothingToAppeal),
        (lambda seller: make_product(seller, status="dead"), NothingToAppeal),
        (lambda seller: make_product(seller, status="pending"), NothingToAppeal),
    ],
)
def test_only_a_rejection_is_appealed(
    seller: Seller, make: Callable[[Seller], Product], refusal: type[CannotAppeal]
) -> None:
    with pytest.raises(refusal):
        _appeal(make(seller))


def test_one_is_open_for_a_verdict_also_in_the_database(seller: Seller) -> None:
    product = make_judged(seller)
    appeal = _appeal(product)
    with pytest.raises(UnderReview):
        _appeal(product)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.create(seller=seller, product=product, verdict=appeal.verdict, why="x", asked_by="x")


def test_what_was_withdrawn_may_be_asked_again(seller: Seller) -> None:
    product = make_judged(seller)
    appeal = withdraw(_appeal(product))
    assert (appeal.state, appeal.closed_at is not None) == ("withdrawn", True)
    with pytest.raises(NotOpen):
        withdraw(appeal)
    assert _appeal(product).state == "open"


def test_a_seller_has_a_day_s_share(seller: Seller) -> None:
    product = make_judged(seller)
    verdicts = [make_verdict(make_judged(seller)) for _ in range(20)]
    now = timezone.now()
    Appeal.objects.bulk_create(
        Appeal(seller=seller, product=it.product, verdict=it, why="x", asked_by="x") for it in verdicts
    )
    with pytest.raises(TooManyAppeals):
        _appeal(product)
    assert ground_for(product, now=now + timedelta(days=1, minutes=1)).refusal is None
    assert ground_for(make_judged(make_seller())).refusal is None


def test_what_is_upheld_stays_and_the_seller_is_told(seller: Seller, staff: User) -> None:
    product = make_judged(seller)
    appeal = answer(_appeal(product), is_upheld=True, actor=staff, text=" It has no price. ")
    product.refresh_from_db()
    assert (appeal.state, appeal.answer, appeal.answered_by) == ("upheld", "It has no price.", staff)
    assert (product.status, Verdict.objects.count(), open_count()) == ("rejected", 1, "0")
    told = OutboxEntry.objects.get(kind="appeal.answered")
    assert told.seller == seller
    assert told.subjects == [
        {"product": product.pk, "title": product.title, "reason": "price.missing", "message": "It has no price."}
    ]
    assert told.facts == {"appeal": appeal.pk, "outcome": "upheld", "answer": "It has no price."}
    assert Audit.objects.get().action == "answer appeal: upheld"
    with pytest.raises(AlreadyAnswered):
        _appeal(product)


def test_what_is_overturned_is_approved_by_a_person(seller: Seller, staff: User) -> None:
    product = make_judged(seller, reasons=[NO_PRICE, IN_CAPITALS])
    appeal = answer(_appeal(product), is_upheld=False, actor=staff, text="You are right.")
    product.refresh_from_db()
    verdict = appeal.new_verdict
    assert (appeal.state, verdict.decision, verdict.is_automatic, verdict.made_by) == (
        "overturned", "approved", False, staff,
    )  # fmt: skip
    assert (product.status, product.reasons) == ("pending", [IN_CAPITALS])
    assert Job.objects.filter(task="index-product", payload__product=product.pk).count() == 1
    assert OutboxEntry.objects.filter(kind="appeal.answered").count() == 1
    with pytest.raises(NotOpen):
        answer(appeal, is_upheld=True, actor=staff, text="No, after all.")


def test_an_answer_says_something_and_is_of_what_was_seen(seller: Seller, staff: User) -> None:
    product = make_judged(seller)
    appeal = _appeal(product)
    seen = facts_of([product])[product.pk].content_hash
    for text in ("", " ", "x" * 2001):
        with pytest.raises(AnswerMissing):
            answer(appeal, is_upheld=True, actor=staff, text=text)
    Product.objects.filter(pk=product.pk).update(title="Knife")
    with pytest.raises(ProductChanged):
        answer(appeal, is_upheld=False, actor=staff, text="Yes.", seen=seen)
    Product.objects.filter(pk=product.pk).update(status="gone")
    with pytest.raises(ProductIsAway):
        answer(appeal, is_upheld=False, actor=staff, text="Yes.")
    appeal.refresh_from_db()
    assert (appeal.state, OutboxEntry.objects.count()) == ("open", 0)


def test_a_new_verdict_may_be_appealed_anew(seller: Seller, staff: User) -> None:
    product = make_judged(seller)
    answer(_appeal(product), is_upheld=True, actor=staff, text="No.")
    make_verdict(product, input_hash="y")
    assert ground_for(product).refusal is None
