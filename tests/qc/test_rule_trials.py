"""Rules tried on products: who would be judged otherwise, and having just those judged again."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs.models import Job
from marketplace.models import Product, Seller
from qc import rule_trials
from qc.models import RuleTrial, RuleTrialChange, Verdict
from qc.review import decide
from qc.rule_trials import AlreadySaved, NotTried, begin_trial, judged_again, save_trial
from qc.rules.contract import Severity
from qc.rules.ruleset import Setting
from qc.rulesets import NothingChanged, RulesChanged, forget_ruleset
from tests.qc.reviewing import PHONE, control, make_flagged, make_product, make_reviewer
from tests.qc.trying import NO_PHONES, run_jobs, save, tried

pytestmark = pytest.mark.django_db
SHORT = {"text.title_too_long": Setting(limits={"most_chars": 20})}


@pytest.fixture
def seller() -> Seller:
    return Seller.objects.create(name="Harbour Lane")


@pytest.fixture
def ana() -> User:
    return make_reviewer("ana")


def found(trial: RuleTrial) -> list[tuple[int, str, str, str, list[str]]]:
    return list(trial.found.values_list("product", "kind", "before", "after", "codes"))


def test_a_trial_tells_whose_verdict_would_change(seller: Seller) -> None:
    flagged = make_flagged(seller)
    control(make_product(seller))

    trial = tried(NO_PHONES)

    assert found(trial) == [(flagged.pk, "decision", "flagged", "approved", ["text.phone_number"])]
    assert (trial.state, trial.total, trial.looked_at, trial.figures) == ("finished", 2, 2, {"flagged>approved": 1})
    flagged.refresh_from_db()
    assert flagged.status == "flagged"  # nothing was touched
    assert Verdict.objects.count() == 2


@pytest.mark.parametrize(
    ("settings", "kind", "after"),
    [
        ({"text.phone_number": Setting(severity=Severity.REJECT)}, "decision", "rejected"),
        ({"text.phone_number": Setting(severity=Severity.ADVISE)}, "decision", "approved"),
        ({"price.missing": Setting(is_on=False)}, None, None),
        ({"text.description_repeats_title": Setting(is_on=False), **SHORT}, "advice", "flagged"),
    ],
)
def test_changes_are_of_kinds(
    seller: Seller, settings: dict[str, Setting], kind: str | None, after: str | None
) -> None:
    make_flagged(seller, title="A lamp with a fairly long title")

    changes = found(tried(settings))

    assert [(it[1], it[3]) for it in changes] == ([(kind, after)] if kind else [])


def test_other_reasons_and_other_words_are_told_apart(seller: Seller) -> None:
    control(make_product(seller, description=PHONE, price=None, title="A lamp with a fairly long title"))

    (reasons,) = found(tried(NO_PHONES))
    assert reasons[1:4] == ("reasons", "rejected", "rejected")

    save(SHORT)
    (words,) = found(tried({"text.title_too_long": Setting(limits={"most_chars": 22})}))
    assert words[1] == "words"


def test_what_the_reviewer_said_stays(seller: Seller) -> None:
    product = make_flagged(seller)
    verdict = Verdict.objects.get(product=product)
    verdict.reasons.append({"code": "review.counterfeit", "severity": "flag", "field": "", "message": "", "remedy": ""})
    verdict.save()

    (change,) = found(tried(NO_PHONES))

    assert change[1:4] == ("reasons", "flagged", "flagged")


def test_a_verdict_of_staff_holds(seller: Seller, ana: User) -> None:
    product = make_flagged(seller)
    decide(product.pk, decision=Verdict.Decision.APPROVED, actor=ana)

    trial = tried(NO_PHONES)

    assert found(trial) == []
    assert trial.figures == {"held": 1}


def test_products_on_their_way_gone_or_never_judged_are_left_out(seller: Seller) -> None:
    on_its_way, gone = make_flagged(seller), make_flagged(seller)
    Product.objects.filter(pk=on_its_way.pk).update(title="Another lamp")
    Product.objects.filter(pk=gone.pk).update(status="gone")
    make_product(seller, description="Call +44 20 7946 0123")

    trial = tried(NO_PHONES)

    assert found(trial) == []
    assert trial.looked_at == 1


def test_a_trial_goes_chunk_by_chunk(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_trials, "CHUNK", 2)
    products = [make_flagged(seller, description=f"Call +44 20 7946 012{number}") for number in range(5)]

    trial = tried(NO_PHONES)

    assert [it[0] for it in found(trial)] == [it.pk for it in products]
    assert (trial.looked_at, trial.figures) == (5, {"flagged>approved": 5})
    assert Job.objects.filter(task="try-rules", state="completed").count() == 3


def test_a_new_trial_stops_ones_own_that_still_runs(seller: Seller, ana: User) -> None:
    make_flagged(seller)
    mine, theirs = (begin_trial(NO_PHONES, base=None, user=it) for it in (ana, make_reviewer("ben")))
    begin_trial(SHORT, base=None, user=ana)

    run_jobs()

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, mine.looked_at) == ("stopped", 0)
    assert (theirs.state, theirs.looked_at) == ("finished", 1)


def test_a_trial_changes_something() -> None:
    with pytest.raises(NothingChanged):
        begin_trial({}, base=None)


def test_saving_judges_just_those_again_whom_it_concerns(seller: Seller, ana: User) -> None:
    concerned, rejected = make_flagged(seller), make_product(seller, price=None)
    control(rejected)
    trial = tried(NO_PHONES)

    revision = save_trial(trial.pk, actor="ana", user=ana, note="too many help lines", judges_again=True)
    forget_ruleset()
    ran = run_jobs()

    assert ran == ["try-rules", "apply-rules", "quality-control"]
    concerned.refresh_from_db()
    assert (concerned.status, concerned.reasons) == ("pending", [])
    assert concerned.verdicts.count() == 2
    assert rejected.verdicts.count() == 1
    assert Job.objects.filter(task="index-product", payload__product=concerned.pk).exists()
    trial.refresh_from_db()
    assert (trial.revision, judged_again(trial)) == (revision, 1)
    (job,) = Job.objects.filter(task="quality-control")
    assert (job.priority, job.tenant) == (3, seller.tenant)


def test_what_changed_between_trial_and_saving_is_judged_again_too(seller: Seller) -> None:
    trial = tried(NO_PHONES)
    product = make_flagged(seller)

    save_trial(trial.pk, actor="ana", note="x", judges_again=True)
    forget_ruleset()
    run_jobs()

    product.refresh_from_db()
    assert product.status == "pending"


def test_a_trial_may_be_saved_while_it_runs(seller: Seller) -> None:
    product = make_flagged(seller)
    trial = begin_trial(NO_PHONES, base=None)
    save_trial(trial.pk, actor="ana", note="x", judges_again=True)
    forget_ruleset()

    assert run_jobs() == ["try-rules", "try-rules", "apply-rules", "quality-control"]

    product.refresh_from_db()
    assert product.status == "pending"


def test_saving_may_leave_the_products_alone(seller: Seller) -> None:
    make_flagged(seller)
    trial = tried(NO_PHONES)
    save_trial(trial.pk, actor="ana", note="x", judges_again=False)
    assert run_jobs() == []


def test_a_trial_is_saved_once_and_only_on_the_rules_that_it_was_compared_with(seller: Seller) -> None:
    trial, late = tried(NO_PHONES), tried(SHORT)
    save_trial(trial.pk, actor="ana", note="x", judges_again=False)
    with pytest.raises(AlreadySaved):
        save_trial(trial.pk, actor="ana", note="x", judges_again=False)
    with pytest.raises(RulesChanged):
        save_trial(late.pk, actor="ben", note="x", judges_again=False)


def test_a_trial_that_was_given_up_says_so_and_judges_nobody_again(seller: Seller, monkeypatch: Any) -> None:
    make_flagged(seller)
    trial = begin_trial(NO_PHONES, base=None)
    Job.objects.filter(task="try-rules").update(max_attempts=1)
    with monkeypatch.context() as patch:
        patch.setattr("qc.tasks.look", lambda *_, **__: 1 / 0)
        run_jobs()
    trial.refresh_from_db()
    assert trial.state == "failed"
    with pytest.raises(NotTried):
        save_trial(trial.pk, actor="ana", note="x", judges_again=True)


def test_old_trials_are_swept_when_another_begins() -> None:
    old = begin_trial(NO_PHONES, base=None)
    RuleTrial.objects.update(made_at=timezone.now() - rule_trials.KEPT * 2)
    begin_trial(NO_PHONES, base=None)
    assert not RuleTrial.objects.filter(pk=old.pk).exists()


def test_the_number_of_queries_does_not_grow_with_products(seller: Seller, django_assert_max_num_queries: Any) -> None:
    for _ in range(30):
        make_flagged(seller)
    trial = begin_trial(NO_PHONES, base=None)
    with django_assert_max_num_queries(20):
        rule_trials.look(trial.pk, after=0, is_late=False)
    assert RuleTrialChange.objects.count() == 0
