"""What staff decides, and what becomes of it."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs.models import Audit, Job, Priority
from marketplace.models import Product, Seller
from marketplace.notifications.models import OutboxEntry
from qc import holds, review
from qc.models import ReviewHold, Verdict
from qc.review import ProductChanged, ReasonMissing, check_again, decide, undo
from qc.rules.contract import Reason, Severity
from qc.staff_reasons import BY_CODE
from qc.verdicts import judge_products
from tests.qc.reviewing import control, make_flagged, make_product, make_reviewer

pytestmark = pytest.mark.django_db
Decision = Verdict.Decision
COUNTERFEIT = BY_CODE["staff.counterfeit"]
ADVICE = {"code": "text.garbled", "severity": "advise", "field": "title", "message": "It is.", "remedy": "Write."}


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


@pytest.fixture
def product(seller: Seller) -> Product:
    return make_flagged(seller)


def standing(product: Product) -> tuple[str, list[str]]:
    product.refresh_from_db()
    return product.status, [it["code"] for it in product.reasons]


def test_an_approval_keeps_the_advice_and_has_the_index_follow(product: Product, ana: User) -> None:
    flagged = product.verdicts.get()
    Product.objects.update(reasons=[*product.reasons, ADVICE])

    verdict = decide(product.pk, decision=Decision.APPROVED, actor=ana, note="a museum's number")

    assert standing(product) == ("pending", ["text.garbled"])
    assert (verdict.decision, verdict.is_automatic, verdict.made_by, verdict.note) == (
        "approved",
        False,
        ana,
        "a museum's number",
    )
    assert (verdict.overrides, verdict.content_hash) == (flagged, flagged.content_hash)
    assert verdict.content["description"] == product.description
    job = Job.objects.get(task="index-product")
    assert (job.payload["product"], job.tenant, job.priority) == (product.pk, product.seller.tenant, Priority.HIGH)
    audit = Audit.objects.get()
    assert (audit.actor, audit.action, audit.subject, audit.reason) == (
        "ana",
        "approve product",
        f"product {product.pk}",
        "text.garbled: a museum's number",
    )


def test_a_rejection_tells_the_seller_why(product: Product, ana: User) -> None:
    with pytest.raises(ReasonMissing, match="Say why"):
        decide(product.pk, decision=Decision.REJECTED, actor=ana)
    assert Verdict.objects.filter(is_automatic=False).count() == Audit.objects.count() == 0

    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])

    assert standing(product) == ("rejected", ["staff.counterfeit"])
    assert product.reasons[0]["remedy"] == COUNTERFEIT.remedy


def test_the_seller_is_told(product: Product, ana: User) -> None:
    OutboxEntry.objects.all().delete()

    undo(decide(product.pk, decision=Decision.APPROVED, actor=ana), ana)
    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])

    told = [(it.kind, it.seller_id, it.subjects[0]["product"]) for it in OutboxEntry.objects.order_by("pk")]
    kinds = ["products.approved", "products.flagged", "products.rejected"]
    assert told == [(kind, product.seller_id, product.pk) for kind in kinds]


def test_a_live_product_that_staff_rejects_is_taken_off(seller: Seller, ana: User) -> None:
    product = make_product(seller)
    control(product)
    Product.objects.update(status="live")

    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])

    assert standing(product)[0] == "rejected"
    assert Job.objects.filter(task="index-product").count() == 1


def test_what_staff_decided_outlives_the_rules_until_the_seller_changes_it(product: Product, ana: User) -> None:
    decide(product.pk, decision=Decision.APPROVED, actor=ana)
    control(product)
    assert product.status == "pending"

    Product.objects.update(title="Lamp, red")
    control(product)
    assert product.status == "flagged"


@pytest.mark.parametrize("status", ["gone", "dead"])
def test_nothing_is_decided_on_what_is_away(product: Product, ana: User, status: str) -> None:
    Product.objects.update(status=status)

    for act in (
        lambda: decide(product.pk, decision=Decision.APPROVED, actor=ana),
        lambda: check_again(product.pk, actor=ana, reason="why not"),
    ):
        with pytest.raises(review.ProductIsAway):
            act()
    assert Verdict.objects.count() == 1


def test_a_decision_on_what_has_changed_since_is_refused(product: Product, ana: User) -> None:
    seen = judge_products([product.pk])[product.pk].facts.content_hash
    Product.objects.update(title="A handgun")

    with pytest.raises(ProductChanged):
        decide(product.pk, decision=Decision.APPROVED, actor=ana, seen=seen)

    assert standing(product)[0] == "flagged"


def test_a_product_in_another_ones_hands_is_left_alone(product: Product, ana: User) -> None:
    holds.take(product.pk, user=make_reviewer("ben"))

    with pytest.raises(holds.HeldByAnother):
        decide(product.pk, decision=Decision.APPROVED, actor=ana)
    with pytest.raises(holds.HeldByAnother):
        check_again(product.pk, actor=ana, reason="why not")


def test_the_queue_insists_on_a_hold_and_a_decision_ends_it(product: Product, ana: User) -> None:
    with pytest.raises(holds.NotHeld):
        decide(product.pk, decision=Decision.APPROVED, actor=ana, must_hold=True)

    holds.take(product.pk, user=ana)
    decide(product.pk, decision=Decision.APPROVED, actor=ana, must_hold=True)

    assert ReviewHold.objects.count() == 0


def test_undo_brings_back_what_held_before(product: Product, ana: User) -> None:
    flagged = product.verdicts.get()
    verdict = decide(product.pk, decision=Decision.APPROVED, actor=ana)

    restored = undo(verdict, ana)

    assert standing(product) == ("flagged", ["text.phone_number"])
    assert (restored.decision, restored.is_automatic, restored.undoes, restored.made_by) == (
        "flagged",
        True,
        verdict,
        ana,
    )
    assert (restored.rule_version, restored.input_hash) == (flagged.rule_version, flagged.input_hash)
    assert Job.objects.filter(task="index-product").count() == 2
    assert [it.action for it in Audit.objects.all()] == ["undo verdict", "approve product"]
    control(product)
    assert product.verdicts.count() == 3


def test_undo_goes_back_to_an_earlier_verdict_of_staff(product: Product, ana: User) -> None:
    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])
    second = decide(product.pk, decision=Decision.APPROVED, actor=make_reviewer("ben"))

    restored = undo(second, ana)

    assert standing(product) == ("rejected", ["staff.counterfeit"])
    assert not restored.is_automatic
    control(product)
    assert standing(product)[0] == "rejected"


def test_undo_leaves_what_was_never_judged_to_staff(seller: Seller, ana: User) -> None:
    product = make_product(seller, status="flagged")

    undo(decide(product.pk, decision=Decision.APPROVED, actor=ana), ana)

    assert standing(product) == ("flagged", ["qc.not_judged"])


def test_undo_never_shows_what_was_not_judged(product: Product, ana: User) -> None:
    decide(product.pk, decision=Decision.APPROVED, actor=ana)
    Product.objects.filter(pk=product.pk).update(title="Something else", status="live")
    refused = decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])

    undo(refused, ana)

    assert standing(product) == ("flagged", ["qc.not_judged"])
    assert Job.objects.filter(task="quality-control").count() == 1


def test_only_what_holds_by_staff_can_be_undone_and_once(product: Product, ana: User) -> None:
    with pytest.raises(review.NothingToUndo):
        undo(product.verdicts.get(), ana)
    first = decide(product.pk, decision=Decision.APPROVED, actor=ana)
    second = decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])
    with pytest.raises(review.NothingToUndo):
        undo(first, ana)
    restored = undo(second, ana)
    for verdict in (second, restored):
        with pytest.raises(review.NothingToUndo):
            undo(verdict, ana)


def test_a_new_check_ends_what_staff_decided(product: Product, ana: User) -> None:
    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[COUNTERFEIT])

    check_again(product.pk, actor=ana, reason="the maker confirmed it")

    assert standing(product) == ("rejected", ["staff.counterfeit"])
    assert Job.objects.get(task="quality-control").payload["product"] == product.pk
    control(product)
    assert standing(product) == ("flagged", ["text.phone_number"])
    assert Audit.objects.first().reason == "the maker confirmed it"


def test_each_new_check_is_made(product: Product, ana: User) -> None:
    for _ in range(2):
        check_again(product.pk, actor=ana, reason="the rules were set anew")

    assert Job.objects.filter(task="quality-control").count() == 2
    assert product.verdicts.count() == 1


def test_staff_does_not_flag(product: Product, ana: User) -> None:
    with pytest.raises(ValueError, match="approves or rejects"):
        decide(product.pk, decision=Decision.FLAGGED, actor=ana)


def test_own_words_reach_the_seller(product: Product, ana: User) -> None:
    words = Reason(code="staff.other", severity=Severity.REJECT, field="", message="Not here.", remedy="Go.")

    decide(product.pk, decision=Decision.REJECTED, actor=ana, reasons=[words])

    assert standing(product) == ("rejected", ["staff.other"])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_refused() -> None:
    product = make_flagged(Seller.objects.create(name="Harbour Lane"))
    ana, ben = make_reviewer("ana"), make_reviewer("ben")
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def judge(user: User) -> None:
        try:
            barrier.wait(timeout=10)
            holds.take(product.pk, user=user)
            decide(product.pk, decision=Decision.APPROVED, actor=user, must_hold=True)
            outcomes.append("decided")
        except (holds.HeldByAnother, holds.NotHeld) as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads: list[Any] = [threading.Thread(target=judge, args=(user,)) for user in (ana, ben)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    # Who came after the other's decision found the product free, and decided anew.
    assert outcomes.count("decided") == Verdict.objects.filter(is_automatic=False).count()
    assert len(outcomes) == 2
    assert "decided" in outcomes
