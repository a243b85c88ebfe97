"""Quality control's tasks."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from jobs.batch import NewJob
from qc.models import RuleTrial, RuleTrialChange
from tests.catalog.products import add_picture, make_product
from tests.run_twice.case import Case, Shop, declare, judge

CASES: dict[str, Case] = {}
case = partial(declare, CASES)


@case(
    "quality-control",
    changes={"Verdict", "Product", "ShopLanguage", "OutboxEntry", "follow-ups"},
    follow_ups={"index-product": 1, "notify-seller": 1},
)
def _a_product_that_is_fit_and_one_without_price(shop: Shop) -> Sequence[NewJob]:
    products = [make_product(shop.sync, "Red lamp"), make_product(shop.sync, "Blue lamp", price=None)]
    for product in products:
        add_picture(product)
    return [shop.job("quality-control", product) for product in products]


@case("review-again", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_waits_for_the_reviewer_and_one_for_staff(shop: Shop) -> Sequence[NewJob]:
    for title, code in (("Red lamp", "review.unavailable"), ("Blue lamp", "review.counterfeit")):
        make_product(shop.sync, title, status="flagged", reasons=[{"code": code}])
    return [NewJob("review-again", {})]


@case("try-rules", changes={"RuleTrial", "RuleTrialChange", "follow-ups"}, follow_ups={"try-rules": 1})
def _a_trial_that_was_saved_before_its_end(shop: Shop) -> Sequence[NewJob]:
    product = make_product(shop.sync, "Red lamp", price=None)
    judge(product, "rejected")
    trial = _trial(judges_again=True)
    return [NewJob("try-rules", {"trial": trial.pk, "after": 0, "late": False})]


@case("apply-rules", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_new_rules_concern_and_one_that_is_gone(shop: Shop) -> Sequence[NewJob]:
    trial = _trial(judges_again=True)
    for title, status in (("Red lamp", "rejected"), ("Blue lamp", "gone")):
        product = make_product(shop.sync, title, status=status)
        RuleTrialChange.objects.create(
            trial=trial, product=product, kind="decision", before="rejected", after="approved"
        )
    return [NewJob("apply-rules", {"trial": trial.pk, "after": 0})]


@case("judge-outdated", changes={"follow-ups"}, follow_ups={"quality-control": 1})
def _a_product_that_earlier_rules_judged_and_one_that_is_gone(shop: Shop) -> Sequence[NewJob]:
    for title, status in (("Red lamp", "rejected"), ("Blue lamp", "gone")):
        judge(make_product(shop.sync, title, status=status), "rejected")
    return [NewJob("judge-outdated", {"run": 1, "after": 0})]


def _trial(**fields: Any) -> RuleTrial:
    return RuleTrial.objects.create(changes={"price.missing": {"is_on": False}}, **fields)
