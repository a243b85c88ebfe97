"""Verdicts: what is decided, recorded once, and what becomes of the product."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from jobs.batch import NewJob
from jobs.execution import run_once
from jobs.ledger import enqueue
from jobs.models import Job, Priority, Worker
from jobs.session import Session
from marketplace.models import Picture, Product, Seller
from qc.models import RulesetRevision, Verdict
from qc.rules.contract import ProductFacts, Severity
from qc.rules.ruleset import CODE_VERSION
from qc.rulesets import forget_ruleset
from qc.verdicts import judge, judge_products, record_judgements

pytestmark = pytest.mark.django_db
Status = Product.Status


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


def make(seller: Seller, *, status: str = "pending", **fields: Any) -> Product:
    values = {
        "title": "Lamp",
        "description": "A lamp of brass and linen.",
        "price": Decimal(20),
        "currency": "EUR",
        "external_id": f"x:{Product.objects.count()}",
    }
    product = Product.objects.create(seller=seller, status=status, **values | fields)
    Picture.objects.create(product=product, status="ready", width_px=500, height_px=500)
    return product


def control(*products: Product) -> dict[int, tuple[str, bool]]:
    """Judge and record; return decision and whether the index must follow, by product."""
    recorded = record_judgements(judge_products([product.pk for product in products]))
    return {it.product_id: (it.decision, it.must_reindex) for it in recorded}


def state(product: Product) -> tuple[str, list[str]]:
    product.refresh_from_db()
    return product.status, [reason["code"] for reason in product.reasons]


def test_a_reject_outweighs_a_flag_and_comes_first() -> None:
    judgement = judge(ProductFacts(title="Lamp", description="call +44 20 7946 0123", price=Decimal(1)))

    assert judgement.decision == "rejected"
    assert [reason.code for reason in judgement.reasons[:2]] == ["picture.missing", "text.phone_number"]
    assert {reason.severity for reason in judgement.reasons[2:]} == {Severity.ADVISE}


@pytest.mark.parametrize(
    ("before", "fields", "decision", "after", "must_reindex"),
    [
        ("pending", {}, "approved", "pending", True),
        ("live", {}, "approved", "live", True),
        ("rejected", {}, "approved", "pending", True),
        ("flagged", {}, "approved", "pending", True),
        ("pending", {"price": None}, "rejected", "rejected", False),
        ("live", {"price": None}, "rejected", "rejected", True),
        ("live", {"title": "call +44 20 7946 0123"}, "flagged", "flagged", True),
        ("pending", {"title": "call +44 20 7946 0123"}, "flagged", "flagged", False),
        ("gone", {}, "approved", "gone", False),
        ("dead", {}, "approved", "dead", False),
        ("gone", {"price": None}, "rejected", "gone", False),
    ],
)
def test_what_becomes_of_a_product(
    seller: Seller, before: str, fields: dict[str, Any], decision: str, after: str, must_reindex: bool
) -> None:
    product = make(seller, status=before, **fields)

    assert control(product) == {product.pk: (decision, must_reindex)}
    assert state(product)[0] == after
    assert product.verdicts.get().decision == decision


def test_the_same_input_is_judged_once(seller: Seller) -> None:
    product = make(seller)
    control(product)
    control(product)
    assert Verdict.objects.count() == 1

    Product.objects.update(price=None)
    control(product)
    assert [it.decision for it in Verdict.objects.all()] == ["rejected", "approved"]

    revision = RulesetRevision.objects.create(changes={"price.missing": {"severity": "flag"}})
    forget_ruleset()
    control(product)
    assert [(it.rule_version, it.decision) for it in Verdict.objects.all()] == [
        (f"{CODE_VERSION}.{revision.pk}", "flagged"),
        (f"{CODE_VERSION}.0", "rejected"),
        (f"{CODE_VERSION}.0", "approved"),
    ]


def test_what_was_judged_by_rules_of_before_is_recorded_by_those_of_now(seller: Seller) -> None:
    product = make(seller, price=None)
    judgements = judge_products([product.pk])
    RulesetRevision.objects.create(changes={"price.missing": {"severity": "flag"}})
    forget_ruleset()

    assert [it.decision for it in record_judgements(judgements)] == ["flagged"]


def test_what_staff_decided_holds_until_the_seller_says_something_else(seller: Seller) -> None:
    product = make(seller, price=None)
    control(product)
    facts = judge_products([product.pk])[product.pk].facts
    product.verdicts.create(decision="approved", is_automatic=False, content_hash=facts.content_hash)

    assert control(product) == {product.pk: ("approved", True)}
    assert product.verdicts.count() == 2

    Product.objects.update(description="now with a cord")
    assert control(product) == {product.pk: ("rejected", False)}
    assert [it.is_automatic for it in product.verdicts.all()] == [True, False, True]


def test_facts_that_changed_since_the_judgement_are_judged_anew(seller: Seller) -> None:
    original, copy = make(seller), make(seller)
    judgements = judge_products([original.pk, copy.pk])
    Product.objects.filter(pk=copy.pk).update(duplicate_of=original)

    recorded = record_judgements(judgements)

    assert [it.decision for it in recorded] == ["approved", "rejected"]
    assert state(copy) == ("rejected", ["catalog.duplicate"])


def test_the_number_of_queries_does_not_grow_with_the_products(
    seller: Seller, django_assert_max_num_queries: Any
) -> None:
    products = [make(seller, price=None if number % 2 else Decimal(1)) for number in range(40)]
    with django_assert_max_num_queries(30):  # six of them tell the seller
        control(*products)


@pytest.fixture
def worker() -> Session:
    opened = Session(name="test-worker", queues=[])
    opened.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=[]).pk
    return opened


def enqueue_control(product: Product, key: str = "1") -> None:
    payload = {"sync": 7, "product": product.pk}
    enqueue(NewJob("quality-control", payload, tenant="t", priority=Priority.HIGH, group="sync:7", key=key))


def test_the_stage_hands_approved_products_on(seller: Seller, worker: Session) -> None:
    good, bad, deleted = make(seller), make(seller, price=None), make(seller)
    for product in (good, bad, deleted):
        enqueue_control(product, key=f"7:{product.pk}")
    Product.objects.filter(pk=deleted.pk).delete()

    assert run_once("quality-control", session=worker, limit=64) == 3

    results = Job.objects.filter(task="quality-control").order_by("pk").values_list("result", flat=True)
    assert [it and it["decision"] for it in results] == ["approved", "rejected", "deleted"]
    following = Job.objects.get(task="index-product")
    assert following.payload == {"sync": 7, "product": good.pk}
    assert (following.grp, following.tenant, following.priority) == ("sync:7", "t", Priority.HIGH)
    assert state(bad) == ("rejected", ["price.missing"])


def test_each_verdict_in_a_sync_has_the_index_follow(seller: Seller, worker: Session) -> None:
    product = make(seller)
    for key in ("first", "second"):
        enqueue_control(product, key=key)
        run_once("quality-control", session=worker, limit=64)

    assert Job.objects.filter(task="index-product").count() == 2


def test_what_cannot_be_judged_is_left_to_staff(
    seller: Seller, worker: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ArithmeticError

    product = make(seller)
    enqueue_control(product)
    Job.objects.update(max_attempts=1)
    monkeypatch.setattr("qc.verdicts.current_ruleset", broken)

    run_once("quality-control", session=worker, limit=64)

    assert state(product) == ("flagged", ["qc.not_judged"])
    assert Job.objects.get(task="quality-control").state == "dead"


def test_staff_sees_verdicts_and_cannot_change_them(seller: Seller, client: Client) -> None:
    product = make(seller, price=None)
    control(product)
    client.force_login(get_user_model().objects.create_superuser("staff"))

    listed = client.get("/admin/qc/verdict/")
    verdict = Verdict.objects.get()

    assert listed.status_code == 200
    assert "price.missing" in listed.content.decode()
    assert f"/admin/marketplace/product/{product.pk}/change/" in listed.content.decode()
    assert client.get(f"/admin/qc/verdict/{verdict.pk}/change/").status_code == 200
    assert client.get("/admin/qc/verdict/add/").status_code == 403
    assert client.post(f"/admin/qc/verdict/{verdict.pk}/delete/").status_code == 403
