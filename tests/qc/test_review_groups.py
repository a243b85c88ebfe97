"""Groups judged at once: just what was confirmed, and no more."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.models import Audit, Job
from marketplace.models import Product, Seller
from qc import holds, review_groups
from qc.models import Verdict
from qc.review import ReasonMissing, Ruling
from qc.review_groups import decide_group, seal
from qc.waiting import Group, group_of
from tests.qc.reviewing import make_flagged, make_reviewer

pytestmark = pytest.mark.django_db
APPROVED, REJECTED = Verdict.Decision.APPROVED, Verdict.Decision.REJECTED


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


@pytest.fixture
def products() -> list[Product]:
    seller = Seller.objects.create(name="Harbour Lane")
    return [make_flagged(seller, description=f"Call +44 20 7946 012{number}") for number in range(5)]


@pytest.fixture
def group(products: list[Product], ana: User) -> Group:
    return group_of(products[0].seller_id, ["text.phone_number"], user=ana)


def test_a_group_is_decided_batch_by_batch_with_an_audit_entry_each(
    group: Group, products: list[Product], ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_groups, "BATCH", 2)

    done = decide_group(group, Ruling(APPROVED, ana, note="a help line"), reason="a help line")

    assert (done.decided, done.left) == (5, 0)
    assert set(Product.objects.values_list("status", flat=True)) == {"pending"}
    assert Verdict.objects.filter(made_by=ana, note="a help line").count() == 5
    assert Job.objects.filter(task="index-product").count() == 5
    entries = list(Audit.objects.order_by("pk").values_list("action", "reason", "count"))
    assert entries == [("approve products", "a help line", count) for count in (2, 2, 1)]
    assert Audit.objects.order_by("pk").values_list("filter", flat=True)[0] == {
        "seller": group.seller_id,
        "codes": ["text.phone_number"],
        "products": [products[0].pk, products[1].pk],
    }


def test_each_is_rejected_for_what_was_found_of_it(group: Group, products: list[Product], ana: User) -> None:
    decide_group(group, Ruling(REJECTED, ana, is_as_found=True), reason="numbers")

    for number, product in enumerate(products):
        product.refresh_from_db()
        (reason,) = product.reasons
        assert (product.status, reason["severity"]) == ("rejected", "reject")
        assert f"012{number}" in reason["message"]


def test_what_changed_or_is_held_is_left(group: Group, products: list[Product], ana: User) -> None:
    sealed = seal(group)
    holds.take(products[0].pk, user=make_reviewer("ben"))
    products[1].title = "Another"
    products[1].save()
    Product.objects.filter(pk=products[2].pk).update(status="rejected")

    done = decide_group(group, Ruling(APPROVED, ana), reason="fine")

    assert (done.decided, done.left) == (2, 3)
    assert [it.status for it in Product.objects.order_by("pk")] == [
        "flagged",
        "flagged",
        "rejected",
        "pending",
        "pending",
    ]
    assert seal(group_of(group.seller_id, group.codes, user=ana)) != sealed


def test_a_rejection_without_a_reason_changes_nothing(group: Group, ana: User) -> None:
    with pytest.raises(ReasonMissing):
        decide_group(group, Ruling(REJECTED, ana), reason="x")
    assert Verdict.objects.filter(is_automatic=False).count() == 0


def test_the_number_of_queries_does_not_grow_with_the_group(
    group: Group, ana: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(30):
        decide_group(group, Ruling(APPROVED, ana), reason="fine")
