"""Figures of the review."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from marketplace.models import Product, Seller
from qc import holds
from qc.models import Verdict
from qc.review import decide, undo
from qc.review_figures import (
    Overturned,
    decided_today,
    decided_today_by,
    held_now,
    last_decision,
    overturned_by_code,
    waiting_since,
)
from qc.staff_reasons import BY_CODE
from tests.qc.reviewing import control, make_flagged, make_product, make_reviewer

pytestmark = pytest.mark.django_db
Decision = Verdict.Decision
POOR = BY_CODE["staff.poor_picture"]


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


def test_a_rule_that_staff_overturns_is_told(seller: Seller, ana: User) -> None:
    for number in range(4):
        product = make_flagged(seller)
        verdict = decide(
            product.pk,
            decision=Decision.APPROVED if number else Decision.REJECTED,
            actor=ana,
            reasons=[] if number else [POOR],
        )
    undo(verdict, ana)
    fine = make_product(seller)
    control(fine)
    decide(fine.pk, decision=Decision.REJECTED, actor=ana, reasons=[POOR])

    assert overturned_by_code() == [Overturned("text.phone_number", looked_at=3, overturned=2)]
    assert overturned_by_code()[0].share_pct == 67


def test_decisions_count_on_their_day_unless_they_were_taken_back(seller: Seller, ana: User) -> None:
    ben = make_reviewer("ben")
    first, second, third = (make_flagged(seller) for _ in range(3))
    old = decide(first.pk, decision=Decision.APPROVED, actor=ana)
    Verdict.objects.filter(pk=old.pk).update(made_at=timezone.now() - timedelta(days=2))
    last = decide(second.pk, decision=Decision.APPROVED, actor=ana)
    undo(decide(third.pk, decision=Decision.APPROVED, actor=ana), ana)
    decide(third.pk, decision=Decision.APPROVED, actor=ben)

    assert (decided_today(ana), decided_today(ben)) == (1, 1)
    assert sorted(decided_today_by()) == [("ana", 1), ("ben", 1)]
    assert last_decision(ana) == last
    control(second)
    assert last_decision(ana) == last
    decide(second.pk, decision=Decision.REJECTED, actor=ben, reasons=[POOR])
    assert last_decision(ana) is None


def test_the_oldest_waits_since_its_verdict(seller: Seller, ana: User) -> None:
    assert waiting_since() is None
    product = make_flagged(seller)
    make_flagged(seller)
    assert waiting_since() == product.verdicts.get().made_at
    unjudged = make_product(seller, status="flagged")
    assert waiting_since() == product.verdicts.get().made_at
    long_ago = timezone.now() - timedelta(days=9)
    Product.objects.filter(pk=unjudged.pk).update(updated_at=long_ago)
    assert waiting_since() == long_ago
    holds.take(product.pk, user=ana)
    assert held_now() == [("ana", 1)]
