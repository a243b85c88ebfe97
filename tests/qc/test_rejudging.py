"""Judging again what the rules of an earlier version judged: whom it concerns, and how far it is."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from jobs.audit import ReasonMissing
from jobs.models import Audit, Job
from marketplace.models import Product, Seller
from qc import rejudging
from qc.models import Verdict
from qc.rejudging import NothingOutdated, StillJudging, begin_judging_again, latest_run, outdated_count
from qc.review import decide
from qc.rules.ruleset import CODE_VERSION
from qc.rulesets import forget_ruleset
from tests.qc.reviewing import control, make_flagged, make_product, make_reviewer
from tests.qc.trying import NO_PHONES, run_jobs, save

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    cache.clear()


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


def judged_by(version: str, *products: Product) -> None:
    Verdict.objects.filter(product__in=products).update(rule_version=version)


def counted() -> int:
    cache.clear()
    return outdated_count()


def test_products_count_whose_latest_verdict_is_of_other_rules(seller: Seller, ana: User) -> None:
    old, mended, gone, decided, fresh = (make_flagged(seller) for _ in range(5))
    judged_by(f"{CODE_VERSION - 1}.7", old, mended, gone, decided)
    judged_by(f"{CODE_VERSION}.7", fresh)  # other settings of the same rules: a trial has told whom they concern
    control(mended)
    Product.objects.filter(pk=gone.pk).update(status="gone")
    decide(decided.pk, decision=Verdict.Decision.APPROVED, actor=ana)
    make_product(seller)

    assert (counted(), latest_run()) == (1, None)
    judged_by(f"{CODE_VERSION}0.0", old)  # no version begins with another one
    assert counted() == 1


def test_they_are_judged_again_by_jobs(seller: Seller) -> None:
    products = [make_flagged(seller) for _ in range(2)]
    save(NO_PHONES)
    forget_ruleset()
    judged_by(f"{CODE_VERSION - 1}.0", *products)

    assert begin_judging_again(actor="ana", reason="after the upgrade") == 2

    run = latest_run()
    assert run is not None
    assert (run.is_running, run.judged(counted()), run.entry.actor, run.entry.count) == (True, 0, "ana", 2)
    with pytest.raises(StillJudging):
        begin_judging_again(actor="ben", reason="x")
    assert run_jobs() == ["judge-outdated", "quality-control", "quality-control"]
    assert (counted(), run.judged(counted())) == (0, 2)
    assert set(Product.objects.values_list("status", flat=True)) == {"pending"}  # by the rules of now, as they are set
    judging = Job.objects.filter(task="quality-control")
    assert {(it.priority, it.tenant) for it in judging} == {(3, seller.tenant)}
    Job.objects.filter(task="index-product").update(state="completed")
    ended = latest_run()
    assert ended is not None
    assert not ended.is_running
    with pytest.raises(NothingOutdated):
        begin_judging_again(actor="ben", reason="x")


def test_it_goes_chunk_by_chunk(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudging, "CHUNK", 2)
    products = [make_flagged(seller) for _ in range(3)]
    judged_by("1.0", *products)

    begin_judging_again(actor="ana", reason="x")

    assert run_jobs().count("judge-outdated") == 2
    assert counted() == 0


def test_it_wants_a_reason_and_leaves_nothing_behind_without_one(seller: Seller) -> None:
    judged_by("1.0", make_flagged(seller))
    with pytest.raises(ReasonMissing):
        begin_judging_again(actor="ana", reason=" ")
    assert (Audit.objects.count(), Job.objects.filter(task="judge-outdated").count()) == (0, 0)
